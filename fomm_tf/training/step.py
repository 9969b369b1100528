"""One training step of FOMM: losses, gradients and updates in the official order."""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.config import Config
from fomm_tf.geometry import Warp
from fomm_tf.keypoints import Keypoints
from fomm_tf.losses import adversarial, equivariance
from fomm_tf.losses.adversarial import Judgements
from fomm_tf.losses.perceptual import perceptual_loss, pixel_loss
from fomm_tf.losses.vgg19 import VGG19Features, load_vgg19
from fomm_tf.model import FirstOrderMotionModel
from fomm_tf.models.discriminator import MultiScaleDiscriminator
from fomm_tf.models.pyramid import ImagePyramid
from fomm_tf.training.adam import Adam

Batch = dict[str, tf.Tensor]
"""`source`, `driving` [B, H, W, C]; the warp's `theta` [B, 2, 3], `control_params` [B, 1, P*P]."""


class TrainingStep:
    """The networks under training, their optimizers, and the function that moves them on by a step.

    Everything is made under `strategy`; with several replicas each sees its part of the batch, and
    the result is that of one device with the whole batch.
    """

    def __init__(self, config: Config, strategy: tf.distribute.Strategy | None = None):
        self.strategy = strategy or tf.distribute.get_strategy()
        self.discriminator: MultiScaleDiscriminator | None = None
        self.weights = config.train_params.loss_weights
        train = config.train_params
        with self.strategy.scope():
            self.model = FirstOrderMotionModel(config)
            params = config.model_params
            if params.discriminator_params is not None:
                self.discriminator = MultiScaleDiscriminator(
                    params.common_params, params.discriminator_params
                )
            self.optimizers = {
                "kp_detector": Adam(train.lr_kp_detector),
                "generator": Adam(train.lr_generator),
            }
            if self.discriminator is not None:
                self.optimizers["discriminator"] = Adam(train.lr_discriminator)
            for name, optimizer in self.optimizers.items():
                optimizer.build(self.networks[name].trainable_variables)
            self.pyramid = ImagePyramid(train.scales)
            self.features = None
            if any(self.weights.perceptual):
                depth = max(i + 1 for i, weight in enumerate(self.weights.perceptual) if weight)
                self.features = VGG19Features(load_vgg19(train.vgg_weights), depth)

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The trained networks by their name in checkpoints."""
        networks = {"kp_detector": self.model.kp_detector, "generator": self.model.generator}
        if self.discriminator is not None:
            networks["discriminator"] = self.discriminator
        return networks

    @tf.function(reduce_retracing=True)
    def __call__(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Moves all networks on by one batch; returns the weighted losses before the step."""
        losses = self.strategy.run(self._replica_step, (batch,))
        mean = tf.distribute.ReduceOp.MEAN
        return {name: self.strategy.reduce(mean, loss, axis=None) for name, loss in losses.items()}

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
        real, generated = self.pyramid(driving), self.pyramid(out["prediction"])

        losses = {}
        if self.features is not None:
            losses["perceptual"] = perceptual_loss(
                self.features, generated, real, self.weights.perceptual
            )
        if self.weights.pixel:
            losses["pixel"] = self.weights.pixel * pixel_loss(generated, real)
        if self.weights.generator_gan:
            losses |= self._adversarial_losses(generated, real, kp_driving)
        if self.weights.equivariance_value or self.weights.equivariance_jacobian:
            losses |= self._equivariance_losses(batch, kp_driving)
        return losses, out["prediction"], kp_driving

    def discriminator_loss(
        self, driving: tf.Tensor, prediction: tf.Tensor, kp_driving: Keypoints
    ) -> tf.Tensor:
        """The weighted loss of the discriminator; no gradient reaches its inputs."""
        judged = self._judge(
            self.pyramid(tf.stop_gradient(prediction)), self.pyramid(driving), kp_driving
        )
        return self.weights.discriminator_gan * adversarial.discriminator_gan_loss(*judged)

    def _judge(self, generated, real, kp_driving: Keypoints) -> tuple[Judgements, Judgements]:
        """What the discriminator says of two pyramids. The order is the official one: each call
        moves the state of its spectral norm."""
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
