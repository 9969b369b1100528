"""One training step of FOMM with a teacher: a frozen model whose results are further targets."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import tensorflow as tf

from fomm_tf.errors import ConfigError
from fomm_tf.fomm.config import FOMMConfig
from fomm_tf.fomm.model import FirstOrderMotionModel
from fomm_tf.fomm.step import FOMMTrainingStep
from fomm_tf.keypoints import Keypoints
from fomm_tf.losses import imitation
from fomm_tf.losses.perceptual import mean_distance, reconstruction_losses
from fomm_tf.training.step import Batch
from fomm_tf.weights.state_dict import state_dict

Tensors = dict[str, tf.Tensor]


class Detected(NamedTuple):
    """Keypoints, and the heatmaps [B, h, w, K] that they are read off."""

    keypoints: Keypoints
    heatmaps: tf.Tensor


class FOMMDistillationStep(FOMMTrainingStep):
    """The losses of `FOMMTrainingStep`, and the distances to what `teacher` makes of each pair.

    made_frames: the teacher also makes the driving frames, from the source and the keypoints of the
    batch's next source, at a random way between both. The data then need not be videos.
    """

    def __init__(
        self,
        config: FOMMConfig,
        strategy: tf.distribute.Strategy | None,
        teacher: FirstOrderMotionModel,
        made_frames: bool = False,
    ):
        _check_teacher(config, teacher)
        self.teacher, self.made_frames = teacher, made_frames
        for network in teacher.networks.values():
            network.trainable = False
        super().__init__(config, strategy)

    def identity(self) -> dict[str, Any]:
        """See `BaseStep`: the teacher's weights, by their checksum."""
        digest = hashlib.sha256()
        for network in self.teacher.networks.values():
            for value in state_dict(network).values():
                digest.update(value.tobytes())
        return {"teacher": digest.hexdigest()[:16], "made_frames": self.made_frames}

    def extra_batches(self, seed: int, start_step: int) -> tf.data.Dataset:
        """The warps of the equivariance loss; `way` [B, 1, 1] in [0, 1] for `made_frames`."""
        batches = super().extra_batches(seed, start_step)
        if not self.made_frames:
            return batches
        shape = [self.config.train_params.batch_size, 1, 1]
        steps = tf.data.Dataset.counter(start_step)

        def with_way(warp: Tensors, step: tf.Tensor) -> Tensors:
            drawn_by = tf.stack([tf.constant(seed, tf.int64), step])
            return warp | {"way": tf.random.stateless_uniform(shape, drawn_by)}

        return tf.data.Dataset.zip(batches, steps).map(with_way)

    def generator_losses(self, batch: Batch) -> tuple[Tensors, tf.Tensor, Keypoints]:
        """See `FOMMTrainingStep`."""
        batch, targets, motion = self._targets(batch)
        detector = self.model.kp_detector
        found = {role: _detect(detector, batch[role], True) for role in ("source", "driving")}
        kp_source, kp_driving = (detected.keypoints for detected in found.values())
        out = self.model.generator(batch["source"], kp_source, kp_driving, training=True)
        self.watch_jacobians(kp_source, kp_driving)
        losses = self.losses_of(batch, kp_driving, out["prediction"])
        for role, detected in found.items():
            for name, distance in _keypoint_distances(detected, targets[role]).items():
                losses |= self._weighted(name, f"{name}_{role}", distance)
        for name, distance in _motion_distances(out, motion).items():
            losses |= self._weighted(name, name, distance)
        return losses | self._prediction_losses(out, motion), out["prediction"], kp_driving

    def _targets(self, batch: Batch) -> tuple[Batch, dict[str, Detected], Tensors]:
        """The batch, the teacher's keypoints in both frames, and its other results."""
        weights = self.config.train_params.distillation_params
        detector, generator = self.teacher.kp_detector, self.teacher.generator
        source = _detect(detector, batch["source"])
        if self.made_frames:
            kp_driving = _between(source.keypoints, batch["way"])
            motion = generator(batch["source"], source.keypoints, kp_driving)
            batch = batch | {"driving": motion["prediction"]}
        driving = _detect(detector, batch["driving"])
        if not self.made_frames:
            kp = (source.keypoints, driving.keypoints)
            if weights.prediction:
                motion = generator(batch["source"], *kp)
            else:
                dense = generator.dense_motion_network
                motion = dense(dense.down(batch["source"]), *kp)
        targets = {"source": source, "driving": driving}
        return batch, targets, motion

    def _weighted(self, weight: str, name: str, distance: tf.Tensor) -> Tensors:
        """The weighted distance as a loss; none if the weight is zero."""
        factor = getattr(self.config.train_params.distillation_params, weight)
        return {f"teacher_{name}": factor * distance} if factor else {}

    def _prediction_losses(self, out: Tensors, target: Tensors) -> Tensors:
        factor = self.config.train_params.distillation_params.prediction
        if self.made_frames or not factor:
            return {}  # The teacher's frame is the driving frame, or not wanted.
        made, taught = (self.pyramid(images["prediction"]) for images in (out, target))
        losses = reconstruction_losses(
            self.features, made, taught, self.weights.perceptual, self.weights.pixel
        )
        return {f"teacher_{name}": factor * loss for name, loss in losses.items()}


