"""Training batches as tf.data.

Every sample depends on (seed, epoch, position) only: a stream can be taken up at any step exactly
as an undisturbed run would have seen it.
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

    Raises DataError where that is none.
    """
    samples = len(dataset) * num_repeats
    if samples < batch_size:
        raise DataError(
            f"{dataset.root}: {len(dataset)} videos x {num_repeats} repeats are less than a batch"
            f" of {batch_size}; raise train_params.num_repeats or lower the batch size"
        )
    return samples // batch_size


def training_batches(
    dataset: FramesDataset, batch_size: int, num_repeats: int, seed: int, start_step: int = 0
) -> tf.data.Dataset:
    """The endless stream of batches from step `start_step` on, counted over all epochs.

    Elements: {"source", "driving"}, float32 [batch_size, H, W, 3] in [0, 1], static shapes. Each
    epoch shuffles anew. May be given to `strategy.experimental_distribute_dataset`; iterate with
    `iterate`, so that errors of the dataset arrive as what they are.
    Raises DataError where an epoch has no batch.
    """
    epoch_samples = steps_per_epoch(dataset, batch_size, num_repeats) * batch_size

    @lru_cache(maxsize=2)  # at the turn of an epoch, samples of both are being made
    def order(epoch: int) -> np.ndarray:
        return np.random.default_rng([seed, 0, epoch]).permutation(len(dataset) * num_repeats)

    def sample(number: np.int64) -> tuple[np.ndarray, np.ndarray]:
        epoch, position = divmod(int(number), epoch_samples)
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

    numbers = tf.data.Dataset.counter(start_step * batch_size)
    workers = max(2, processors())
    batches = (
        numbers.map(load, num_parallel_calls=workers, deterministic=True)
        .batch(batch_size, drop_remainder=True)
        .prefetch(2)
    )
    options = tf.data.Options()
    # No files to give out to the workers of a distributed run: each takes every n-th batch.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return batches.with_options(options)


def iterate(batches: Iterable[Any], dataset: FramesDataset) -> Iterator[Any]:
    """Yields from `batches`: those of `training_batches(dataset, ...)`, distributed or not.

    What `dataset` raised in a thread of tf.data is raised here again, instead of its TensorFlow
    wrapping: DataError where no video can be read any more.
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
    """Ends what nobody closed: a tf.data thread that is still calling Python while the interpreter
    goes down never returns, and the process would wait for it forever."""
    for running in list(_running):
        running.close()
