"""Times a config's training step, inference and reader: seconds per call, per round."""

from __future__ import annotations

import itertools
import statistics
import timeit
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from fomm_tf.config.base import BaseConfig
from fomm_tf.data.dataset import FramesDataset
from fomm_tf.data.pipeline import iterate, training_batches
from fomm_tf.measure.timing import interleaved, keras_calls, seconds_per_call
from fomm_tf.registry import kind_of


@dataclass
class Result:
    """One config's times in seconds: of first calls, and per round of a step, frame or sample."""

    name: str
    config: str
    frame_size: tuple[int, int]
    batch_size: int
    first: dict[str, float] = field(default_factory=dict)
    rounds: dict[str, list[float]] = field(default_factory=dict)

    def per_second(self, name: str) -> float:
        """The median rate: images, frames or samples per second."""
        images = self.batch_size if name == "step" else 1
        return images / statistics.median(self.rounds[name])

    def reader_ratio(self, name: str) -> float:
        """The reader's rate of training samples, relative to the step's."""
        return self.per_second(name) / self.per_second("step")


def measure(result: Result, config: BaseConfig, dataset: FramesDataset, rounds: int) -> None:
    """Fills in `result`: for the networks `step`, `detect`, `encode`, `decode` and `generate`, for
    the reader `read` (a frame), `sample` and `cached_sample`.

    dataset: training videos, read without a cache, as from a dataset too large for memory; for
    `cached_sample` they are cached.
    """
    cached = dataset.with_memory()
    timers: dict[str, Callable[[], float]] = {}
    with tqdm(leave=False) as bar:
        for name, call in _calls(config, next(_batches(dataset, config))):
            bar.set_description(f"{result.name}: tracing {name}")
            result.first[name] = timeit.timeit(call, number=1)
            timers[name] = partial(seconds_per_call, call)
        bar.set_description(f"{result.name}: filling the reader's cache")
        for index in range(min(len(cached), 500)):
            cached.sample(index, np.random.default_rng(index))
        timers["read"] = _frame_timer(dataset)
        timers["sample"] = _sample_timer(dataset, config)
        timers["cached_sample"] = _sample_timer(cached, config)
        bar.reset(len(timers) * (rounds + 1))
        bar.set_description(f"{result.name}: rounds")
        (times,) = interleaved([timers], rounds, bar.update)
        result.rounds = times.rounds


def _batches(
    dataset: FramesDataset, config: BaseConfig, start: int = 0
) -> Iterator[dict[str, tf.Tensor]]:
    train = config.train_params
    repeats = max(train.num_repeats, train.batch_size)  # enough for a batch, however few videos
    return iterate(training_batches(dataset, train.batch_size, repeats, 0, start), dataset)


def _calls(
    config: BaseConfig, batch: dict[str, tf.Tensor]
) -> Iterator[tuple[str, Callable[[], object]]]:
    """A model's operations, by name.

    Each must be called before the next is requested, so that its first call is timed separately.
    """
    step = kind_of(config).step()(config)
    if (extras := step.extra_batches(seed=0, start_step=0)) is not None:
        batch = batch | next(iter(extras.take(1)))
    yield "step", lambda: [float(loss) for loss in step(batch).values()]
    source, driving = batch["source"][:1].numpy(), batch["driving"][:1].numpy()
    yield from keras_calls(step.model, source, driving)


def _frame_timer(dataset: FramesDataset) -> Callable[[], float]:
    """Seconds per frame of videos read from their beginning, as evaluation does."""
    videos = itertools.cycle(range(len(dataset.clips)))
    frames = itertools.chain.from_iterable(map(dataset.video, videos))
    return partial(seconds_per_call, lambda: next(frames))


def _sample_timer(dataset: FramesDataset, config: BaseConfig) -> Callable[[], float]:
    """Seconds per training sample, with augmentation."""
    starts = itertools.count(step=1000)

    def timer() -> float:
        # A fresh stream each time: an idle one would prefetch in the background.
        batches = _batches(dataset, config, next(starts))
        next(batches)
        seconds = seconds_per_call(lambda: next(batches)) / config.train_params.batch_size
        batches.close()  # type: ignore[attr-defined]
        return seconds

    return timer
