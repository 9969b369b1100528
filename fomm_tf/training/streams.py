"""The batches of a run from any step on, on its devices."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import tensorflow as tf

from fomm_tf.data.dataset import FramesDataset
from fomm_tf.data.pipeline import iterate, training_batches
from fomm_tf.training.distribution import workers
from fomm_tf.training.step import BaseStep, Batch


def step_batches(
    step: BaseStep, dataset: FramesDataset, seed: int, number: int, skipped: Collection[int] = ()
) -> Iterator[Batch]:
    """The batches for `step` from `number` on (counted from 0), without those in `skipped`.

    With several replicas a batch's parts are on them in order, and a worker reads only its own.
    """

    def worker_batches(context: tf.distribute.InputContext | None) -> tf.data.Dataset:
        batches = _batches(step, dataset, seed, number, context)
        wanted = [left_out for left_out in skipped if left_out >= number]
        if wanted:
            kept = tf.data.Dataset.counter(number)
            pairs = tf.data.Dataset.zip(kept, batches)
            pairs = pairs.filter(lambda n, _: tf.reduce_all(n != tf.constant(wanted, n.dtype)))
            batches = pairs.map(lambda _, batch: batch)
        if context is not None:
            size = step.config.train_params.batch_size
            batches = batches.rebatch(context.get_per_replica_batch_size(size), drop_remainder=True)
        return batches

    if step.strategy.num_replicas_in_sync == 1:
        return iterate(worker_batches(None), dataset)
    return iterate(step.strategy.distribute_datasets_from_function(worker_batches), dataset)


def _batches(
    step: BaseStep,
    dataset: FramesDataset,
    seed: int,
    number: int,
    context: tf.distribute.InputContext | None,
) -> tf.data.Dataset:
    """This worker's part of each batch."""
    train = step.config.train_params
    index, parts = 0, 1
    if context is not None and workers(step.strategy) > 1:
        index, parts = context.input_pipeline_id, context.num_input_pipelines
    batches = training_batches(
        dataset, train.batch_size, train.num_repeats, seed, number, (index, parts)
    )
    extras = step.extra_batches(seed, number)
    if extras is None:
        return batches
    size = train.batch_size // parts
    own = slice(index * size, (index + 1) * size)
    return tf.data.Dataset.zip(batches, extras).map(
        lambda pair, more: {**pair, **{name: value[own] for name, value in more.items()}}
    )


def one_batch(step: BaseStep, dataset: FramesDataset, seed: int, number: int) -> Batch:
    """The whole batch with this number, wherever it is processed."""
    return next(iter(_batches(step, dataset, seed, number, None).take(1)))
