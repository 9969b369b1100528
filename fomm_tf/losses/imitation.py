"""Distances between a student's and its teacher's intermediate results."""

from __future__ import annotations

import tensorflow as tf

from fomm_tf.layers.sampler import resize_aligned, resize_bilinear
from fomm_tf.losses.perceptual import mean_distance


def heatmap_distance(heatmaps: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Total variation of heatmaps [B, h, w, K], 0 (equal) to 1 (nowhere both): mean over keypoints.

    Every heatmap sums to one. The targets may have another size: their corners are the student's.
    """
    targets = resize_aligned(targets, *heatmaps.shape[1:3])
    targets /= tf.reduce_sum(targets, axis=[1, 2], keepdims=True)
    return tf.reduce_mean(tf.reduce_sum(tf.abs(heatmaps - targets), axis=[1, 2])) / 2


def deformation_distance(deformation: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Mean distance of sampling positions [B, h, w, 2]; the target may have another size.

    The target's positions are clipped to the picture and a margin: how far outside the teacher
    samples makes no difference.
    """
    target = resize_aligned(tf.clip_by_value(target, -1.2, 1.2), *deformation.shape[1:3])
    return mean_distance(deformation, target)


def occlusion_distance(occlusion: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Mean distance of occlusion maps [B, h, w, 1]; the target may have another size."""
    return mean_distance(occlusion, resize_bilinear(target, *occlusion.shape[1:3]))
