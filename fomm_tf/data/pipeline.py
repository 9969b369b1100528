"""Training batches as tf.data.

Every sample depends only on (seed, epoch, position): a stream can be resumed at any step exactly as
an uninterrupted run would have seen it.
"""

from __future__ import annotations

import atexit
from collections.abc import Generator, Iterable, Iterator
from functools import lru_cache
from typing import Any
from weakref import WeakSet

import numpy as np
import tensorflow as tf

from fomm_tf.data.dataset import FramesDataset
from fomm_tf.errors import DataError
from fomm_tf.measure.machine import processors


def steps_per_epoch(dataset: FramesDataset, batch_size: int, num_repeats: int) -> int:
    """Batches of an epoch: `num_repeats` passes over the dataset, the last partial batch dropped.

    Raises DataError if that is zero.
    """
    samples = len(dataset) * num_repeats
    if samples < batch_size:
        raise DataError(
            f"{dataset.root}: {len(dataset)} videos x {num_repeats} repeats are less than a batch"
            f" of {batch_size}; raise train_params.num_repeats or lower the batch size"
        )
    return samples // batch_size


def training_batches(
    dataset: FramesDataset,
    batch_size: int,
    num_repeats: int,
    seed: int,
    start_step: int = 0,
    part: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """The endless stream of batches from step `start_step` on, counted over all epochs.

    Elements: {"source", "driving"}, float32 [batch_size, H, W, 3] in [0, 1], static shapes. Each
    epoch is reshuffled. part: (index, count) reads only one of `count` equal parts of each batch,
    for one of so many workers. Iterate with `iterate`, so that errors of the dataset keep their
    type.
    Raises DataError if an epoch has no batch.
    """
    epoch_samples = steps_per_epoch(dataset, batch_size, num_repeats) * batch_size

    @lru_cache(maxsize=2)  # at an epoch boundary, samples of both are in progress
    def order(epoch: int) -> np.ndarray:
        return np.random.default_rng([seed, 0, epoch]).permutation(len(dataset) * num_repeats)

    index_of_part, parts = part
    part_size = batch_size // parts

    def sample(number: np.int64) -> tuple[np.ndarray, np.ndarray]:
        step, place = divmod(int(number), part_size)
        whole = step * batch_size + index_of_part * part_size + place
        epoch, position = divmod(whole, epoch_samples)
        index = int(order(epoch)[position]) % len(dataset)
        try:
            return dataset.sample(index, np.random.default_rng([seed, 1, epoch, position]))
        except Exception as error:
            dataset.failure = error
            raise

    def load(number: tf.Tensor) -> dict[str, tf.Tensor]:
        pair = tf.numpy_function(sample, [number], [tf.float32, tf.float32], stateful=False)
        for frame in pair:
            frame.set_shape([*dataset.frame_size, 3])
        return {"source": pair[0], "driving": pair[1]}

    numbers = tf.data.Dataset.counter(start_step * part_size)
    workers = max(2, processors())
    return (
        numbers.map(load, num_parallel_calls=workers, deterministic=True)
        .batch(part_size, drop_remainder=True)
        .prefetch(2)
    )


def iterate(batches: Iterable[Any], dataset: FramesDataset) -> Iterator[Any]:
    """Yields from `batches`: those of `training_batches(dataset, ...)`, distributed or not.

    An exception of `dataset` in a tf.data thread is re-raised here without its TensorFlow wrapper:
    DataError if no video can be read anymore.
    """
    running = _iterate(batches, dataset)
    _running.add(running)
    return running


def _iterate(batches: Iterable[Any], dataset: FramesDataset) -> Generator[Any, None, None]:
    try:
        yield from batches
    except tf.errors.OpError:
        if dataset.failure is not None:
            raise dataset.failure from None
        raise


_running: WeakSet[Generator] = WeakSet()


@atexit.register
def _stop_running() -> None:
    """Closes remaining iterators: a tf.data thread that still calls Python while the interpreter
    shuts down never returns, and the process would wait for it forever."""
    for running in list(_running):
        running.close()
