"""Takes over the driving pose but not the driving shape: animation via disentanglement
(arXiv 2104.11280, official `AVDNetwork`)."""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.layers.batch_norm import BatchNorm
from fomm_tf.tpsmm.config import AVDParams, CommonParams
from fomm_tf.tpsmm.keypoints import POINTS
from fomm_tf.tpsmm.linear import linear

_WIDTHS = (256, 512, 1024)


class AVDNetwork(keras.Model):
    """Keypoints [B, 5K, 2] of source and driving frame -> keypoints with the source's identity and
    the driving frame's pose, [B, 5K, 2], not bounded."""

    def __init__(self, common: CommonParams, params: AVDParams, **kwargs):
        super().__init__(**kwargs)
        size, identity, pose = (
            2 * POINTS * common.num_tps,
            params.id_bottle_size,
            params.pose_bottle_size,
        )
        self.id_encoder = _perceptron(size, *_WIDTHS, identity)
        self.pose_encoder = _perceptron(size, *_WIDTHS, pose)
        self.decoder = _perceptron(identity + pose, *reversed(_WIDTHS), size)

    def call(self, kp_source: tf.Tensor, kp_driving: tf.Tensor, training: bool = False):
        count = kp_source.shape[1]
        source, driving = (tf.reshape(kp, [-1, 2 * count]) for kp in (kp_source, kp_driving))
        identity = _run(self.id_encoder, source, training)
        pose = _run(self.pose_encoder, driving, training)
        out = _run(self.decoder, tf.concat([pose, identity], axis=1), training)
        return tf.reshape(out, [-1, count, 2])


def _perceptron(*widths: int) -> dict[str, keras.layers.Layer]:
    """Linear layers with batch norm and ReLU between them, numbered as in PyTorch's `Sequential`,
    where the ReLU counts."""
    layers: dict[str, keras.layers.Layer] = {}
    for index, (inputs, outputs) in enumerate(zip(widths, widths[1:], strict=False)):
        layers[f"{3 * index}"] = linear(inputs, outputs)
        if index < len(widths) - 2:
            layers[f"{3 * index + 1}"] = BatchNorm(outputs)
    return layers


def _run(layers: dict[str, keras.layers.Layer], values: tf.Tensor, training: bool) -> tf.Tensor:
    for layer in layers.values():
        if isinstance(layer, BatchNorm):
            normalized = layer(values[:, None, None, :], training=training)
            values = tf.nn.relu(normalized[:, 0, 0])
        else:
            values = layer(values)
    return values
