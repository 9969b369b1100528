"""Base class of the training steps of all kinds of models."""

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

    def __init__(self, config: Any, strategy: tf.distribute.Strategy | None = None):
        self.config = config
        self.strategy = strategy or tf.distribute.get_strategy()
        with self.strategy.scope():
            self._build()
            self.optimizers = {name: self._optimizer(name) for name in self.networks}
            for name, optimizer in self.optimizers.items():
                optimizer.build(self.networks[name].trainable_variables)

    def _optimizer(self, network: str) -> Adam:
        train = self.config.train_params
        # Networks used only in training are in no saved model.
        decay = train.ema if network in self.model.networks else None
        rate = train.learning_rate(network)
        return Adam(rate, clip_norm=train.clip_norm, average_decay=decay)

    @abstractmethod
    def _build(self) -> None:
        """Creates `model`, and anything else that the losses need."""

    @abstractmethod
    def _replica_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        """One update on a replica's share of the batch; returns the weighted losses before it."""

    def extra_batches(self, seed: int, start_step: int) -> tf.data.Dataset | None:
        """Batch entries besides the images, from step `start_step` on; None if there are none."""
        return None

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

    @tf.function(reduce_retracing=True)
    def __call__(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Updates all networks on one batch; returns the weighted losses before the step."""
        losses = self.strategy.run(self._replica_step, (batch,))
        mean = tf.distribute.ReduceOp.MEAN
        return {name: self.strategy.reduce(mean, loss, axis=None) for name, loss in losses.items()}
