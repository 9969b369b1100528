"""Upsampling blocks at less than half the cost: the same result, computed at low resolution.

After nearest upsampling by two, the nine taps of a 3x3 kernel fall on only four input pixels: which
weights coincide depends on the phase, the parity of a pixel's row and column. So one 2x2
convolution that outputs all four phases, interleaved, equals upsampling and a 3x3 convolution, with
16 instead of 36 products per input pixel. Its kernel has 16/9 of the weights: for blocks with few
channels and large feature maps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from fomm_tf.layers.blocks import UpBlock2d


@contextmanager
def phase_upsampling(blocks: Iterable[UpBlock2d]) -> Iterator[None]:
    """Within the block, these layers are traced in the cheaper form."""
    blocks = list(blocks)
    for block in blocks:
        # Already built; otherwise Keras would trace `call` to build it.
        block.built = True
        block.call = upsample(block)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for block in blocks:
            del block.call


def upsample(block: UpBlock2d) -> Callable[..., tf.Tensor]:
    """An `UpBlock2d` in inference mode, [B, H, W, C] -> [B, 2H, 2W, C']."""
    # Batch norm is folded here: the converter cannot fold it across the interleaving.
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
        # Odd rows and columns start one pixel later.
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
    """Three taps along the first axis -> two for even and two for odd positions."""
    first, middle, last = kernel
    return np.stack([first, middle + last]), np.stack([first + middle, last])
