"""What the training steps of all kinds of models share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from fomm_tf.config.base import BaseConfig
from fomm_tf.errors import ModelError
from fomm_tf.inference.model import BaseModel, load_official_module
from fomm_tf.training.adam import Adam
from fomm_tf.training.optimizer_state import load_official_optimizers

Batch = dict[str, tf.Tensor]
"""`source`, `driving` [B, H, W, C], and what a step's `extra_batches` adds."""


class InitialWeights(NamedTuple):
    """What training may start from: state dicts by the names of networks, as `where` has them.

    config: of a model folder; None for an official checkpoint, which may also bring a discriminator
    and Adam's states.
    """

    where: Path
    modules: Mapping[Any, Any]
    config: BaseConfig | None


class BaseStep(ABC):
    """The networks under training, their optimizers, and the function that moves them on by a step.

    Everything is made under `strategy`; with several replicas each sees its part of the batch, and
    the result is that of one device with the whole batch.
    """

    model: BaseModel

    def __init__(self, config: Any, strategy: tf.distribute.Strategy | None = None):
        self.config = config
        self.strategy = strategy or tf.distribute.get_strategy()
        with self.strategy.scope():
            self._build()
            self.optimizers = {
                name: Adam(config.train_params.learning_rate(name)) for name in self.networks
            }
            for name, optimizer in self.optimizers.items():
                optimizer.build(self.networks[name].trainable_variables)

    @abstractmethod
    def _build(self) -> None:
        """Makes `model`, and what the losses need besides."""

    @abstractmethod
    def _replica_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        """One update by a replica's part of the batch; the weighted losses before it."""

    def extra_batches(self, seed: int, start_step: int) -> tf.data.Dataset | None:
        """What a batch needs besides pictures, from step `start_step` on; None for nothing."""
        return None

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The trained networks by their name in checkpoints: the model's, and what only training
        has."""
        return self.model.networks

    def start_from(self, weights: InitialWeights) -> str | None:
        """Fills all networks, and the optimizers where there are states for them.

        A network that only training has stays new where there is none, as in the official code.
        Returns what was left at random, in words for the user, or None for what needs no telling.
        Raises ModelError.
        """
        where, modules, config = weights
        if config is not None and config.KIND != self.config.KIND:
            raise ModelError(f"{where} is a {config.KIND}, and not a {self.config.KIND}")
        for name, network in self.networks.items():
            if name in self.model.networks or name in modules:
                load_official_module(network, modules, name, where)
        load_official_optimizers(self.networks, self.optimizers, modules, where)
        return None

    @tf.function(reduce_retracing=True)
    def __call__(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Moves all networks on by one batch; returns the weighted losses before the step."""
        losses = self.strategy.run(self._replica_step, (batch,))
        mean = tf.distribute.ReduceOp.MEAN
        return {name: self.strategy.reduce(mean, loss, axis=None) for name, loss in losses.items()}
