"""A keypoint-conditioned patch discriminator (Monkey-Net, section 3.4)."""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.layers.blocks import conv2d, instance_norm
from fomm_tf.layers.patch_discriminator import DiscriminatorBlock, Judgement
from fomm_tf.monkeynet.config import CommonParams, DiscriminatorParams
from fomm_tf.monkeynet.keypoints import GaussianKeypoints
from fomm_tf.monkeynet.layers import downsample_nearest
from fomm_tf.monkeynet.movement_embedding import MovementEmbedding


class Discriminator(keras.Model):
    """Pix2pix-like: blocks of 4x4 convolutions without padding, then a 1x1 convolution."""

    def __init__(self, common: CommonParams, params: DiscriminatorParams, **kwargs):
        super().__init__(**kwargs)
        self.scale_factor = params.scale_factor
        self.kp_embedding = None
        in_features = common.num_channels
        if params.kp_embedding_params is not None:
            self.kp_embedding = MovementEmbedding(common, params.kp_embedding_params)
            in_features += self.kp_embedding.out_channels
        self.down_blocks = []
        for i in range(params.num_blocks):
            features = min(params.max_features, params.block_expansion * 2 ** (i + 1))
            norm = instance_norm(features) if i != 0 else None
            conv = conv2d(in_features, features, 4, padding="valid")
            self.down_blocks.append(VideoDiscriminatorBlock(conv, norm, pool=True))
            in_features = features
        self.conv = conv2d(in_features, 1, 1)

    def call(
        self,
        images: tf.Tensor,
        kp_source: GaussianKeypoints,
        kp_driving: GaussianKeypoints,
        frames: int = 1,
    ) -> Judgement:
        """images [B * frames, H, W, C]: B videos of `frames` frames each, one after the other.

        The first of the `feature_maps` is `images` itself, the rest are the blocks' outputs.
        """
        out = downsample_nearest(images, self.scale_factor)
        if self.kp_embedding is not None:
            out = tf.concat([out, self.kp_embedding(out, kp_source, kp_driving)], axis=-1)
        feature_maps = [images]
        for block in self.down_blocks:
            out = block(out, frames=frames)
            feature_maps.append(out)
        return Judgement(feature_maps, self.conv(out))


class VideoDiscriminatorBlock(DiscriminatorBlock):
    """A `DiscriminatorBlock` whose instance norm is over all frames of a video."""

    def call(self, inputs, frames: int = 1):
        out = self.conv(inputs)
        if self.norm is not None:
            _, height, width, features = out.shape
            # Frames stacked vertically form one instance.
            video = self.norm(tf.reshape(out, [-1, frames * height, width, features]))
            out = tf.reshape(video, [-1, height, width, features])
        out = tf.nn.leaky_relu(out, 0.2)
        return tf.nn.avg_pool2d(out, 2, 2, "VALID") if self.pool else out
