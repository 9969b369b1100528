"""Bilinear sampling of images and feature maps at given positions, and resizing."""

from __future__ import annotations

from typing import Literal, get_args

import keras
import tensorflow as tf

PaddingMode = Literal["zeros", "border", "reflection"]


class BilinearSampler(keras.layers.Layer):
    """Samples an image or feature map at fractional positions: `grid_sample` with align_corners.

    padding_mode: values outside, "zeros" (fading over one pixel), "border" (edge pixels repeated)
    or "reflection" (mirrored about the centres of the border pixels).
    """

    def __init__(self, padding_mode: PaddingMode = "zeros", **kwargs):
        super().__init__(**kwargs)
        if padding_mode not in get_args(PaddingMode):
            known = ", ".join(map(repr, get_args(PaddingMode)))
            raise ValueError(f"padding_mode must be one of {known}, not {padding_mode!r}")
        self.padding_mode = padding_mode
        self.built = True  # No weights: a model that never calls it is complete.

    def call(self, images: tf.Tensor, grid: tf.Tensor) -> tf.Tensor:
        """images [B, H, W, C], grid [B, ..., 2] with (x, y) in [-1, 1]: returns [B, ..., C].

        The middle of `grid` may have any shape: all K+1 warps of one source are gathered from the
        same table. NaN positions count as far outside.
        """
        _, height, width, channels = images.shape
        x = (grid[..., 0] + 1) / 2 * (width - 1)
        y = (grid[..., 1] + 1) / 2 * (height - 1)
        if self.padding_mode == "reflection":
            x, y = _reflect(x, width), _reflect(y, height)
        elif self.padding_mode == "border":
            x, y = (tf.clip_by_value(p, 0.0, size - 1.0) for p, size in ((x, width), (y, height)))
        x, y = (tf.where(tf.equal(position, position), position, -1.0) for position in (x, y))
        # With one pixel of zero padding and positions clamped to it, all four neighbours always
        # exist: no validity masks. Clamping comes before the cast to integers.
        padded = tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]])
        x = tf.clip_by_value(x, -1.0, float(width)) + 1
        y = tf.clip_by_value(y, -1.0, float(height)) + 1
        left = tf.minimum(tf.floor(x), float(width))
        top = tf.minimum(tf.floor(y), float(height))
        dx, dy = (x - left)[..., None], (y - top)[..., None]

        stride = width + 2
        index = tf.cast(top, tf.int32) * stride + tf.cast(left, tf.int32)
        table = tf.reshape(padded, [-1, channels])
        if images.shape[0] != 1:
            batch = tf.range(tf.shape(images)[0]) * ((height + 2) * stride)
            index += tf.reshape(batch, [-1] + [1] * (len(grid.shape) - 2))

        def row(start: tf.Tensor) -> tf.Tensor:
            return tf.gather(table, start) * (1 - dx) + tf.gather(table, start + 1) * dx

        return row(index) * (1 - dy) + row(index + stride) * dy

    def get_config(self) -> dict:
        return {**super().get_config(), "padding_mode": self.padding_mode}


def _reflect(position: tf.Tensor, size: int) -> tf.Tensor:
    period = 2.0 * max(size - 1, 1)
    position = tf.math.floormod(tf.abs(position), period)
    return tf.clip_by_value(tf.minimum(position, period - position), 0.0, float(size - 1))


def resize_bilinear(images: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Half-pixel bilinear resizing, not anti-aliased, [B, H, W, C] -> [B, height, width, C]."""
    if images.shape[1:3] == (height, width):
        return images
    return tf.image.resize(images, [height, width], method="bilinear")


def resize_aligned(images: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Bilinear resizing that keeps the corners: positions [B, H, W, 2] in coordinates of [-1, 1]
    remain those of their pixels."""
    if images.shape[1:3] == (height, width):
        return images
    return tf.raw_ops.ResizeBilinear(images=images, size=[height, width], align_corners=True)
