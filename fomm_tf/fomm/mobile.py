"""The networks of `architecture: mobile`: the same model with a few percent of the products.

They differ from the official ones in four ways:
- All blocks are depthwise-separable (`fomm_tf.layers.mobile`), all heads 1x1 convolutions.
- The decoder sees the features that the dense motion network has computed, not only the warp.
- Nothing is computed at full resolution but one warp: the last layer makes 2x2 pixels at once.
- Where nothing moves, the warp is exactly the identity, for the deformation is resized with its
  corners aligned, as its coordinates are. (The official half-pixel resizing enlarges the picture by
  h / (h - 1).) So with `blend_source` the prediction is as sharp as the source.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from fomm_tf.fomm.config import CommonParams, GeneratorParams
from fomm_tf.fomm.dense_motion import DenseMotionNetwork
from fomm_tf.fomm.keypoint_detector import KeypointDetector
from fomm_tf.keypoints import Keypoints
from fomm_tf.layers.blocks import UpBlock2d, conv2d
from fomm_tf.layers.groups import LayerGroup
from fomm_tf.layers.mobile import (
    ConvNorm,
    MobileHourglass,
    ResidualBlock,
    SeparableBlock,
    UpProjection,
)
from fomm_tf.layers.sampler import BilinearSampler, resize_aligned, resize_bilinear

# Blended from the start: the motion then learns from every pixel of the warped source.
_VISIBLE_AT_FIRST = 2.0


class MobileKeypointDetector(KeypointDetector):
    """See `KeypointDetector`."""

    HOURGLASS = MobileHourglass
    HEAD_SIZE = 1


class MobileDenseMotionNetwork(DenseMotionNetwork):
    """See `DenseMotionNetwork`; `motion_features` [B, h, w, block_expansion] is one more output."""

    HOURGLASS = MobileHourglass
    HEAD_SIZE = 1

    def call(self, source, kp_source, kp_driving, training=False):
        stacked, motions, deformed = self.representation(source, kp_source, kp_driving)
        features = self.hourglass(stacked, training=training)
        out = self.combine(features, motions)
        return out | {"sparse_deformed": deformed, "motion_features": features}


class DecoderLevel(keras.layers.Layer):
    """Joins maps of one resolution, and refines them by residual blocks."""

    def __init__(self, in_features: int, features: int, num_blocks: int, **kwargs):
        super().__init__(**kwargs)
        self.join = SeparableBlock(in_features, features)
        self.blocks = [ResidualBlock(features) for _ in range(num_blocks)]

    def call(self, maps, training=False):
        features = self.join(tf.concat(maps, axis=-1), training=training)
        for block in self.blocks:
            features = block(features, training=training)
        return features


class MobileGenerator(keras.Model):
    """Encodes the source, warps its features at the two lowest resolutions, decodes.

    The levels are 1/2, 1/4, ... 1/2^num_down_blocks of the picture's size, with block_expansion
    times 2, 4, ... features, at most max_features. The lowest has num_bottleneck_blocks residual
    blocks, the others have one. `encode`, `decode` and `call` are as in
    `OcclusionAwareGenerator`; with `blend_source` there is one more output, `visible` [B, H, W, 1]:
    the weight of the warped source in the prediction.
    """

    def __init__(self, common: CommonParams, params: GeneratorParams, **kwargs):
        super().__init__(**kwargs)
        count = params.num_down_blocks
        widths = [
            min(params.max_features, params.block_expansion << level)
            for level in range(1, count + 1)
        ]
        dense = params.dense_motion_params
        assert dense is not None  # `ModelParams.problems`
        self.dense_motion_network = MobileDenseMotionNetwork(common, dense, occlusion=True)
        self.first = ConvNorm(common.num_channels, widths[0], 3, strides=2)
        pairs = list(zip(widths, widths[1:], strict=False))
        self.down_blocks = [SeparableBlock(a, b, stride=2) for a, b in pairs]
        self.encoder_blocks = [ResidualBlock(b) for _, b in pairs]

        self.blend_source = params.blend_source
        channels = common.num_channels
        joined = list(widths)  # From the level below; the lowest: the warped features.
        joined[-2] += widths[-2]
        joined[0] += 4 * channels if self.blend_source else 0
        self.motion_level = round(1 / dense.scale_factor).bit_length() - 2
        joined[self.motion_level] += self.dense_motion_network.hourglass.out_features
        blocks = [1] * (count - 1) + [params.num_bottleneck_blocks]
        levels = [DecoderLevel(*sizes) for sizes in zip(joined, widths, blocks, strict=True)]
        self.bottleneck, self.levels = levels[-1], levels[:-1]
        self.up_blocks = [UpProjection(b, a) for a, b in pairs]
        self.final = conv2d(widths[0], 4 * (channels + self.blend_source), 3)
        if self.blend_source:
            bias = np.repeat([0.0, _VISIBLE_AT_FIRST], [channels, 1])
            self.final.bias.assign(np.tile(bias, 4))
        self.sampler = BilinearSampler("border")

    def call(self, source, kp_source, kp_driving, training=False):
        """As in `OcclusionAwareGenerator`."""
        encoded = self.encode(source, training=training)
        out = self.decode(encoded, kp_source, kp_driving, training=training)
        return out if "deformed" in out else out | {"deformed": self.deform(source, out)}

    def encode(self, source: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """All that does not depend on the driving frame: `features` of the lowest resolution,
        `detail` of the next, the downsampled `source`, and the `picture` if it is blended in."""
        features = detail = self.first(source, training=training)
        for down, block in zip(self.down_blocks, self.encoder_blocks, strict=True):
            detail = features
            features = block(down(features, training=training), training=training)
        encoded = {"features": features, "detail": detail}
        encoded["source"] = self.dense_motion_network.down(source)
        return encoded | {"picture": source} if self.blend_source else encoded

    def decode(
        self,
        encoded: dict[str, tf.Tensor],
        kp_source: Keypoints,
        kp_driving: Keypoints,
        training: bool = False,
    ) -> dict[str, tf.Tensor]:
        """As in `OcclusionAwareGenerator`."""
        out = self.dense_motion_network(encoded["source"], kp_source, kp_driving, training=training)
        maps = self._maps(encoded, out)
        features = self.bottleneck(maps[-1], training=training)
        levels = list(zip(self.up_blocks, self.levels, maps, strict=False))
        for up, level, beside in reversed(levels):
            features = level([up(features, training=training), *beside], training=training)
        painted = tf.nn.depth_to_space(self.final(features), 2)
        if not self.blend_source:
            return out | {"prediction": tf.sigmoid(painted)}
        channels = out["deformed"].shape[-1]
        colors = tf.sigmoid(painted)
        prediction, visible = colors[..., :channels], colors[..., channels:]
        prediction += visible * (out["deformed"] - prediction)
        return out | {"prediction": prediction, "visible": visible}

    def _maps(self, encoded, out) -> list[list[tf.Tensor]]:
        """What joins at each level, the finest first; adds `deformed` to `out`."""
        maps: list[list[tf.Tensor]] = [[] for _ in range(len(self.levels) + 1)]
        if self.blend_source:
            out["deformed"] = self.deform(encoded["picture"], out)
            maps[0].append(tf.nn.space_to_depth(out["deformed"], 2))
        for level, name in ((-2, "detail"), (-1, "features")):
            visible = resize_bilinear(out["occlusion_map"], *encoded[name].shape[1:3])
            maps[level].append(self.deform(encoded[name], out) * visible)
        maps[self.motion_level].append(out.pop("motion_features"))
        return maps

    def deform(self, images: tf.Tensor, motion: dict[str, tf.Tensor]) -> tf.Tensor:
        """Warps any maps [B, h, w, C], without occlusion."""
        _, height, width, _ = images.shape
        return self.sampler(images, resize_aligned(motion["deformation"], height, width))

    def layer_groups(self) -> list[LayerGroup]:
        """The layer groups for quantization, with the dense motion's."""
        return [
            *self.dense_motion_network.layer_groups(),
            LayerGroup("first", [self.first]),
            LayerGroup("down", self.down_blocks + self.encoder_blocks),
            LayerGroup("bottleneck", [self.bottleneck]),
            LayerGroup("up", self.up_blocks + self.levels),
            LayerGroup("final", [self.final]),
        ]

    def phase_blocks(self) -> list[UpBlock2d]:
        """None: nearest upsampling follows the convolutions here."""
        return []
