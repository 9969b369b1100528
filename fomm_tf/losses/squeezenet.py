"""SqueezeNet 1.1 features (arXiv 1602.07360) for the perceptual loss: a small part of VGG19's cost.

The layers are those of LPIPS's "squeeze" (arXiv 1801.03924).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from fomm_tf.errors import ModelError
from fomm_tf.losses.vgg19 import MEAN, STD
from fomm_tf.weights.torch_checkpoint import read_checkpoint

# The fire modules at their indices in torchvision's `features`: channels of the input, of `squeeze`
# and of each half of `expand`.
_FIRES = {
    3: (64, 16, 64),
    4: (128, 16, 64),
    6: (128, 32, 128),
    7: (256, 32, 128),
    9: (256, 48, 192),
    10: (384, 48, 192),
    11: (384, 64, 256),
    12: (512, 64, 256),
}
_POOLED = (3, 6, 9)  # Max pooling comes before these.
_OUTPUTS = (4, 7, 9, 10, 11, 12)  # Behind the first convolution: the fires that LPIPS looks at.

MEANS = (0.3, 1.9, 8.0, 16.0, 23.0, 15.0, 2.3)
"""The trained network's mean activations for 60 portraits of 128 x 128. They differ 80-fold:
undivided, the deep maps would drown the other losses."""

Kernels = dict[str, tuple[np.ndarray, np.ndarray]]
"""(kernel [k, k, in, out], bias [out]) of the convolutions, by torchvision's names."""


class SqueezeNetFeatures(keras.layers.Layer):
    """Seven feature maps of RGB images in [0, 1]: 64, 128, 256, 384, 384, 512, 512 channels.

    Behind the first convolution (half resolution) and torchvision's `features` 4 (a quarter), 7 (an
    eighth), 9, 10, 11 and 12 (a sixteenth). Images are normalised as in torchvision; each map is
    divided by its mean over photographs (`MEANS`). Frozen. `depth`: how many of the seven to
    compute.
    """

    def __init__(self, kernels: Kernels, depth: int = 7, **kwargs):
        super().__init__(trainable=False, **kwargs)
        self.depth = depth
        # Plain tensors: constants, not part of any checkpoint.
        self._kernels = {
            name: (tf.constant(kernel), tf.constant(bias))
            for name, (kernel, bias) in kernels.items()
        }

    def call(self, images: tf.Tensor) -> list[tf.Tensor]:
        out = self._convolve((images - MEAN) / STD, "0", stride=2, padding="VALID")
        features = [out]
        for position in _FIRES:
            if len(features) == self.depth:
                break
            if position in _POOLED:
                out = _max_pool(out)
            out = self._fire(out, position)
            if position in _OUTPUTS:
                features.append(out)
        return [feature / mean for feature, mean in zip(features, MEANS, strict=False)]

    def _fire(self, inputs: tf.Tensor, position: int) -> tf.Tensor:
        squeezed = self._convolve(inputs, f"{position}.squeeze")
        expanded = [
            self._convolve(squeezed, f"{position}.{name}") for name in ("expand1x1", "expand3x3")
        ]
        return tf.concat(expanded, axis=-1)

    def _convolve(self, inputs, name: str, stride: int = 1, padding: str = "SAME") -> tf.Tensor:
        kernel, bias = self._kernels[name]
        return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(inputs, kernel, stride, padding), bias))


def _max_pool(inputs: tf.Tensor) -> tf.Tensor:
    """3x3, stride 2, PyTorch's `ceil_mode`: an even side gets one more row. Zeros, as all inputs
    come out of a ReLU."""
    _, height, width, _ = inputs.shape
    even = [[0, 0], [0, 1 - height % 2], [0, 1 - width % 2], [0, 0]]
    return tf.nn.max_pool2d(tf.pad(inputs, even), 3, 2, "VALID")


def features_for(weights: Sequence[float], squeezenet_weights: str) -> SqueezeNetFeatures | None:
    """The features that a perceptual loss with these weights uses; None if they are all 0."""
    if not any(weights):
        return None
    depth = max(index + 1 for index, weight in enumerate(weights) if weight)
    return SqueezeNetFeatures(load_squeezenet(squeezenet_weights), depth)


def load_squeezenet(weights: str) -> Kernels:
    """The kernels named by `weights`: "random" for seeded random ones, to compare runs without a
    download, else the path of torchvision's `squeezenet1_1-*.pth`. Raises ModelError."""
    return random_kernels() if weights == "random" else torchvision_kernels(weights)


def random_kernels() -> Kernels:
    """He-normal kernels, one seed for each layer."""
    kernels = {}
    for index, (name, (outputs, inputs, *size)) in enumerate(_shapes().items()):
        rng = np.random.default_rng(2000 + index)
        kernel = rng.standard_normal((*size, inputs, outputs)).astype(np.float32)
        kernel *= np.float32(np.sqrt(2.0 / (inputs * np.prod(size))))
        kernels[name] = kernel, (0.01 * rng.standard_normal(outputs)).astype(np.float32)
    return kernels


def torchvision_kernels(path: str | os.PathLike) -> Kernels:
    """Reads torchvision's `squeezenet1_1-*.pth` (without torch). Raises ModelError."""
    if not Path(path).is_file():
        raise ModelError(
            f"SqueezeNet weights {path}: no such file; give torchvision's squeezenet1_1-*.pth, or "
            "random"
        )
    entries = read_checkpoint(path)
    kernels = {}
    for name, shape in _shapes().items():
        kernel, bias = (entries.get(f"features.{name}.{part}") for part in ("weight", "bias"))
        if not isinstance(kernel, np.ndarray) or not isinstance(bias, np.ndarray):
            raise ModelError(f"{path} is not torchvision's SqueezeNet 1.1: {name} is missing")
        if kernel.shape != shape or bias.shape != shape[:1]:
            shapes = f"{list(kernel.shape)} and {list(bias.shape)}"
            raise ModelError(f"{path} is not torchvision's SqueezeNet 1.1: {name} is {shapes}")
        kernels[name] = kernel.astype(np.float32).transpose(2, 3, 1, 0), bias.astype(np.float32)
    return kernels


def _shapes() -> dict[str, tuple[int, ...]]:
    """The kernels in PyTorch's layout: [out, in, height, width]."""
    shapes: dict[str, tuple[int, ...]] = {"0": (64, 3, 3, 3)}
    for position, (inputs, squeezed, expanded) in _FIRES.items():
        shapes[f"{position}.squeeze"] = (squeezed, inputs, 1, 1)
        shapes[f"{position}.expand1x1"] = (expanded, squeezed, 1, 1)
        shapes[f"{position}.expand3x3"] = (expanded, squeezed, 3, 3)
    return shapes
