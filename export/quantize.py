"""Float graphs in int8: weights for each channel, and what passes between layers by its range."""

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
# "Integer" computing: nothing is turned back to floats first.
_CONFIGS: dict[str, qtyping.OpQuantizationConfig] = {
    "static": qtyping.OpQuantizationConfig(_PICTURES, _WEIGHTS, qtyping.ComputePrecision.INTEGER),
    "dynamic": qtyping.OpQuantizationConfig(None, _WEIGHTS, qtyping.ComputePrecision.INTEGER),
}
_OPERATORS = {
    # Also what stands between convolutions: pooling, upsampling, sums, concatenation.
    "static": qtyping.TFLOperationName.ALL_SUPPORTED,
    "dynamic": qtyping.TFLOperationName.CONV_2D,
}
# Larger tensors the quantizer takes apart itself, which fails for those of four dimensions.
_LARGEST = 32 << 20


def quantize(content: bytes, modes: Mapping[str, Mode], ranges: Ranges) -> bytes:
    """The graph with the layer groups in `modes` in int8; all else stays float.

    content: a float32 graph of `build_graphs`. ranges: of `measure_ranges`, for this file.
    Signatures, names and float32 inputs and outputs stay as they are.
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
    # It draws progress bars of its own.
    with suppress_stderr(), _large_weights():
        result = quantizer.quantize(calibration, enable_progress_report=False)
    return _with_outputs(bytearray(result.quantized_model))


def _with_outputs(content: bytearray) -> bytes:
    """The same graphs, each giving what its signature says.

    Of what is given and taken by a layer as well, the quantizer lets the graph give the copy in 8
    bits, which is not what the signature names: that would be lost.
    """
    model = schema.Model.GetRootAs(content)
    for signature in map(model.SignatureDefs, range(model.SignatureDefsLength())):
        outputs = map(signature.Outputs, range(signature.OutputsLength()))
        # A view of `content`.
        given = model.Subgraphs(signature.SubgraphIndex()).OutputsAsNumpy()
        given[:] = [output.TensorIndex() for output in outputs]
    return bytes(content)


def _least_weights(content: bytes, ranges: Ranges) -> Iterator[tuple[str, np.ndarray]]:
    """Weights of which some channels are next to nothing, and what to take for their largest.

    A bias has 32 bits, in steps of the input's step times the weights' step: of weights so small a
    bias that is not would overflow.
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
    """The same for large weights, by some channels at a time."""

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
