"""What the training steps of all kinds of models share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fomm_tf.base_model import BaseModel
from fomm_tf.training.adam import Adam

Batch = dict[str, tf.Tensor]
"""`source`, `driving` [B, H, W, C], and what a step's `extra_batches` adds."""


class BaseStep(ABC):
    """The networks under training, their optimizers, and the function that moves them on by a step.

    Everything is made under `strategy`; with several replicas each sees its part of the batch, and
    the result is that of one device with the whole batch. The config's `lr_NAME` is the learning
    rate of the network NAME.
    """

    model: BaseModel

    def __init__(self, config: Any, strategy: tf.distribute.Strategy | None = None):
        self.config = config
        self.strategy = strategy or tf.distribute.get_strategy()
        with self.strategy.scope():
            self._build()
            self.optimizers = {
                name: Adam(getattr(config.train_params, f"lr_{name}")) for name in self.networks
            }
            for name, optimizer in self.optimizers.items():
                optimizer.build(self.networks[name].trainable_variables)

    @abstractmethod
    def _build(self) -> None:
        """Makes `model`, and what the losses need besides."""

    @abstractmethod
    def _replica_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        """One update by a replica's part of the batch; the weighted losses before it."""

    @abstractmethod
    def picture(self, source: np.ndarray, driving: np.ndarray) -> np.ndarray:
        """What the model makes of some pairs of frames [B, H, W, C] in [0, 1], to look at: uint8
        [height, width, 3]."""

    def extra_batches(self, seed: int, start_step: int) -> tf.data.Dataset | None:
        """What a batch needs besides pictures, from step `start_step` on; None for nothing."""
        return None

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The trained networks by their name in checkpoints."""
        return self.model.networks

    @tf.function(reduce_retracing=True)
    def __call__(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Moves all networks on by one batch; returns the weighted losses before the step."""
        losses = self.strategy.run(self._replica_step, (batch,))
        mean = tf.distribute.ReduceOp.MEAN
        return {name: self.strategy.reduce(mean, loss, axis=None) for name, loss in losses.items()}
