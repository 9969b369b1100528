"""Keypoints and their variance from an image (Monkey-Net, section 3.1)."""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.layers.geometry import coordinate_grid
from fomm_tf.layers.hourglass import Hourglass
from fomm_tf.monkeynet.config import CommonParams, KPDetectorParams
from fomm_tf.monkeynet.keypoints import GaussianKeypoints
from fomm_tf.monkeynet.layers import downsample_nearest

# Added to every pixel of a heatmap, so that no variance is singular. The heatmap then sums to
# slightly more than one, as in the official code.
_EPSILON = 1e-7
# Below any squared eigenvalue difference that float32 can distinguish from zero here.
_TINY = 1e-20


class KeypointDetector(keras.Model):
    """[B, H, W, C] images in [0, 1] -> `GaussianKeypoints`.

    An hourglass predicts K heatmaps; a keypoint is its heatmap's centre of mass, its variance the
    heatmap's second central moment: a matrix, its mean over x and y (`single`), or None if the
    config has a constant.
    """

    def __init__(self, common: CommonParams, params: KPDetectorParams, **kwargs):
        super().__init__(**kwargs)
        self.kp_variance = common.kp_variance
        self.clip_variance = params.clip_variance
        self.temperature = params.temperature
        self.scale_factor = params.scale_factor
        self.predictor = Hourglass(
            params.block_expansion,
            common.num_channels,
            params.num_blocks,
            params.max_features,
            out_features=common.num_kp,
        )

    def call(self, images: tf.Tensor, training: bool = False) -> GaussianKeypoints:
        small = downsample_nearest(images, self.scale_factor)
        heatmap = self.heatmap(self.predictor(small, training=training))
        _, height, width, _ = heatmap.shape
        grid = coordinate_grid(height, width)[:, :, None, :]
        value = tf.reduce_sum(heatmap[..., None] * grid, axis=[1, 2])
        if self.kp_variance not in ("matrix", "single"):
            return GaussianKeypoints(value)
        x, y = (grid[..., axis] - value[:, None, None, :, axis] for axis in (0, 1))

        def moment(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
            return tf.reduce_sum(heatmap * a * b, axis=[1, 2])

        if self.kp_variance == "single":
            mean = (moment(x, x) + moment(y, y)) / 2
            return GaussianKeypoints(value, mean[..., None, None])
        mixed = moment(x, y)
        rows = [tf.stack([moment(x, x), mixed], -1), tf.stack([mixed, moment(y, y)], -1)]
        variance = tf.stack(rows, axis=-2)
        if self.clip_variance:
            variance = clip_variance(variance, self.clip_variance)
        return GaussianKeypoints(value, variance)

    def heatmap(self, prediction: tf.Tensor) -> tf.Tensor:
        """Softmax with temperature over all positions, plus epsilon: [B, h, w, K]."""
        _, height, width, count = prediction.shape
        flat = tf.reshape(prediction, [-1, height * width, count])
        flat = tf.nn.softmax(flat / self.temperature, axis=1) + _EPSILON
        return tf.reshape(flat, [-1, height, width, count])


def clip_variance(variance: tf.Tensor, smallest: float) -> tf.Tensor:
    """Scales up variances [..., 2, 2] whose smaller eigenvalue is below `smallest` to that value.

    The eigenvalue is computed as determinant / larger one: a difference would lose precision.
    """
    a, d = variance[..., 0, 0], variance[..., 1, 1]
    off_diagonal = tf.square(variance[..., 0, 1])
    spread = tf.sqrt(tf.maximum(tf.square(a - d) / 4 + off_diagonal, _TINY))
    eigenvalue = (a * d - off_diagonal) / ((a + d) / 2 + spread)
    return variance * (tf.maximum(smallest, eigenvalue) / eigenvalue)[..., None, None]
