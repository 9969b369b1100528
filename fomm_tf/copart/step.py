"""One training step of the co-part model: losses, gradients and updates in the official order."""

from __future__ import annotations

import tensorflow as tf

from fomm_tf.copart.model import CoPartModel, load_detector
from fomm_tf.copart.official import is_fomm_layout, lacks_segmentation, our_layout
from fomm_tf.copart.segments import Segments
from fomm_tf.errors import ModelError
from fomm_tf.fomm.config import FOMMConfig
from fomm_tf.inference.model import load_official_module
from fomm_tf.layers.geometry import Warp
from fomm_tf.layers.pyramid import ImagePyramid
from fomm_tf.losses import equivariance
from fomm_tf.losses.perceptual import perceptual_features, reconstruction_losses
from fomm_tf.training.optimizer_state import load_official_optimizers
from fomm_tf.training.step import BaseStep, Batch, InitialWeights
from fomm_tf.training.warps import warp_batches


class CoPartTrainingStep(BaseStep):
    """Segmentation and reconstruction module under training.

    A batch has images and a warp: `theta` [B, 2, 3], `control_params` [B, 1, P * P].
    """

    model: CoPartModel

    def _build(self) -> None:
        train = self.config.train_params
        self.weights = train.loss_weights
        self.model = CoPartModel(self.config)
        self.pyramid = ImagePyramid(train.scales)
        self.features = perceptual_features(train)

    def extra_batches(self, seed: int, start_step: int) -> tf.data.Dataset:
        """The warps of the equivariance loss."""
        return warp_batches(self.config, seed, start_step)

    def start_from(self, weights: InitialWeights) -> str | None:
        """Initializes from this model or from FOMM, in either layout of a checkpoint.

        FOMM provides the reconstruction module, the shifts and the affine transforms; the
        segmentation head keeps its random weights. An official co-part file in its own layout also
        provides Adam's states. See `BaseStep`.
        """
        where, stored, config = weights
        if config is not None and config.KIND not in (self.config.KIND, FOMMConfig.KIND):
            raise ModelError(f"{where} is a {config.KIND}, neither a {self.config.KIND} nor a FOMM")
        modules = our_layout(stored)
        load_detector(self.model, modules, where)
        network = self.model.reconstruction_module
        load_official_module(network, modules, "reconstruction_module", where)
        if not is_fomm_layout(stored):
            load_official_optimizers(self.networks, self.optimizers, modules, where)
        if lacks_segmentation(modules):
            return f"{where} is a FOMM without parts: the segmentation starts from random weights"
        return None

    def _replica_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            losses, _ = self.losses(batch)
            total = tf.add_n(list(losses.values())) / self.strategy.num_replicas_in_sync
        variables = {name: network.trainable_variables for name, network in self.networks.items()}
        gradients = tape.gradient(total, variables)
        for name, optimizer in self.optimizers.items():
            # Without an image loss the reconstruction has no loss and is not updated.
            if any(gradient is not None for gradient in gradients[name]):
                optimizer.apply(gradients[name])
        return losses

    def losses(self, batch: Batch) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """The weighted losses, and the reconstruction's outputs with `seg_source`, `seg_driving`,
        and for the equivariance loss `warped` and `seg_warped`."""
        source, driving = batch["source"], batch["driving"]
        # The official order: each call updates the running statistics.
        seg_source = self.model.segmentation_module(source, training=True)
        seg_driving = self.model.segmentation_module(driving, training=True)
        out = self.model.reconstruction_module(source, seg_source, seg_driving, training=True)
        out |= {"seg_source": seg_source, "seg_driving": seg_driving}
        generated, real = self.pyramid(out["prediction"]), self.pyramid(driving)
        losses = reconstruction_losses(
            self.features, generated, real, self.weights.perceptual, self.weights.pixel
        )
        if self.weights.equivariance:
            warp = Warp(batch["theta"], batch.get("control_params"))
            out["warped"] = equivariance.warp_pictures(warp, driving, "border")
            out["seg_warped"] = self.model.segmentation_module(out["warped"], training=True)
            losses |= self._equivariance_losses(warp, seg_driving, out["seg_warped"])
        return losses, out

    def _equivariance_losses(
        self, warp: Warp, seg_driving: Segments, seg_warped: Segments
    ) -> dict[str, tf.Tensor]:
        """Equivariance of the parts to warps of the image, as for FOMM's keypoints."""
        kp, kp_warped = seg_driving.keypoints, seg_warped.keypoints
        weight = self.weights.equivariance
        losses = {"equivariance_shift": weight * equivariance.value_loss(warp, kp, kp_warped)}
        if kp.jacobian is not None:
            loss = equivariance.jacobian_loss(warp, kp, kp_warped)
            losses["equivariance_affine"] = weight * loss
        return losses
