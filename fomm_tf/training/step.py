"""Base class of the training steps of all kinds of models."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from fomm_tf.config.base import BaseConfig
from fomm_tf.errors import ConfigError, ModelError
from fomm_tf.inference.model import BaseModel, load_official_module
from fomm_tf.training.adam import Adam
from fomm_tf.training.optimizer_state import load_official_optimizers

Batch = dict[str, tf.Tensor]
"""`source`, `driving` [B, H, W, C], and what a step's `extra_batches` adds."""


class InitialWeights(NamedTuple):
    """Initial weights for training: state dicts by network name, read from `where`.

    config: of a model folder; None for an official checkpoint, which may also hold a discriminator
    and Adam's states.
    """

    where: Path
    modules: Mapping[Any, Any]
    config: BaseConfig | None


class BaseStep(ABC):
    """The networks under training, their optimizers, and the training step function.

    Everything is created under `strategy`; with several replicas each processes its share of the
    batch, and the result equals that of one device with the whole batch.
    """

    model: BaseModel

    phase: Hashable = None
    """What `begin_epoch` changes and the step's trace depends on: each has a trace of its own."""

    def __init__(self, config: Any, strategy: tf.distribute.Strategy | None = None):
        self.config = config
        self.strategy = strategy or tf.distribute.get_strategy()
        self._watched = _Watched()
        with self.strategy.scope():
            self._build()
            freeze(self.networks, config.train_params.freeze)
            self.optimizers = {name: self._optimizer(name) for name in self.networks}
            for name, optimizer in self.optimizers.items():
                optimizer.build(self.networks[name].trainable_variables)

    def _optimizer(self, network: str) -> Adam:
        train = self.config.train_params
        # Networks used only in training are in no saved model.
        decay = train.ema if network in self.model.networks else None
        rate = train.learning_rate(network)
        return Adam(
            rate,
            clip_norm=train.clip_norm,
            average_decay=decay,
            accumulate=train.accumulation_steps,
        )

    @abstractmethod
    def _build(self) -> None:
        """Creates `model`, and anything else that the losses need."""

    @abstractmethod
    def _replica_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        """One update on a replica's share of the batch; returns the weighted losses before it."""

    def extra_batches(self, seed: int, start_step: int) -> tf.data.Dataset | None:
        """Batch entries besides the images, from step `start_step` on; None if there are none."""
        return None

    def begin_epoch(self, epoch: int) -> None:
        """Called before the steps of every epoch, counted from 0, and when a run is resumed: for
        schedules besides the learning rate's. Sets variables, or `phase`."""
        return None

    def identity(self) -> dict[str, Any]:
        """What else must not change when a run is resumed, for its `run.json`."""
        return {}

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The trained networks by their name in checkpoints: the model's, and those used only in
        training."""
        return self.model.networks

    def start_from(self, weights: InitialWeights) -> str | None:
        """Initializes all networks, and the optimizers where there are states for them.

        A network used only in training keeps its random weights if `weights` lacks it, as in the
        official code. Returns a message for the user about what stays random, or None.
        Raises ModelError.
        """
        where, modules, config = weights
        if config is not None and config.KIND != self.config.KIND:
            raise ModelError(f"{where} is a {config.KIND}, not a {self.config.KIND}")
        for name, network in self.networks.items():
            if name in self.model.networks or name in modules:
                load_official_module(network, modules, name, where)
        load_official_optimizers(self.networks, self.optimizers, modules, where)
        return None

    def watch(self, name: str, tensor: tf.Tensor) -> None:
        """Has the trainer stop if a tensor explodes: called while `run` is traced, else nothing."""
        sizes = self._watched.sizes
        if sizes is not None:
            size = tf.reduce_max(tf.abs(tf.stop_gradient(tensor)))
            sizes[name] = tf.maximum(sizes[name], size) if name in sizes else size

    def __call__(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Updates all networks on one batch; returns the weighted losses before the step."""
        return self.run(batch)[0]

    def run(self, batch: Batch) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """Like a call; also returns the sizes of what must not explode: the norm of each network's
        gradients, and the largest value of each watched tensor."""
        return self._traced(batch, self.phase)

    @tf.function(reduce_retracing=True, autograph=False)
    def _traced(
        self, batch: Batch, phase: Hashable
    ) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        results = self.strategy.run(self._accumulated_step, (batch,))
        mean = tf.distribute.ReduceOp.MEAN
        return tf.nest.map_structure(
            lambda value: self.strategy.reduce(mean, value, axis=None), results
        )

    def _accumulated_step(self, batch: Batch) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """A replica's step in `accumulation_steps` parts, one after the other."""
        parts = self.config.train_params.accumulation_steps
        losses: list[dict[str, tf.Tensor]] = []
        sizes: dict[str, tf.Tensor] = {}
        self._watched.sizes = sizes
        for part in split_batch(batch, parts):
            # All of one part before the next begins, or the memory of both would be needed.
            done = [g for one in self.optimizers.values() for g in one.waiting()]
            with tf.control_dependencies(done):
                losses.append(self._replica_step(tf.nest.map_structure(tf.identity, part)))
        self._watched.sizes = None
        sizes |= {
            f"gradients of {name}": optimizer.gradient_norm
            for name, optimizer in self.optimizers.items()
            if optimizer.gradient_norm is not None
        }
        return {name: tf.add_n([one[name] for one in losses]) / parts for name in losses[0]}, sizes


class _Watched(threading.local):
    """The sizes of watched tensors; each replica is traced in a thread of its own."""

    sizes: dict[str, tf.Tensor] | None = None


def split_batch(batch: Batch, parts: int) -> list[Batch]:
    """A batch as consecutive smaller ones."""
    if parts == 1:
        return [batch]
    pieces = {name: tf.split(value, parts) for name, value in batch.items()}
    return [{name: pieces[name][index] for name in batch} for index in range(parts)]


def freeze(networks: Mapping[str, keras.Model], names: Sequence[str]) -> None:
    """Excludes parts of the networks from training: a network's name, or with the attribute path of
    a layer behind it, as in the names of weights: `generator`, `generator.dense_motion_network`.

    Raises ConfigError, naming what there is.
    """
    for name in names:
        network, *path = name.split(".")
        layer: Any = networks
        for attribute in (network, *path):
            layer = _part(layer, attribute)
            if layer is None:
                known = ", ".join(networks)
                raise ConfigError(
                    f"train_params.freeze: there is no {name}; the networks are {known}, and parts "
                    "of them have the names of their weights"
                )
        layer.trainable = False


def _part(whole: Any, name: str) -> Any:
    if isinstance(whole, Mapping):
        return whole.get(name)
    if isinstance(whole, list):
        return whole[int(name)] if name.isdecimal() and int(name) < len(whole) else None
    found = getattr(whole, name, None)
    return found if isinstance(found, (keras.layers.Layer, list)) else None
