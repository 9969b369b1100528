"""Seconds per call, in interleaved rounds: other load on the machine affects all equally."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# Calls of a few milliseconds are repeated for this long and averaged.
LEAST_SECONDS = 0.3

NamedCalls = Iterator[tuple[str, Callable[[], object]]]
"""The calls to time, by name; a call returns when its result is ready."""


@dataclass
class Times:
    """Seconds per call, per round, by name of the call."""

    rounds: dict[str, list[float]] = field(default_factory=dict)

    def median(self, name: str) -> float:
        """In milliseconds."""
        return 1000 * statistics.median(self.rounds[name])

    def span(self, name: str) -> tuple[float, float]:
        """The fastest and the slowest round, in milliseconds."""
        return 1000 * min(self.rounds[name]), 1000 * max(self.rounds[name])


def seconds_per_call(call: Callable[[], object]) -> float:
    """The mean over calls that take `LEAST_SECONDS` in total."""
    started, elapsed, done = time.perf_counter(), 0.0, 0
    while elapsed < LEAST_SECONDS:
        call()
        done += 1
        elapsed = time.perf_counter() - started
    return elapsed / done


def timer(call: Callable[[], object]) -> Callable[[], float]:
    """Times a call after an uncounted warm-up call: caches and threads are still occupied by what
    ran before."""

    def timed() -> float:
        call()
        return seconds_per_call(call)

    return timed


def interleaved(
    subjects: Sequence[Mapping[str, Callable[[], float]]],
    rounds: int,
    advance: Callable[[], object],
) -> list[Times]:
    """Runs every timer of every subject once per round.

    A warm-up round is not counted. `advance` is called after each timer.
    """
    times = [Times() for _ in subjects]
    for number in range(rounds + 1):
        for timers, found in zip(subjects, times, strict=True):
            for what, timed in timers.items():
                seconds = timed()
                if number:
                    found.rounds.setdefault(what, []).append(seconds)
                advance()
    return times


def inference_calls(model: Any, source: np.ndarray, driving: np.ndarray) -> NamedCalls:
    """The operations of Keras and exported models on images [1, H, W, C]: `detect`, `encode`,
    `decode`.

    If each is called before the next is requested, its first call is timed separately.
    """
    yield "detect", lambda: model.detect(driving)
    kp_source, kp_driving = model.detect(source), model.detect(driving)
    yield "encode", lambda: [np.asarray(value) for value in model.encode(source).values()]
    encoded = model.encode(source)
    yield "decode", lambda: model.decode(encoded, kp_source, kp_driving)


def keras_calls(model: Any, source: np.ndarray, driving: np.ndarray) -> NamedCalls:
    """The operations of a Keras model, with `generate`: encode and decode in one call."""
    yield from inference_calls(model, source, driving)
    kp_source, kp_driving = model.detect(source), model.detect(driving)
    yield "generate", lambda: model.generate(source, kp_source, kp_driving)
