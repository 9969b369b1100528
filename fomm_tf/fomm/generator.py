"""Generates a frame from a source image and motion (paper section 3.4; official class name)."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from fomm_tf.fomm.config import CommonParams, GeneratorParams
from fomm_tf.fomm.dense_motion import DenseMotionNetwork
from fomm_tf.layers.blocks import DownBlock2d, ResBlock2d, SameBlock2d, UpBlock2d, conv2d
from fomm_tf.layers.groups import LayerGroup
from fomm_tf.layers.sampler import BilinearSampler, resize_bilinear

Motion = dict[str, tf.Tensor]
"""`deformation` [B, h, w, 2], the sampling position in the source per pixel, in [-1, 1];
`occlusion_map` [B, h, w, 1], 0 where the source is occluded, if estimated; and intermediate
results."""


class OcclusionAwareGenerator(keras.Model):
    """Encodes the source, warps its features by the dense motion, masks occlusions, decodes.

    Two calls: `encode(source)` once for each source image, `decode(encoded, kp_source,
    kp_driving)` once for each frame. `call` is both, and adds the warped image `deformed`. The
    steps of `decode` are public (`motion`, `move`, `paint`) for mixing the features of images.
    Both `Keypoints` arguments may be of any kind that `motion` accepts.
    """

    def __init__(self, common: CommonParams, params: GeneratorParams, **kwargs):
        super().__init__(**kwargs)
        count = params.num_down_blocks
        widths = [min(params.max_features, params.block_expansion * 2**i) for i in range(count + 1)]
        self.dense_motion_network = None
        if params.dense_motion_params is not None:
            self.dense_motion_network = DenseMotionNetwork(
                common, params.dense_motion_params, params.estimate_occlusion_map
            )
        self.first = SameBlock2d(common.num_channels, widths[0], 7)
        self.down_blocks = [DownBlock2d(widths[i], widths[i + 1]) for i in range(count)]
        self.bottleneck = {
            f"r{i}": ResBlock2d(widths[-1]) for i in range(params.num_bottleneck_blocks)
        }
        self.up_blocks = [UpBlock2d(widths[i + 1], widths[i]) for i in reversed(range(count))]
        self.final = conv2d(widths[0], common.num_channels, 7)
        self.sampler = BilinearSampler()
        self.blend_source = params.blend_source

    def call(
        self,
        source: tf.Tensor,
        kp_source: Any,
        kp_driving: Any,
        training: bool = False,
    ) -> dict[str, tf.Tensor]:
        """source [B, H, W, C] in [0, 1]: a dict of `prediction` [B, H, W, C], `deformed`
        [B, H, W, C] (the warped source) and the dense motion's outputs."""
        encoded = self.encode(source, training=training)
        out = self.decode(encoded, kp_source, kp_driving, training=training)
        if "deformation" in out:
            out["deformed"] = self.deform(source, out)
        return out

    def encode(self, source: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """All that does not depend on the driving frame: `features`, the downsampled `source`, and
        the `picture` itself if it is blended in."""
        features = self.first(source, training=training)
        for block in self.down_blocks:
            features = block(features, training=training)
        if self.dense_motion_network is None:
            return {"features": features}
        encoded = {"features": features, "source": self.dense_motion_network.down(source)}
        return encoded | {"picture": source} if self.blend_source else encoded

    def decode(
        self,
        encoded: dict[str, tf.Tensor],
        kp_source: Any,
        kp_driving: Any,
        training: bool = False,
    ) -> dict[str, tf.Tensor]:
        """The frame: a dict of `prediction` [B, H, W, C] and the outputs of `motion`."""
        motion = self.motion(encoded, kp_source, kp_driving, training=training)
        features = self.move(encoded["features"], motion)
        prediction = self.paint(features, training=training)
        if self.blend_source:
            picture = self.deform(encoded["picture"], motion)
            visible = resize_bilinear(motion["occlusion_map"], *picture.shape[1:3])
            prediction += visible * (picture - prediction)
        return motion | {"prediction": prediction}

    def motion(
        self,
        encoded: dict[str, tf.Tensor],
        kp_source: Any,
        kp_driving: Any,
        training: bool = False,
    ) -> Motion:
        """The dense motion's outputs; empty for a generator without one."""
        if self.dense_motion_network is None:
            return {}
        source = encoded["source"]
        return self.dense_motion_network(source, kp_source, kp_driving, training=training)

    def move(self, features: tf.Tensor, motion: Motion) -> tf.Tensor:
        """Warps features [B, h, w, C] and multiplies them by the occlusion map."""
        if "deformation" not in motion:
            return features
        moved = self.deform(features, motion)
        if "occlusion_map" in motion:
            moved *= resize_bilinear(motion["occlusion_map"], *features.shape[1:3])
        return moved

    def deform(self, images: tf.Tensor, motion: Motion) -> tf.Tensor:
        """Warps any maps [B, h, w, C], without occlusion."""
        _, height, width, _ = images.shape
        return self.sampler(images, resize_bilinear(motion["deformation"], height, width))

    def paint(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Decodes features [B, h, w, C'] to an image [B, H, W, C] in [0, 1]."""
        for block in self.bottleneck.values():
            features = block(features, training=training)
        for block in self.up_blocks:
            features = block(features, training=training)
        return tf.sigmoid(self.final(features))

    def layer_groups(self) -> list[LayerGroup]:
        """The layer groups for quantization, with the dense motion's."""
        motion = self.dense_motion_network
        return [
            *(motion.layer_groups() if motion is not None else []),
            LayerGroup("first", [self.first]),
            LayerGroup("down", self.down_blocks),
            LayerGroup("bottleneck", list(self.bottleneck.values())),
            LayerGroup("up", self.up_blocks),
            LayerGroup("final", [self.final]),
        ]

    def phase_blocks(self) -> list[UpBlock2d]:
        """The last two: the others have the most weights and the fewest pixels."""
        return self.up_blocks[-2:]
