"""The devices and machines of a run, by `tf.distribute`."""

from __future__ import annotations

import os
from typing import Literal

import tensorflow as tf

from fomm_tf.errors import ConfigError

StrategyName = Literal["none", "mirrored", "multiworker"]


def strategy_for(
    name: StrategyName | None, batch_size: int, parts: int = 1
) -> tf.distribute.Strategy:
    """Data parallelism; None: over all GPUs of this machine if it has several.

    "multiworker" is one process on each of several machines, found by TF_CONFIG (as Kubernetes'
    TFJob sets it) or in Slurm's variables. To be called before anything else in TensorFlow.
    Raises ConfigError if the batch cannot be divided among the replicas, and there into `parts`.
    """
    strategy = _create(name)
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise ConfigError(
            f"a batch of {batch_size} cannot be divided among {replicas} devices; "
            f"give --batch-size a multiple of {replicas}"
        )
    if batch_size // replicas % parts:
        raise ConfigError(
            f"accumulation_steps: {parts} parts do not divide the {batch_size // replicas} samples "
            "of a device evenly"
        )
    return strategy


def _create(name: StrategyName | None) -> tf.distribute.Strategy:
    if name == "multiworker":
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=_cluster())
    if name == "mirrored" or (name is None and len(tf.config.list_logical_devices("GPU")) > 1):
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def _cluster() -> tf.distribute.cluster_resolver.ClusterResolver:
    if "TF_CONFIG" in os.environ:
        return tf.distribute.cluster_resolver.TFConfigClusterResolver()
    if "SLURM_PROCID" in os.environ:
        return tf.distribute.cluster_resolver.SlurmClusterResolver()
    raise ConfigError(
        "--strategy multiworker: found neither TF_CONFIG nor Slurm's variables; set TF_CONFIG for "
        "each process, or start them with srun"
    )


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes the run's files: the first of several workers, or the only."""
    return workers(strategy) == 1 or strategy.cluster_resolver.task_id == 0


def workers(strategy: tf.distribute.Strategy) -> int:
    """The number of processes."""
    resolver = strategy.cluster_resolver
    return max(1, len(resolver.cluster_spec().as_dict().get("worker", []))) if resolver else 1


def any_worker(strategy: tf.distribute.Strategy, flag: bool) -> bool:
    """Whether `flag` is set in any process: all of them get the same answer at the same time."""
    if workers(strategy) == 1:
        return flag
    flags = strategy.run(_as_number, (tf.constant(float(flag)),))
    return bool(strategy.reduce(tf.distribute.ReduceOp.SUM, flags, axis=None))


@tf.function
def _as_number(flag: tf.Tensor) -> tf.Tensor:
    return tf.identity(flag)
