"""Fully connected layers."""

from __future__ import annotations

import math

import keras


def linear(inputs: int, outputs: int) -> keras.layers.Dense:
    """A built layer with PyTorch's default initialisation: uniform in +-1/sqrt(inputs)."""
    bound = 1 / math.sqrt(inputs)
    uniform = keras.initializers.RandomUniform(-bound, bound)
    layer = keras.layers.Dense(
        outputs, kernel_initializer=uniform, bias_initializer=uniform.clone()
    )
    layer.build((None, inputs))
    return layer
