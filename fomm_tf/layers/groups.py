"""Groups of a model's layers that quantization treats alike. No TensorFlow."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Mode = Literal["static", "dynamic", "float"]
"""How a convolution computes in an int8 graph; its weights are in 8 bits for each output channel.

static: input and output activations are int8, their ranges known from calibration. dynamic: they
are float32, and the input is quantized by the range it has in each picture. float: not quantized.
"""


class LayerGroup(NamedTuple):
    """Layers with weights that are exported, and their mode in either recipe.

    A layer inside one of another group belongs to its own. Coordinates follow from some layers by a
    sharp softmax or a weighted mean: those are few and thin, and with `quality="dynamic"` their
    outputs are not rounded (docs/quantization.md has what each group costs).
    """

    name: str
    layers: list[Any]
    quality: Mode = "static"
    fast: Mode = "static"
