"""Dense motion from splines (paper section 3.1 and 3.2, official `DenseMotionNetwork`)."""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.layers.antialias import AntiAliasDownsample
from fomm_tf.layers.blocks import UpBlock2d, conv2d
from fomm_tf.layers.geometry import coordinate_grid, gaussians
from fomm_tf.layers.hourglass import Hourglass
from fomm_tf.layers.instance_norm import InstanceNorm
from fomm_tf.layers.sampler import BilinearSampler
from fomm_tf.tpsmm.config import CommonParams, DenseMotionParams
from fomm_tf.tpsmm.keypoints import POINTS, SplineKeypoints
from fomm_tf.tpsmm.splines import Splines

OCCLUSION_MAPS = 4


class DenseMotionNetwork(keras.Model):
    """Combines the background's motion and K splines into one backward warp.

    Works at h x w, `scale_factor` times the picture's size. `call` returns a dict of
    `transformations` [B, K+1, h, w, 2]: where each motion alone samples the source (background
    first), `deformed_source` [B, K+1, h, w, C]: the source so sampled, `contribution_maps`
    [B, h, w, K+1]: the weight of each motion, `deformation` [B, h, w, 2]: their weighted sum, and
    `occlusion_map`: a list of [B, h', w', 1], 0 where the source does not show what is needed; with
    `multi_mask` four of them, for an eighth, a quarter, half and all of the picture's size, else
    one for h x w.
    """

    def __init__(self, common: CommonParams, params: DenseMotionParams, **kwargs):
        super().__init__(**kwargs)
        self.kp_variance = params.kp_variance
        self.multi_mask = common.multi_mask
        self.down = AntiAliasDownsample(params.scale_factor)
        self.sampler = BilinearSampler()
        motions = common.num_tps + 1
        self.hourglass = Hourglass(
            params.block_expansion,
            POINTS * common.num_tps + 1 + common.num_channels * motions,
            params.num_blocks,
            params.max_features,
            norm=InstanceNorm,
        )
        features = self.hourglass.out_features
        self.maps = conv2d(features, motions, 7)
        self.up = []
        widths = [features]
        if common.multi_mask:
            widths = [2 * width for width in params.widths[-2:0:-1]] + widths
            widths = widths[params.upsamplings - OCCLUSION_MAPS :]
            for _ in range(params.upsamplings):
                self.up.append(UpBlock2d(widths[-1], widths[-1] // 2, InstanceNorm))
                widths.append(widths[-1] // 2)
        self.occlusion = [conv2d(width, 1, 7) for width in widths]

    def call(
        self,
        source: tf.Tensor,
        kp_source: SplineKeypoints,
        kp_driving: SplineKeypoints,
        keep: tf.Tensor | None = None,
        training: bool = False,
    ) -> dict:
        """source: [B, h, w, C], already downsampled by `self.down`. keep: [B, K+1], which motions
        take part (1) and which are dropped (0), in training."""
        _, height, width, channels = source.shape
        heatmaps = self.heatmap_representation(kp_source, kp_driving, height, width)
        splines = Splines.between(kp_driving.value, kp_source.value)
        motions = splines.grids(height, width)
        background = background_grid(kp_driving.background, height, width)
        background = tf.broadcast_to(background, tf.shape(motions[:, :1]))
        motions = tf.concat([background, motions], axis=1)
        deformed = self.sampler(source, motions)
        stacked = tf.transpose(deformed, [0, 2, 3, 1, 4])
        stacked = tf.reshape(stacked, [-1, height, width, motions.shape[1] * channels])
        inputs = tf.concat([heatmaps, stacked], axis=-1)
        levels = self.hourglass(inputs, training=training, every_level=True)

        logits = self.maps(levels[-1])
        maps = tf.nn.softmax(logits) if keep is None else dropout_softmax(logits, keep)
        weights = tf.transpose(maps, [0, 3, 1, 2])[..., None]
        return {
            "transformations": motions,
            "deformed_source": deformed,
            "contribution_maps": maps,
            "deformation": tf.reduce_sum(motions * weights, axis=1),
            "occlusion_map": self._occlusion_maps(levels, training),
        }

    def heatmap_representation(
        self, kp_source: SplineKeypoints, kp_driving: SplineKeypoints, height: int, width: int
    ) -> tf.Tensor:
        """Driving minus source Gaussians, after a zero background: [B, h, w, 5K+1]."""
        difference = gaussians(kp_driving.value, height, width, self.kp_variance) - gaussians(
            kp_source.value, height, width, self.kp_variance
        )
        return tf.pad(difference, [[0, 0], [0, 0], [0, 0], [1, 0]])

    def _occlusion_maps(self, levels: list[tf.Tensor], training: bool) -> list[tf.Tensor]:
        features = levels[-1:]
        if self.multi_mask:
            features = levels[len(self.up) - OCCLUSION_MAPS :]
            for block in self.up:
                features.append(block(features[-1], training=training))
        return [tf.sigmoid(head(one)) for head, one in zip(self.occlusion, features, strict=True)]


def background_grid(background: tf.Tensor | None, height: int, width: int) -> tf.Tensor:
    """Where the background of every pixel is in the source: [B, 1, h, w, 2].

    background: [B, 3, 3], a projective map, or None for the identity, the same for any batch.
    """
    grid = coordinate_grid(height, width)[None, None]
    if background is None:
        return tf.constant(grid)
    x, y = grid[..., 0], grid[..., 1]
    matrix = background[:, None, None, None]
    across, down, depth = (
        matrix[..., row, 0] * x + matrix[..., row, 1] * y + matrix[..., row, 2] for row in range(3)
    )
    return tf.stack([across / depth, down / depth], axis=-1)


def dropout_softmax(logits: tf.Tensor, keep: tf.Tensor) -> tf.Tensor:
    """Softmax over the motions that are kept (paper section 3.3).

    logits: [B, h, w, K+1]. keep: [B, K+1] of zeros and ones; the first, the background, is always
    kept. The largest logit is taken over all motions, dropped ones too, as in the official code.
    """
    keep = tf.concat([tf.ones_like(keep[:, :1]), keep[:, 1:]], axis=1)
    largest = tf.reduce_max(logits, axis=-1, keepdims=True)
    exponentials = tf.exp(logits - largest) * keep[:, None, None, :]
    return exponentials / (tf.reduce_sum(exponentials, axis=-1, keepdims=True) + 1e-6)
