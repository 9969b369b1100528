"""Part swap: replaces parts of a target video by a source picture's, warped to its motion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from fomm_tf.copart.model import CoPartModel
from fomm_tf.copart.segments import Segments
from fomm_tf.errors import ModelError
from fomm_tf.fomm.dense_motion import DenseMotionNetwork
from fomm_tf.fomm.generator import Motion
from fomm_tf.layers.antialias import AntiAliasDownsample
from fomm_tf.layers.sampler import resize_bilinear
from fomm_tf.losses.vgg19 import MEAN, STD

# The input size of face parsers.
PARSER_SIZE = 512

FaceParser = Callable[[tf.Tensor], Any]
"""[B, 512, 512, C] images, normalized by the ImageNet mean and standard deviation -> logits
[B, h, w, classes]."""


class SwappedFrame(NamedTuple):
    """prediction: [B, H, W, C] in [0, 1]. segmentation: the target's, [B, h, w, 1 + N]."""

    prediction: np.ndarray
    segmentation: np.ndarray


class PartSwap:
    """Puts parts of one source picture onto target frames (arXiv 2004.03234).

    source: [1, H, W, C] in [0, 1]. parts: channels of the segmentation, 0 for the background and 1
    to N for the parts. The source's features, warped with the parts' motion, are blended into the
    target's by a mask:

    hard: a binary mask (threshold 1/2) instead of the soft one.
    use_source_segmentation: the source's warped mask instead of the target's.
    first_order: warp with a FOMM's dense motion network, which the model must have.
    face_parser: a supervised network that replaces the segmentation; `parts` are then its classes.
    blend_scale: downsampling of the mask, 1 or 1/2, 1/3, ..., to the size of the features; None:
    automatic.

    Raises ModelError.
    """

    def __init__(
        self,
        model: CoPartModel,
        source: np.ndarray,
        parts: Sequence[int],
        *,
        hard: bool = False,
        use_source_segmentation: bool = False,
        first_order: bool = False,
        face_parser: FaceParser | None = None,
        blend_scale: float | None = None,
    ):
        self.model, self.parts = model, list(parts)
        self.hard, self.first_order = hard, first_order
        self.face_parser, self.blend_scale = face_parser, blend_scale
        if face_parser is None:
            check_parts(parts, model.config.model_params.common_params.num_segments)
        self._source = model.pictures(source)
        if len(source) != 1:
            raise ModelError(f"part swap expects one source picture, not {len(source)}")
        self.segments = model.detect(source)
        self._encoded = model.encode(source)
        self._reduced = _dense_motion_network(model).down(self._source) if first_order else None
        self._source_mask = None
        if use_source_segmentation:
            self._source_mask = self._features_mask(self._source, self.segments)
        self._swap_frame = tf.function(self._swap, autograph=False)

    def __call__(self, target: np.ndarray) -> SwappedFrame:
        """The target frame [1, H, W, C], float32 in [0, 1], with the source's parts."""
        frame = self.model.pictures(target)
        if frame.shape != self._source.shape:
            raise ModelError(
                f"a target frame must be {list(self._source.shape)} as the source is, "
                f"not {list(frame.shape)}"
            )
        return SwappedFrame(*(part.numpy() for part in self._swap_frame(frame)))

    def soft_mask(self, images: tf.Tensor, segments: Segments) -> tf.Tensor:
        """The fraction of each pixel that belongs to the parts: [B, h, w, 1], at the resolution of
        the segmentation or of the face parser's output."""
        shares = segments.segmentation
        if self.face_parser is not None:
            size = [PARSER_SIZE, PARSER_SIZE]
            enlarged = tf.raw_ops.ResizeNearestNeighbor(images=images, size=size)
            shares = tf.nn.softmax(self.face_parser((enlarged - MEAN) / STD), axis=-1)
            check_parts(self.parts, shares.shape[-1] - 1)
        return tf.reduce_sum(tf.gather(shares, self.parts, axis=-1), axis=-1, keepdims=True)

    def _swap(self, target: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        reconstruction = self.model.reconstruction_module
        segments = self.model.segmentation_module(target)
        motion = self._motion(segments)
        moved = reconstruction.move(self._encoded["features"], motion)
        features = reconstruction.encode(target)["features"]
        if self._source_mask is None:
            mask = self._features_mask(target, segments)
        else:
            mask = reconstruction.deform(self._source_mask, motion)
        mask = resize_bilinear(mask, *features.shape[1:3])
        prediction = reconstruction.paint(features * (1 - mask) + moved * mask)
        return prediction, segments.segmentation

    def _motion(self, segments: Segments) -> Motion:
        reconstruction = self.model.reconstruction_module
        if not self.first_order:
            return reconstruction.motion(self._encoded, self.segments, segments)
        keypoints = self.segments.keypoints, segments.keypoints
        motion = _dense_motion_network(self.model)(self._reduced, *keypoints)
        if not reconstruction.estimate_visibility:
            motion.pop("occlusion_map", None)
        return motion

    def _features_mask(self, images: tf.Tensor, segments: Segments) -> tf.Tensor:
        """The mask for blending, downsampled to the size of the features."""
        mask = self.soft_mask(images, segments)
        if self.hard:
            mask = tf.cast(mask > 0.5, tf.float32)
        scale = self.blend_scale
        if scale is None:
            scale = _fitting_scale(mask.shape[1:3], self._encoded["features"].shape[1:3])
        return AntiAliasDownsample(scale)(mask)


def check_parts(parts: Sequence[int], last: int) -> None:
    """Raises ModelError unless `parts` are distinct numbers from 0 (the background) to `last`."""
    if not parts:
        raise ModelError("there are no parts to swap")
    for part in parts:
        if not 0 <= part <= last:
            raise ModelError(f"there is no part {part}: parts are 1 to {last}, the background is 0")
    if len(set(parts)) < len(parts):
        raise ModelError(f"the parts {', '.join(map(str, parts))} contain a duplicate")


def _dense_motion_network(model: CoPartModel) -> DenseMotionNetwork:
    if model.dense_motion_network is None:
        raise ModelError(
            "this model has no dense motion network (first order): convert it from a checkpoint "
            "that has one"
        )
    return model.dense_motion_network


def _fitting_scale(size: Sequence[int], wanted: Sequence[int]) -> float:
    """1/n for the integer n that reduces both sides of `size` to `wanted`; 1 if there is none."""
    factor = max(1, size[0] // wanted[0])
    fits = [side == factor * side_wanted for side, side_wanted in zip(size, wanted, strict=True)]
    return 1 / factor if all(fits) else 1.0
