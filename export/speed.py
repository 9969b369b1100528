"""Times a Keras model and graphs exported from it: interleaved rounds of single calls."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tqdm import tqdm

# Calls of a few milliseconds are repeated for this long, and count with their mean.
LEAST_SECONDS = 0.3

Calls = dict[str, Callable[[], object]]


@dataclass
class Times:
    """Seconds per call, round by round, by what is called."""

    rounds: dict[str, list[float]] = field(default_factory=dict)

    def median(self, name: str) -> float:
        """In milliseconds."""
        return 1000 * statistics.median(self.rounds[name])

    def span(self, name: str) -> tuple[float, float]:
        """The fastest and the slowest round, in milliseconds."""
        return 1000 * min(self.rounds[name]), 1000 * max(self.rounds[name])


def calls_of(model: Any, source: np.ndarray, driving: np.ndarray) -> Calls:
    """What either kind of model does with pictures [1, H, W, 3]: `detect`, `encode`, `decode`.

    A Keras model also does `generate`, which is encode and decode in one call. A call returns when
    its result is there.
    """
    kp_source, kp_driving = model.detect(source), model.detect(driving)
    encoded = model.encode(source)
    calls: Calls = {
        "detect": lambda: model.detect(driving),
        "encode": lambda: [np.asarray(value) for value in model.encode(source).values()],
        "decode": lambda: model.decode(encoded, kp_source, kp_driving),
    }
    if hasattr(model, "generate"):
        calls["generate"] = lambda: model.generate(source, kp_source, kp_driving)
    return calls


def measure(subjects: Sequence[Calls], rounds: int) -> list[Times]:
    """Times every call of every subject once a round, so that other work meets all alike.

    A round before those that count warms up.
    """
    times = [Times() for _ in subjects]
    total = (rounds + 1) * sum(map(len, subjects))
    with tqdm(total=total, desc="timing", unit="call", leave=False) as bar:
        for number in range(rounds + 1):
            for calls, found in zip(subjects, times, strict=True):
                for what, call in calls.items():
                    seconds = _seconds(call)
                    if number:
                        found.rounds.setdefault(what, []).append(seconds)
                    bar.update()
    return times


def _seconds(call: Callable[[], object]) -> float:
    # Weights and threads of what ran before are still in the way of the first call.
    call()
    started, elapsed, done = time.perf_counter(), 0.0, 0
    while elapsed < LEAST_SECONDS:
        call()
        done += 1
        elapsed = time.perf_counter() - started
    return elapsed / done
