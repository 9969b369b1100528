"""VGG19 features for the perceptual loss, and the three sources of its weights."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from fomm_tf.errors import ModelError
from fomm_tf.weights.torch_checkpoint import read_checkpoint

# Output channels of the convolutions up to relu5_1; 2x2 max pooling between the levels.
_LEVELS = ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,))
_CHANNELS = [channels for level in _LEVELS for channels in level]
# Indices of those convolutions in torchvision's `features`, and Keras' names for them.
_TORCHVISION = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)
_KERAS = [
    f"block{level}_conv{index}"
    for level, channels in enumerate(_LEVELS, 1)
    for index in range(1, len(channels) + 1)
]

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)

Kernels = list[tuple[np.ndarray, np.ndarray]]
"""(kernel [3, 3, in, out], bias [out]) of the 13 convolutions."""


class VGG19Features(keras.layers.Layer):
    """relu1_1 ... relu5_1 of RGB images in [0, 1]: a list of [B, H / 2^i, W / 2^i, C_i].

    Frozen. `depth`: how many of the five to compute.
    """

    def __init__(self, kernels: Kernels, depth: int = 5, **kwargs):
        super().__init__(trainable=False, **kwargs)
        self.depth = depth
        # Plain tensors: constants, not part of any checkpoint.
        self._kernels = [(tf.constant(kernel), tf.constant(bias)) for kernel, bias in kernels]

    def call(self, images: tf.Tensor) -> list[tf.Tensor]:
        out = (images - MEAN) / STD
        kernels = iter(self._kernels)
        features: list[tf.Tensor] = []
        for level in _LEVELS[: self.depth]:
            if features:
                out = tf.nn.max_pool2d(out, 2, 2, "VALID")
            for index in range(len(level)):
                kernel, bias = next(kernels)
                out = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(out, kernel, 1, "SAME"), bias))
                if index == 0:
                    features.append(out)
                if len(features) == self.depth:
                    return features
        return features


def features_for(weights: Sequence[float], vgg_weights: str) -> VGG19Features | None:
    """The features that a perceptual loss with these weights uses; None if they are all 0."""
    if not any(weights):
        return None
    depth = max(index + 1 for index, weight in enumerate(weights) if weight)
    return VGG19Features(load_vgg19(vgg_weights), depth)


def load_vgg19(weights: str) -> Kernels:
    """The kernels named by `weights`.

    "random": seeded random weights, to compare runs without a download. "imagenet": Keras' file,
    downloaded by Keras on first use and rescaled to torchvision's input range. Anything else: path
    of torchvision's `vgg19-*.pth`, which the official loss uses. Raises ModelError.
    """
    if weights == "random":
        return random_kernels()
    if weights == "imagenet":
        return _keras_kernels()
    return torchvision_kernels(weights)


def random_kernels() -> Kernels:
    """He-normal kernels, one seed for each layer."""
    kernels = []
    for index, (inputs, outputs) in enumerate(_sizes()):
        rng = np.random.default_rng(1000 + index)
        kernel = rng.standard_normal((outputs, inputs, 3, 3)).astype(np.float32)
        kernel *= np.float32(np.sqrt(2.0 / (inputs * 9)))
        bias = (0.01 * rng.standard_normal(outputs)).astype(np.float32)
        kernels.append((kernel.transpose(2, 3, 1, 0), bias))
    return kernels


def torchvision_kernels(path: str | os.PathLike) -> Kernels:
    """Reads torchvision's `vgg19-*.pth` (without torch)."""
    if not Path(path).is_file():
        raise ModelError(
            f"VGG19 weights {path}: no such file; give torchvision's vgg19-*.pth, or imagenet, "
            "or random"
        )
    entries = read_checkpoint(path)
    kernels = []
    for position, (inputs, outputs) in zip(_TORCHVISION, _sizes(), strict=True):
        name = f"features.{position}"
        kernel, bias = entries.get(f"{name}.weight"), entries.get(f"{name}.bias")
        if not isinstance(kernel, np.ndarray) or not isinstance(bias, np.ndarray):
            raise ModelError(f"{path} is not torchvision's VGG19: {name} is missing")
        if kernel.shape != (outputs, inputs, 3, 3) or bias.shape != (outputs,):
            shapes = f"{list(kernel.shape)} and {list(bias.shape)}"
            raise ModelError(f"{path} is not torchvision's VGG19: {name} is {shapes}")
        kernels.append((kernel.astype(np.float32).transpose(2, 3, 1, 0), bias.astype(np.float32)))
    return kernels


def _keras_kernels() -> Kernels:
    try:
        network = keras.applications.VGG19(include_top=False, weights="imagenet")
    except Exception as error:
        raise ModelError(
            "the ImageNet weights of VGG19 could not be downloaded; give torchvision's file with "
            "--vgg-weights vgg19-dcbb9e9d.pth, or train with --vgg-weights random "
            f"({_first_line(error)})"
        ) from error
    return rescale_caffe_kernels([network.get_layer(name).get_weights() for name in _KERAS])


def rescale_caffe_kernels(kernels: Sequence[Sequence[np.ndarray]]) -> Kernels:
    """Keras' (Caffe's) VGG19 adapted to torchvision's input normalisation and feature scale.

    Caffe's expects BGR in 0..255 minus a mean. Swapping the input channels and scaling the first
    kernel by each channel's 255 * std makes it accept (RGB - mean) / std; as a ReLU network is
    positively homogeneous, dividing all biases and the first kernel by 255 * mean(std) then divides
    every feature by that. The two means differ by at most 0.5 of 255 and are treated as equal.
    """
    scale = np.float32(255 * STD.mean())
    first, bias = kernels[0]
    first = first[:, :, ::-1, :] * (255 * STD)[:, None] / scale
    rest = [(np.asarray(kernel), np.asarray(b) / scale) for kernel, b in kernels[1:]]
    return [(np.ascontiguousarray(first, np.float32), np.asarray(bias) / scale), *rest]


def _sizes() -> list[tuple[int, int]]:
    return list(zip([3, *_CHANNELS[:-1]], _CHANNELS, strict=True))


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]
