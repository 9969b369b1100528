"""Quantizes float graphs to int8: weights per channel, activations by calibrated ranges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from ai_edge_quantizer import qtyping
from ai_edge_quantizer.algorithms.uniform_quantize import uniform_quantize_tensor
from ai_edge_quantizer.quantizer import Quantizer
from tensorflow.lite.python import schema_py_generated as schema

from export.inspect_graph import operators
from export.layer_names import pattern
from export.ranges import Ranges
from fomm_tf.layers.groups import Mode
from fomm_tf.quiet import suppress_stderr

_PICTURES = qtyping.TensorQuantizationConfig(num_bits=8, symmetric=False)
_WEIGHTS = qtyping.TensorQuantizationConfig(
    num_bits=8, symmetric=True, granularity=qtyping.QuantGranularity.CHANNELWISE
)
# "Integer" computation: inputs are not dequantized first.
_CONFIGS: dict[str, qtyping.OpQuantizationConfig] = {
    "static": qtyping.OpQuantizationConfig(_PICTURES, _WEIGHTS, qtyping.ComputePrecision.INTEGER),
    "dynamic": qtyping.OpQuantizationConfig(None, _WEIGHTS, qtyping.ComputePrecision.INTEGER),
}
_OPERATORS = {
    # Also the operators between convolutions: pooling, upsampling, sums, concatenation.
    "static": qtyping.TFLOperationName.ALL_SUPPORTED,
    "dynamic": qtyping.TFLOperationName.CONV_2D,
}
# The quantizer splits larger tensors itself, which fails for 4-D ones.
_LARGEST = 32 << 20


def quantize(content: bytes, modes: Mapping[str, Mode], ranges: Ranges) -> bytes:
    """Quantizes the layer groups in `modes` to int8; all else stays float.

    content: a float32 graph from `build_graphs`. ranges: from `measure_ranges`, for this file.
    Signatures, names and float32 inputs and outputs do not change.
    """
    quantizer = Quantizer(bytearray(content))
    for group, mode in modes.items():
        quantizer.update_quantization_recipe(pattern(group), _OPERATORS[mode], _CONFIGS[mode])
    calibration = {
        name: {"min": np.array([low], np.float32), "max": np.array([high], np.float32)}
        for name, (low, high) in ranges.items()
    }
    for name, bound in _least_weights(content, ranges):
        calibration[name] = {"min": -bound, "max": bound}
    # It prints its own progress bars.
    with suppress_stderr(), _large_weights():
        result = quantizer.quantize(calibration, enable_progress_report=False)
    return _with_outputs(bytearray(result.quantized_model))


def _with_outputs(content: bytearray) -> bytes:
    """The same graphs, with the outputs of their signatures.

    If a graph's output is also a layer's input, the quantizer makes the graph output its int8 copy
    instead of the float tensor that the signature names, which would be lost.
    """
    model = schema.Model.GetRootAs(content)
    for signature in map(model.SignatureDefs, range(model.SignatureDefsLength())):
        outputs = map(signature.Outputs, range(signature.OutputsLength()))
        # A view of `content`.
        given = model.Subgraphs(signature.SubgraphIndex()).OutputsAsNumpy()
        given[:] = [output.TensorIndex() for output in outputs]
    return bytes(content)


def _least_weights(content: bytes, ranges: Ranges) -> Iterator[tuple[str, np.ndarray]]:
    """Weights with channels close to zero, and the maximum to quantize each channel by.

    A bias is int32 with scale input scale * weight scale: with a tiny weight scale, an ordinary
    bias would overflow.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for graph, listed in zip(model.subgraphs, operators(content).values(), strict=True):
        for operation in listed:
            if operation.name != "CONV_2D":
                continue
            picture, kernel, bias = (graph.tensors[i] for i in operation.inputs)
            low, high = ranges.get(picture.name.decode(), (0.0, 0.0))
            step = (max(high, 0.0) - min(low, 0.0)) / 255
            if not step:
                continue
            weights, biases = (
                np.frombuffer(model.buffers[one.buffer].data, np.float32) for one in (kernel, bias)
            )
            largest = np.abs(weights.reshape(len(biases), -1)).max(axis=1)
            least = 127 * np.abs(biases) / (step * 2**30)
            if (largest < least).any():
                yield kernel.name.decode(), np.maximum(largest, least).reshape(-1, 1, 1, 1)


@contextmanager
def _large_weights() -> Iterator[None]:
    original = uniform_quantize_tensor.uniform_quantize
    uniform_quantize_tensor.uniform_quantize = _in_parts(original)
    try:
        yield
    finally:
        uniform_quantize_tensor.uniform_quantize = original


def _in_parts(quantize: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """Wraps `quantize` to process large weights a few channels at a time."""

    def call(
        values: np.ndarray, params: qtyping.UniformQuantParams, *rest: Any, **options: Any
    ) -> np.ndarray:
        axis, parts = params.quantized_dimension, -(-values.nbytes // _LARGEST)
        if parts == 1 or axis is None:
            return quantize(values, params, *rest, **options)
        split = [np.array_split(one, parts, axis) for one in (values, params.scale)]
        points = np.array_split(params.zero_point, parts, axis)
        return np.concatenate(
            [
                quantize(part, replace(params, scale=scale, zero_point=point), *rest, **options)
                for part, scale, point in zip(*split, points, strict=True)
            ],
            axis,
        )

    return call
