"""One training step of Monkey-Net: losses, gradients and updates in the official order."""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.layers.patch_discriminator import Judgement
from fomm_tf.monkeynet.discriminator import Discriminator
from fomm_tf.monkeynet.keypoints import GaussianKeypoints
from fomm_tf.monkeynet.losses import discriminator_loss, generator_losses
from fomm_tf.monkeynet.model import MonkeyNetModel
from fomm_tf.training.step import BaseStep, Batch

Pair = tuple[GaussianKeypoints, GaussianKeypoints]
"""Keypoints of source and driving frames."""


class MonkeyNetTrainingStep(BaseStep):
    """Keypoint detector, generator and discriminator under training.

    A batch may have several driving frames for each source: `source` [B, H, W, C], `driving`
    [B * D, H, W, C], the D frames of each source consecutively.
    """

    model: MonkeyNetModel

    def _build(self) -> None:
        params = self.config.model_params
        self.train_params = self.config.train_params
        self.model = MonkeyNetModel(self.config)
        self.discriminator = Discriminator(params.common_params, params.discriminator_params)

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The trained networks by their name in checkpoints."""
        return self.model.networks | {"discriminator": self.discriminator}

    def _replica_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        replicas = self.strategy.num_replicas_in_sync
        with tf.GradientTape() as tape:
            losses, out, keypoints = self.generator_losses(batch)
            total = tf.add_n(list(losses.values())) / replicas
            with tf.GradientTape() as discriminator_tape:
                judged = self.discriminator_losses(batch, out["prediction"], keypoints)
                discriminator_total = tf.add_n(list(judged.values())) / replicas
            # Its own loss also trains the detector, unless the config detaches it, but never the
            # generator. The discriminator is unchanged since the generator's loss.
            total += discriminator_total
        self._apply(discriminator_tape, discriminator_total, "discriminator")
        self._apply(tape, total, "generator", "kp_detector")
        return losses | judged

    def _apply(self, tape: tf.GradientTape, loss: tf.Tensor, *names: str) -> None:
        """Updates the named networks; weights that the loss does not reach get zero gradients."""
        groups = [self.networks[name].trainable_variables for name in names]
        gradients = tape.gradient(loss, groups, unconnected_gradients="zero")
        for name, group in zip(names, gradients, strict=True):
            self.optimizers[name].apply(group)

    def generator_losses(
        self, batch: Batch
    ) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor], Pair]:
        """The weighted losses of generator and detector, the generator's outputs, and the
        keypoints, [B * D, ...] each."""
        source, driving = batch["source"], batch["driving"]
        count = tf.shape(source)[0]
        frames = tf.shape(driving)[0] // count
        # Together, so that the norms' statistics include all of them.
        kp = self.model.kp_detector(tf.concat([source, driving], axis=0), training=True)
        kp_source = kp.map(lambda part: tf.repeat(part[:count], frames, axis=0))
        keypoints: Pair = kp_source, kp.map(lambda part: part[count:])
        seen = _detached(keypoints) if self.train_params.detach_kp_generator else keypoints
        encoded = self.model.generator.encode(source, training=True)
        encoded = {name: tf.repeat(level, frames, axis=0) for name, level in encoded.items()}
        out = self.model.generator.decode(encoded, *seen, training=True)
        judged, judged_real = self._judge(batch, out["prediction"], keypoints)
        weights = self.train_params.loss_weights
        return generator_losses(judged, judged_real, out["deformed"], weights), out, keypoints

    def discriminator_losses(
        self, batch: Batch, prediction: tf.Tensor, keypoints: Pair
    ) -> dict[str, tf.Tensor]:
        """The weighted loss of the discriminator; no gradient reaches the prediction, nor the
        keypoints where the config detaches them."""
        if self.train_params.detach_kp_discriminator:
            keypoints = _detached(keypoints)
        judged, judged_real = self._judge(batch, tf.stop_gradient(prediction), keypoints)
        return discriminator_loss(judged, judged_real, self.train_params.loss_weights)

    def _judge(
        self, batch: Batch, prediction: tf.Tensor, keypoints: Pair
    ) -> tuple[Judgement, Judgement]:
        frames = tf.shape(batch["driving"])[0] // tf.shape(batch["source"])[0]
        judged = self.discriminator(prediction, *keypoints, frames=frames)
        return judged, self.discriminator(batch["driving"], *keypoints, frames=frames)


def _detached(keypoints: Pair) -> Pair:
    kp_source, kp_driving = keypoints
    return kp_source.map(tf.stop_gradient), kp_driving.map(tf.stop_gradient)
