"""Patch discriminators on an image pyramid (official `MultiScaleDiscriminator`)."""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.fomm.config import CommonParams, DiscriminatorParams
from fomm_tf.keypoints import Keypoints
from fomm_tf.layers.blocks import conv2d, instance_norm
from fomm_tf.layers.geometry import gaussians
from fomm_tf.layers.patch_discriminator import DiscriminatorBlock, Judgement
from fomm_tf.layers.pyramid import scale_key
from fomm_tf.layers.spectral_norm import SpectralNormConv2D


class MultiScaleDiscriminator(keras.Model):
    """One patch discriminator per scale of an image pyramid {scale: [B, h, w, C]}."""

    def __init__(self, common: CommonParams, params: DiscriminatorParams, **kwargs):
        super().__init__(**kwargs)
        self.scales = params.scales
        self.discs = {
            scale_key(scale): PatchDiscriminator(common, params) for scale in params.scales
        }

    def call(
        self, pyramid: dict[float, tf.Tensor], kp: Keypoints, training: bool = False
    ) -> dict[float, Judgement]:
        return {
            scale: self.discs[scale_key(scale)](pyramid[scale], kp, training=training)
            for scale in self.scales
        }


class PatchDiscriminator(keras.layers.Layer):
    """Pix2pix-like: blocks of 4x4 convolutions without padding, then a 1x1 convolution."""

    def __init__(self, common: CommonParams, params: DiscriminatorParams, **kwargs):
        super().__init__(**kwargs)
        self.kp_variance = params.kp_variance if params.use_kp else None
        conv = SpectralNormConv2D if params.sn else _plain_conv
        in_features = common.num_channels + (common.num_kp if params.use_kp else 0)
        self.down_blocks = []
        for i in range(params.num_blocks):
            features = min(params.max_features, params.block_expansion * 2 ** (i + 1))
            last = i == params.num_blocks - 1
            norm = instance_norm(features) if i != 0 else None
            self.down_blocks.append(
                DiscriminatorBlock(conv(in_features, features, 4), norm, pool=not last)
            )
            in_features = features
        self.conv = conv(in_features, 1, 1)

    def call(self, images: tf.Tensor, kp: Keypoints, training: bool = False) -> Judgement:
        out = images
        if self.kp_variance is not None:
            _, height, width, _ = images.shape
            heatmaps = gaussians(kp.value, height, width, self.kp_variance)
            out = tf.concat([images, heatmaps], axis=-1)
        feature_maps = []
        for block in self.down_blocks:
            out = block(out, training=training)
            feature_maps.append(out)
        return Judgement(feature_maps, self.conv(out, training=training))


def _plain_conv(in_channels: int, filters: int, kernel_size: int) -> keras.layers.Conv2D:
    return conv2d(in_channels, filters, kernel_size, padding="valid")
