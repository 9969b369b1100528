"""Paints a frame from the warped source (paper section 3.3, official `InpaintingNetwork`)."""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.layers.blocks import DownBlock2d, ResBlock2d, SameBlock2d, UpBlock2d, conv2d
from fomm_tf.layers.instance_norm import InstanceNorm
from fomm_tf.layers.sampler import BilinearSampler, resize_aligned
from fomm_tf.tpsmm.config import CommonParams, InpaintingParams

Motion = dict
"""What `DenseMotionNetwork` returns: `deformation` and `occlusion_map` are used here."""


class InpaintingNetwork(keras.Model):
    """Warps the source's features at every resolution, masks what it does not show, and decodes.

    `encode` once for a source, `decode` once for a frame; `warp` is what both have in common with
    the warp loss.
    """

    def __init__(self, common: CommonParams, params: InpaintingParams, **kwargs):
        super().__init__(**kwargs)
        widths, count = params.widths, params.num_down_blocks
        self.multi_mask = common.multi_mask
        self.first = SameBlock2d(common.num_channels, widths[0], 7, InstanceNorm)
        self.down_blocks = [
            DownBlock2d(widths[i], widths[i + 1], InstanceNorm) for i in range(count)
        ]
        self.up_blocks, self.resblock = [], []
        for level in reversed(range(count)):
            features = widths[level + 1] * (1 if level == count - 1 else 2)
            self.resblock += [ResBlock2d(features, InstanceNorm) for _ in range(2)]
            self.up_blocks.append(UpBlock2d(features, widths[level], InstanceNorm))
        self.final = conv2d(widths[0], common.num_channels, 7)
        self.sampler = BilinearSampler()

    def encode(self, source: tf.Tensor) -> list[tf.Tensor]:
        """[B, H, W, C] -> features of every resolution, the deepest first."""
        levels = [self.first(source)]
        for block in self.down_blocks:
            levels.append(block(levels[-1]))
        return levels[::-1]

    def decode(
        self, source: tf.Tensor, levels: list[tf.Tensor], motion: Motion
    ) -> dict[str, tf.Tensor]:
        """source: [B, H, W, C] in [0, 1]. levels: from `encode`.

        Returns `prediction` and `deformed`, the warped source, both [B, H, W, C].
        """
        masks = self.masks(levels, motion)
        out, *skips = self.warp(levels, motion["deformation"], masks)
        for stage, (block, skip) in enumerate(zip(self.up_blocks, skips, strict=True)):
            for residual in self.resblock[2 * stage : 2 * stage + 2]:
                out = residual(out)
            out = block(out)
            if stage < len(skips) - 1:
                out = tf.concat([out, skip], axis=-1)
        visible = masks[-1]
        painted = tf.sigmoid(self.final(out * (1 - visible) + skips[-1]))
        deformed = self.deform(source, motion["deformation"])
        return {
            "prediction": painted * (1 - visible) + deformed * visible,
            "deformed": deformed,
        }

    def warp(
        self, levels: list[tf.Tensor], deformation: tf.Tensor, masks: list[tf.Tensor]
    ) -> list[tf.Tensor]:
        """The features of every resolution, warped and masked."""
        return [
            self.deform(level, deformation) * mask
            for level, mask in zip(levels, masks, strict=True)
        ]

    def masks(self, levels: list[tf.Tensor], motion: Motion) -> list[tf.Tensor]:
        """The occlusion map for every resolution: the network's own, or its only one resized."""
        maps = motion["occlusion_map"]
        if self.multi_mask:
            return maps
        return [resize_aligned(maps[0], *level.shape[1:3]) for level in levels]

    def deform(self, features: tf.Tensor, deformation: tf.Tensor) -> tf.Tensor:
        """[B, H, W, C] sampled where `deformation` [B, h, w, 2], resized to its size, says."""
        return self.sampler(features, resize_aligned(deformation, *features.shape[1:3]))
