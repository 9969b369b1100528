"""One training step of FOMM: losses, gradients and updates in the official order."""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.fomm.discriminator import MultiScaleDiscriminator
from fomm_tf.fomm.model import FirstOrderMotionModel
from fomm_tf.keypoints import Keypoints
from fomm_tf.layers.geometry import Warp, inverse_2x2
from fomm_tf.layers.pyramid import ImagePyramid
from fomm_tf.losses import adversarial, equivariance
from fomm_tf.losses.adversarial import Judgements
from fomm_tf.losses.perceptual import perceptual_features, reconstruction_losses
from fomm_tf.losses.separation import separation_loss
from fomm_tf.training.step import BaseStep, Batch
from fomm_tf.training.warps import warp_batches


class FOMMTrainingStep(BaseStep):
    """Keypoint detector, generator and discriminator (if the config has one) under training.

    A batch has images and a warp: `theta` [B, 2, 3], `control_params` [B, 1, P * P].
    """

    model: FirstOrderMotionModel

    def _build(self) -> None:
        params, train = self.config.model_params, self.config.train_params
        self.weights = train.loss_weights
        self.model = FirstOrderMotionModel(self.config)
        self.discriminator: MultiScaleDiscriminator | None = None
        if params.discriminator_params is not None:
            self.discriminator = MultiScaleDiscriminator(
                params.common_params, params.discriminator_params
            )
        self.pyramid = ImagePyramid(train.scales)
        self.features = perceptual_features(train)

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The trained networks by their name in checkpoints."""
        if self.discriminator is None:
            return self.model.networks
        return self.model.networks | {"discriminator": self.discriminator}

    def extra_batches(self, seed: int, start_step: int) -> tf.data.Dataset:
        """The warps of the equivariance loss."""
        return warp_batches(self.config, seed, start_step)

    def _replica_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        generator, kp_detector = self.model.generator, self.model.kp_detector
        with tf.GradientTape() as tape:
            losses, prediction, kp_driving = self.generator_losses(batch)
            total = tf.add_n(list(losses.values())) / self.strategy.num_replicas_in_sync
        groups = [generator.trainable_variables, kp_detector.trainable_variables]
        generator_gradients, kp_gradients = tape.gradient(total, groups)
        self.optimizers["generator"].apply(generator_gradients)
        self.optimizers["kp_detector"].apply(kp_gradients)

        if self.discriminator is not None and self.weights.generator_gan:
            with tf.GradientTape() as tape:
                loss = self.discriminator_loss(batch["driving"], prediction, kp_driving)
                total = loss / self.strategy.num_replicas_in_sync
            gradients = tape.gradient(total, self.discriminator.trainable_variables)
            self.optimizers["discriminator"].apply(gradients)
            losses["disc_gan"] = loss
        return losses

    def generator_losses(self, batch: Batch) -> tuple[dict[str, tf.Tensor], tf.Tensor, Keypoints]:
        """The weighted losses of generator and keypoint detector, the prediction, kp_driving."""
        source, driving = batch["source"], batch["driving"]
        kp_source = self.model.kp_detector(source, training=True)
        kp_driving = self.model.kp_detector(driving, training=True)
        out = self.model.generator(source, kp_source, kp_driving, training=True)
        self.watch_jacobians(kp_source, kp_driving)
        losses = self.losses_of(batch, kp_driving, out["prediction"])
        return losses, out["prediction"], kp_driving

    def watch_jacobians(self, kp_source: Keypoints, kp_driving: Keypoints) -> None:
        """Has the trainer stop if they explode, or their inverses."""
        for name, kp in (("kp_source", kp_source), ("kp_driving", kp_driving)):
            if kp.jacobian is not None:
                self.watch(f"{name}.jacobian", kp.jacobian)
                self.watch(f"the inverse of {name}.jacobian", inverse_2x2(kp.jacobian))

    def losses_of(
        self, batch: Batch, kp_driving: Keypoints, prediction: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """The weighted losses of a prediction for `batch`."""
        real, generated = self.pyramid(batch["driving"]), self.pyramid(prediction)
        losses = reconstruction_losses(
            self.features, generated, real, self.weights.perceptual, self.weights.pixel
        )
        if self.weights.generator_gan:
            losses |= self._adversarial_losses(generated, real, kp_driving)
        if self.weights.equivariance_value or self.weights.equivariance_jacobian:
            losses |= self._equivariance_losses(batch, kp_driving)
        if self.weights.separation:
            losses["separation"] = self.weights.separation * separation_loss(kp_driving.value)
        return losses

    def discriminator_loss(
        self, driving: tf.Tensor, prediction: tf.Tensor, kp_driving: Keypoints
    ) -> tf.Tensor:
        """The weighted loss of the discriminator; no gradient reaches its inputs."""
        judged = self._judge(
            self.pyramid(tf.stop_gradient(prediction)), self.pyramid(driving), kp_driving
        )
        return self.weights.discriminator_gan * adversarial.discriminator_gan_loss(*judged)

    def _judge(self, generated, real, kp_driving: Keypoints) -> tuple[Judgements, Judgements]:
        """The discriminator's outputs for two pyramids, in the official order: each call updates
        the state of its spectral norm."""
        assert self.discriminator is not None
        kp = Keypoints(tf.stop_gradient(kp_driving.value))
        judged = self.discriminator(generated, kp, training=True)
        return judged, self.discriminator(real, kp, training=True)

    def _adversarial_losses(self, generated, real, kp_driving) -> dict[str, tf.Tensor]:
        judged, judged_real = self._judge(generated, real, kp_driving)
        gan = self.weights.generator_gan * adversarial.generator_gan_loss(judged)
        losses = {"gen_gan": gan}
        if any(self.weights.feature_matching):
            losses["feature_matching"] = adversarial.feature_matching_loss(
                judged, judged_real, self.weights.feature_matching
            )
        return losses

    def _equivariance_losses(self, batch: Batch, kp_driving: Keypoints) -> dict[str, tf.Tensor]:
        warp = Warp(batch["theta"], batch.get("control_params"))
        warped = equivariance.warp_pictures(warp, batch["driving"])
        kp_warped = self.model.kp_detector(warped, training=True)
        losses = {}
        if self.weights.equivariance_value:
            loss = equivariance.value_loss(warp, kp_driving, kp_warped)
            losses["equivariance_value"] = self.weights.equivariance_value * loss
        if self.weights.equivariance_jacobian:
            loss = equivariance.jacobian_loss(warp, kp_driving, kp_warped)
            losses["equivariance_jacobian"] = self.weights.equivariance_jacobian * loss
        return losses