def _detect(detector: Any, images: tf.Tensor, training: bool = False) -> Detected:
    features = detector.features(images, training=training)
    return Detected(detector.keypoints(features), detector.heatmap(detector.kp(features)))


def _keypoint_distances(found: Detected, target: Detected) -> Tensors:
    distances = {
        "value": mean_distance(found.keypoints.value, target.keypoints.value),
        "heatmap": imitation.heatmap_distance(found.heatmaps, target.heatmaps),
    }
    if found.keypoints.jacobian is not None:
        distances["jacobian"] = mean_distance(found.keypoints.jacobian, target.keypoints.jacobian)
    return distances


def _motion_distances(out: Tensors, target: Tensors) -> Tensors:
    distances = {
        "deformation": imitation.deformation_distance(out["deformation"], target["deformation"])
    }
    if "occlusion_map" in out and "occlusion_map" in target:
        maps = (out["occlusion_map"], target["occlusion_map"])
        distances["occlusion"] = imitation.occlusion_distance(*maps)
    return distances


def _between(kp: Keypoints, way: tf.Tensor) -> Keypoints:
    """From each source's keypoints (way 0) to those of the batch's next one (way 1)."""
    following = tf.roll(kp.value, -1, axis=0)
    value = kp.value + way * (following - kp.value)
    if kp.jacobian is None:
        return Keypoints(value)
    difference = tf.roll(kp.jacobian, -1, axis=0) - kp.jacobian
    return Keypoints(value, kp.jacobian + way[..., None] * difference)


def _check_teacher(config: FOMMConfig, teacher: FirstOrderMotionModel) -> None:
    """Raises ConfigError for a teacher whose results cannot be the student's."""
    own, taught = config.model_params, teacher.config.model_params
    for key in ("num_kp", "num_channels", "estimate_jacobian"):
        wanted, given = getattr(taught.common_params, key), getattr(own.common_params, key)
        if wanted != given:
            raise ConfigError(
                f"model_params.common_params.{key}: is {given}, but the teacher's is {wanted}"
            )
    for params, whose in ((own, "the config"), (taught, "the teacher")):
        if params.generator_params.dense_motion_params is None:
            raise ConfigError(f"{whose} has no dense_motion_params: there is no motion to learn")
    height, width, _ = config.dataset_params.frame_shape
    multiple = teacher.config.required_multiple
    if height % multiple or width % multiple:
        raise ConfigError(
            f"dataset_params.frame_shape: must be multiples of {multiple} for the teacher, is "
            f"{height}x{width}"
        )
