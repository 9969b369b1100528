"""Upsampling blocks at less than half the cost: the same numbers, from the small picture.

After nearest upsampling by two, the nine taps of a 3x3 kernel fall on four pixels of the small
picture only: which weights fall together depends on the phase, whether a pixel's row and column
are even or odd. So one 2x2 convolution with the outputs of all four phases, interleaved, gives what
upsampling and a 3x3 convolution give, with 16 instead of 36 products per pixel of the small
picture. Its kernel has 16/9 of the weights: for blocks of few channels and large pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from fomm_tf.layers.blocks import UpBlock2d


@contextmanager
def phase_upsampling(blocks: Iterable[UpBlock2d]) -> Iterator[None]:
    """While the block runs, what is traced through these layers takes the cheaper way."""
    blocks = list(blocks)
    for block in blocks:
        # Its weights have been there from the start; Keras would look for them through `call`.
        block.built = True
        block.call = upsample(block)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for block in blocks:
            del block.call


def upsample(block: UpBlock2d) -> Callable[..., tf.Tensor]:
    """An `UpBlock2d` as it is after training, [B, H, W, C] -> [B, 2H, 2W, C']."""
    # Batch norm is folded here: a converter does not see it through the interleaving.
    norm = block.norm
    scale = norm.gamma.numpy() / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    bias = (block.conv.bias.numpy() - norm.moving_mean.numpy()) * scale + norm.beta.numpy()
    kernel = _phases(block.conv.kernel.numpy() * scale)
    features = len(bias)

    def call(inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        _, height, width, _ = inputs.shape
        padded = tf.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]])
        out = tf.nn.conv2d(padded, kernel, strides=1, padding="VALID")
        out = tf.nn.relu(tf.nn.bias_add(out, np.tile(bias, 4)))
        # Odd rows and columns begin one pixel further on.
        corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
        parts = [
            out[:, y : y + height, x : x + width, i * features : (i + 1) * features]
            for i, (y, x) in enumerate(corners)
        ]
        return tf.nn.depth_to_space(tf.concat(parts, axis=-1), 2)

    return call


def _phases(kernel: np.ndarray) -> np.ndarray:
    """[3, 3, C, C'] -> [2, 2, C, 4 * C']: even rows first, of them even columns first."""
    return np.concatenate(
        [
            np.moveaxis(_halves(np.moveaxis(rows, 1, 0))[column], 0, 1)
            for rows in _halves(kernel)
            for column in (0, 1)
        ],
        axis=-1,
    )


def _halves(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Three taps, along the first axis, as the two of even and the two of odd positions."""
    first, middle, last = kernel
    return np.stack([first, middle + last]), np.stack([first + middle, last])
