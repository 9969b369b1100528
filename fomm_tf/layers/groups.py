"""Layer groups, each quantized in one mode. No TensorFlow."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Mode = Literal["static", "dynamic", "float"]
"""How a convolution is computed in an int8 graph; weights are int8 per output channel.

static: input and output activations are int8, with calibrated ranges. dynamic: they are float32;
the input is quantized at run time by its own range. float: not quantized.
"""


class LayerGroup(NamedTuple):
    """Exported layers with weights, and their mode in each recipe.

    A layer nested in a layer of another group belongs to its own group. Some layers feed a sharp
    softmax or a weighted mean that yields coordinates: they are few and small, and with
    `quality="dynamic"` their outputs are not rounded (docs/quantization.md: cost of each group).
    """

    name: str
    layers: list[Any]
    quality: Mode = "static"
    fast: Mode = "static"
