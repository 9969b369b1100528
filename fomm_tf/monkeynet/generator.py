"""Generates a frame from a source and motion (Monkey-Net, section 3.3; official class name)."""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.layers.blocks import ResBlock2d, conv2d
from fomm_tf.layers.geometry import coordinate_grid
from fomm_tf.layers.hourglass import Decoder, Encoder
from fomm_tf.layers.sampler import BilinearSampler
from fomm_tf.monkeynet.config import CommonParams, GeneratorParams
from fomm_tf.monkeynet.dense_motion import DenseMotionModule
from fomm_tf.monkeynet.keypoints import GaussianKeypoints
from fomm_tf.monkeynet.layers import resize
from fomm_tf.monkeynet.movement_embedding import MovementEmbedding


class MotionTransferGenerator(keras.Model):
    """Encodes the source, warps the features of every level by the dense motion, decodes them
    concatenated with the keypoints' embedding, refines.

    Two calls: `encode(source)` once for each source image, `decode(encoded, kp_source,
    kp_driving)` once for each frame. `call` is both. One encoded source can be broadcast to any
    number of driving frames.
    """

    def __init__(self, common: CommonParams, params: GeneratorParams, **kwargs):
        super().__init__(**kwargs)
        self.interpolation_mode = params.interpolation_mode
        self.sampler = BilinearSampler()
        self.appearance_encoder = Encoder(
            params.block_expansion, common.num_channels, params.num_blocks, params.max_features
        )
        self.kp_embedding_module = None
        embedding_features = 0
        if params.kp_embedding_params is not None:
            self.kp_embedding_module = MovementEmbedding(common, params.kp_embedding_params)
            embedding_features = self.kp_embedding_module.out_channels
        self.dense_motion_module = None
        if params.dense_motion_params is not None:
            self.dense_motion_module = DenseMotionModule(common, params.dense_motion_params)
        self.video_decoder = Decoder(
            params.block_expansion, params.num_blocks, params.max_features, embedding_features
        )
        features = params.block_expansion + common.num_channels + embedding_features
        self.refinement_module = {
            f"r{i}": ResBlock2d(features) for i in range(params.num_refinement_blocks)
        }
        self.refinement_module["conv-last"] = conv2d(features, common.num_channels, 1)

    def call(
        self,
        source: tf.Tensor,
        kp_source: GaussianKeypoints,
        kp_driving: GaussianKeypoints,
        training: bool = False,
    ) -> dict[str, tf.Tensor]:
        """source [B, H, W, C] in [0, 1]: returns the outputs of `decode`."""
        encoded = self.encode(source, training=training)
        return self.decode(encoded, kp_source, kp_driving, training=training)

    def encode(self, source: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """All that does not depend on the driving frame: the deepest `features`, and `skip_i` of
        every level above; `skip_0` is the source itself."""
        *skips, features = self.appearance_encoder(source, training=training)
        return {"features": features} | {f"skip_{i}": skip for i, skip in enumerate(skips)}

    def decode(
        self,
        encoded: dict[str, tf.Tensor],
        kp_source: GaussianKeypoints,
        kp_driving: GaussianKeypoints,
        training: bool = False,
    ) -> dict[str, tf.Tensor]:
        """The frame: a dict of `prediction` [B, H, W, C], `deformed` [B, H, W, C] (the warped
        source), `deformation` [B, h, w, 2] and the dense motion's `mask`."""
        source = encoded["skip_0"]
        if self.dense_motion_module is None:
            _, height, width, _ = source.shape
            still = coordinate_grid(height, width)[None]
            shape = [tf.shape(kp_driving.value)[0], height, width, 2]
            out = {"deformation": tf.broadcast_to(still, shape)}
        else:
            out = self.dense_motion_module(source, kp_source, kp_driving, training=training)
        levels = [encoded[f"skip_{i}"] for i in range(len(encoded) - 1)] + [encoded["features"]]
        levels = [self._deform(level, out["deformation"]) for level in levels]
        out["deformed"] = levels[0]
        if self.kp_embedding_module is not None:
            embedding = self.kp_embedding_module(source, kp_source, kp_driving)
            levels = [
                tf.concat([level, self._resize(embedding, level)], axis=-1) for level in levels
            ]
        features = self.video_decoder(levels, training=training)
        for block in self.refinement_module.values():
            features = block(features, training=training)
        return out | {"prediction": tf.sigmoid(features)}

    def _deform(self, images: tf.Tensor, deformation: tf.Tensor) -> tf.Tensor:
        return self.sampler(images, self._resize(deformation, images))

    def _resize(self, maps: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
        _, height, width, _ = like.shape
        return resize(maps, height, width, self.interpolation_mode)
