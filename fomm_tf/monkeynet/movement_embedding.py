"""Keypoints as feature maps for convolutions (Monkey-Net, section 3.2)."""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.layers.geometry import coordinate_grid, gaussians, inverse_2x2
from fomm_tf.layers.sampler import BilinearSampler
from fomm_tf.monkeynet.config import CommonParams, EmbeddingParams
from fomm_tf.monkeynet.keypoints import GaussianKeypoints
from fomm_tf.monkeynet.layers import downsample_nearest


class MovementEmbedding(keras.layers.Layer):
    """For each keypoint, as configured: its heatmap (of the driving frame, or minus that of the
    source), its displacement, and the image shifted by it.

    With `background`, a static entry comes first: zero heatmap and displacement, unshifted image.
    """

    def __init__(
        self, common: CommonParams, params: EmbeddingParams, background: bool = False, **kwargs
    ):
        super().__init__(**kwargs)
        self.params = params
        self.kp_variance = common.kp_variance
        self.background = background
        self.sampler = BilinearSampler()
        per_keypoint = (
            params.use_heatmap
            + 2 * params.use_difference
            + common.num_channels * params.use_deformed_source_image
        )
        self.out_channels = per_keypoint * (common.num_kp + background)

    def call(
        self, images: tf.Tensor, kp_source: GaussianKeypoints, kp_driving: GaussianKeypoints
    ) -> tf.Tensor:
        """images: [B or 1, H, W, C]. Returns [B, h, w, out_channels], h and w being H and W times
        the config's `scale_factor`; all channels of one keypoint are adjacent."""
        images = downsample_nearest(images, self.params.scale_factor)
        _, height, width, _ = images.shape
        parts = []
        if self.params.use_heatmap:
            parts.append(self._heatmaps(kp_source, kp_driving, height, width)[..., None])
        difference = self.displacements(kp_source, kp_driving)
        if self.params.use_difference:
            batch, count = tf.shape(difference)[0], difference.shape[1]
            shape = [batch, height, width, count, 2]
            parts.append(tf.broadcast_to(difference[:, None, None], shape))
        if self.params.use_deformed_source_image:
            grid = coordinate_grid(height, width) + difference[:, :, None, None, :]
            parts.append(tf.transpose(self.sampler(images, grid), [0, 2, 3, 1, 4]))
        return tf.reshape(tf.concat(parts, axis=-1), [-1, height, width, self.out_channels])

    def displacements(
        self, kp_source: GaussianKeypoints, kp_driving: GaussianKeypoints
    ) -> tf.Tensor:
        """Backward, from the driving frame to the source: [B, K (+ 1), 2]."""
        difference = kp_source.value - kp_driving.value
        return tf.pad(difference, [[0, 0], [int(self.background), 0], [0, 0]])

    def _heatmaps(self, kp_source, kp_driving, height: int, width: int) -> tf.Tensor:
        heatmaps = self._normalized(kp_driving, height, width)
        if self.params.heatmap_type == "difference":
            heatmaps -= self._normalized(kp_source, height, width)
        return tf.pad(heatmaps, [[0, 0], [0, 0], [0, 0], [int(self.background), 0]])

    def _normalized(self, kp: GaussianKeypoints, height: int, width: int) -> tf.Tensor:
        heatmaps = keypoint_heatmaps(kp, height, width, self.kp_variance)
        if self.params.norm_const == "sum":
            # The heatmap of a keypoint so far outside that it vanishes stays zero.
            total = tf.reduce_sum(heatmaps, axis=[1, 2], keepdims=True)
            return tf.math.divide_no_nan(heatmaps, total)
        return heatmaps / self.params.norm_const


def keypoint_heatmaps(
    kp: GaussianKeypoints, height: int, width: int, kp_variance: str | float
) -> tf.Tensor:
    """Gaussians around keypoints, 1 at their centre: [B, height, width, K].

    kp_variance: "matrix" or "single" for the keypoints' own variances, else the constant.
    """
    if not isinstance(kp_variance, str):
        return gaussians(kp.value, height, width, kp_variance)
    if kp_variance == "single":
        return gaussians(kp.value, height, width, kp.variance[:, None, :, 0, 0])
    inverse = inverse_2x2(kp.variance)
    (xx, xy), (yx, yy) = (
        [inverse[..., row, column][:, None, None] for column in (0, 1)] for row in (0, 1)
    )
    grid = coordinate_grid(height, width)
    x = grid[:1, :, None, 0] - kp.value[:, None, None, :, 0]
    y = grid[:, :1, None, 1] - kp.value[:, None, None, :, 1]
    return tf.exp(-0.5 * (xx * x * x + (xy + yx) * x * y + yy * y * y))
