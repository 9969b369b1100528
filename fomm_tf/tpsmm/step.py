"""One training step of TPSMM: losses, gradients and updates in the official order."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from fomm_tf.layers.pyramid import ImagePyramid
from fomm_tf.losses.equivariance import warp_pictures
from fomm_tf.losses.perceptual import mean_distance, reconstruction_losses
from fomm_tf.losses.vgg19 import features_for
from fomm_tf.tpsmm.keypoints import SplineKeypoints
from fomm_tf.tpsmm.model import TPSMotionModel
from fomm_tf.tpsmm.official import our_layout
from fomm_tf.tpsmm.splines import EuclideanWarp
from fomm_tf.tpsmm.updates import update
from fomm_tf.training.step import BaseStep, Batch, InitialWeights
from fomm_tf.training.warps import warp_batches


class Phase(NamedTuple):
    """What the schedules have switched on in an epoch: each phase is traced on its own."""

    dropout: bool
    background: bool


class TPSMMTrainingStep(BaseStep):
    """Inpainting, dense motion and keypoint network, and the background predictor if the config has
    one, under training. The AVD network is trained by `AVDTrainingStep`.

    A batch has images, a warp (`theta` [B, 2, 3], `control_params` [B, 1, P * P]) and `chance`
    [B, K+1], uniform in [0, 1): a motion is dropped where it is below the epoch's probability.
    """

    model: TPSMotionModel
    phase: Phase

    def _build(self) -> None:
        train = self.config.train_params
        self.weights = train.loss_weights
        self.model = TPSMotionModel(self.config.without_avd())
        self.pyramid = ImagePyramid(train.scales)
        self.features = features_for(self.weights.perceptual, train.vgg_weights)
        self.dropout = tf.Variable(0.0, trainable=False)
        self.begin_epoch(0)

    def begin_epoch(self, epoch: int) -> None:
        """The dropout's probability, and whether the background's motion is estimated."""
        train = self.config.train_params
        self.dropout.assign(train.dropout(epoch))
        self.phase = Phase(
            epoch < train.dropout_epoch,
            self.model.bg_predictor is not None and epoch >= train.bg_start,
        )

    def extra_batches(self, seed: int, start_step: int) -> tf.data.Dataset:
        """The warps of the equivariance loss, and the draws of the dropout."""
        warps = warp_batches(self.config, seed, start_step)
        shape = [self.config.train_params.batch_size, self._motions]

        def draw(step: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"chance": tf.random.stateless_uniform(shape, [seed, step])}

        chances = tf.data.Dataset.counter(start_step).map(draw)
        return tf.data.Dataset.zip(warps, chances).map(lambda warp, more: {**warp, **more})

    def start_from(self, weights: InitialWeights) -> str | None:
        """See `BaseStep`; an official file has one optimizer for three networks."""
        return super().start_from(weights._replace(modules=our_layout(weights.modules)))

    def _replica_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            losses, _ = self.losses(batch)
            total = tf.add_n(list(losses.values())) / self.strategy.num_replicas_in_sync
        trained = dict(self.networks)
        if not self.phase.background:
            trained.pop("bg_predictor", None)
        variables = {name: network.trainable_variables for name, network in trained.items()}
        gradients = tape.gradient(total, variables)
        for name, group in gradients.items():
            clip = name != "inpainting_network"
            update(self.optimizers[name], group, variables[name], clip)
        return losses

    def losses(self, batch: Batch) -> tuple[dict[str, tf.Tensor], dict]:
        """The weighted losses, and the networks' outputs: `prediction`, `deformed`, the dense
        motion's, `kp_source`, `kp_driving`, and `kp_warped` of the warped driving frame."""
        source, driving = batch["source"], batch["driving"]
        # The official order: each call updates the running statistics.
        kp_source = self.model.kp_detector(source, training=True)
        kp_driving = self.model.kp_detector(driving, training=True)
        if self.phase.background:
            background = self.model.bg_predictor(source, driving, training=True)
            kp_driving = kp_driving._replace(background=background)
        levels = self.model.inpainting_network.encode(source)
        motion = self._motion(source, kp_source, kp_driving, batch)
        out = self.model.inpainting_network.decode(source, levels, motion) | motion
        losses = reconstruction_losses(
            self.features,
            self.pyramid(out["prediction"]),
            self.pyramid(driving),
            self.weights.perceptual,
            self.weights.pixel,
        )
        out |= {"kp_source": kp_source, "kp_driving": kp_driving}
        if self.weights.equivariance_value:
            loss, out["kp_warped"] = self._equivariance_loss(batch, kp_driving)
            losses["equivariance_value"] = self.weights.equivariance_value * loss
        if self.weights.warp_loss:
            losses["warp_loss"] = self.weights.warp_loss * self._warp_loss(driving, levels, motion)
        if self.phase.background and self.weights.bg:
            losses["bg"] = self.weights.bg * self._background_loss(source, driving, background)
        return losses, out

    def _motion(
        self, source: tf.Tensor, kp_source: SplineKeypoints, kp_driving: SplineKeypoints, batch
    ) -> dict:
        network = self.model.dense_motion_network
        keep = None
        if self.phase.dropout:
            keep = tf.cast(batch["chance"] >= self.dropout, tf.float32)
        return network(network.down(source), kp_source, kp_driving, keep, training=True)

    def _equivariance_loss(
        self, batch: Batch, kp_driving: SplineKeypoints
    ) -> tuple[tf.Tensor, SplineKeypoints]:
        """The warped frame's keypoints, mapped back, must be the driving frame's (eq. 6)."""
        warp = EuclideanWarp(batch["theta"], batch.get("control_params"))
        warped = warp_pictures(warp, batch["driving"])
        kp_warped = self.model.kp_detector(warped, training=True)
        return mean_distance(kp_driving.value, warp.coordinates(kp_warped.value)), kp_warped

    def _warp_loss(self, driving: tf.Tensor, levels: list[tf.Tensor], motion: dict) -> tf.Tensor:
        """The source's warped features must be the driving frame's (paper section 3.4, eq. 8).

        Nothing but the deformation has a gradient.
        """
        network = self.model.inpainting_network
        masks = [tf.stop_gradient(mask) for mask in network.masks(levels, motion)]
        fixed = [tf.stop_gradient(level) for level in levels]
        warped = network.warp(fixed, motion["deformation"], masks)
        wanted = [tf.stop_gradient(level) for level in network.encode(driving)]
        return tf.add_n(
            [
                mean_distance(target * mask, found)
                for target, mask, found in zip(wanted, masks, warped, strict=True)
            ]
        )

    def _background_loss(
        self, source: tf.Tensor, driving: tf.Tensor, background: tf.Tensor
    ) -> tf.Tensor:
        """The motion there and back must be the identity (eq. 9)."""
        back = self.model.bg_predictor(driving, source, training=True)
        return mean_distance(tf.eye(3), background @ back)

    @property
    def _motions(self) -> int:
        return self.config.model_params.common_params.num_tps + 1
