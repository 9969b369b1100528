"""One training step of a toy."""

from __future__ import annotations

import tensorflow as tf

from fomm_tf.losses.perceptual import mean_distance
from fomm_tf.training.step import BaseStep, Batch
from toy_kind.model import ToyModel


class ToyTrainingStep(BaseStep):
    """The L1 of the frame moves all three networks."""

    model: ToyModel

    def _build(self) -> None:
        self.model = ToyModel(self.config)

    def _replica_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            source, driving = batch["source"], batch["driving"]
            kp_source = self.model.detector(source, training=True)
            kp_driving = self.model.detector(driving, training=True)
            features = self.model.encoder(source, training=True)
            frame = self.model.painter(features, kp_source, kp_driving, training=True)
            loss = mean_distance(frame, driving)
            total = loss / self.strategy.num_replicas_in_sync
        variables = {name: network.trainable_variables for name, network in self.networks.items()}
        for name, gradients in tape.gradient(total, variables).items():
            self.optimizers[name].apply(gradients)
        return {"pixel": loss}
