"""Counts the products (multiply-accumulate operations) of the convolutions of .tflite files."""

from __future__ import annotations

import math

from tensorflow.lite.python import schema_py_generated as schema

from export.inspect_graph import Operator, operators

# Of a convolution's kernel, in TFLite's layouts [out, h, w, in / groups] and [1, h, w, out]: the
# products of one output number.
_TAPS = {
    "CONV_2D": lambda kernel: math.prod(kernel[1:]),
    "DEPTHWISE_CONV_2D": lambda kernel: kernel[1] * kernel[2],
}


def products(content: bytes) -> dict[str, int]:
    """The products of each subgraph's convolutions, by subgraph name; all else needs few."""
    model = schema.Model.GetRootAs(content)
    graphs = [model.Subgraphs(i) for i in range(model.SubgraphsLength())]
    return {
        name: sum(_products(one, graph) for one in operations if one.name in _TAPS)
        for graph, (name, operations) in zip(graphs, operators(content).items(), strict=True)
    }


def _products(operation: Operator, graph: schema.SubGraph) -> int:
    output, kernel = (
        graph.Tensors(tensor).ShapeAsNumpy().tolist()
        for tensor in (operation.outputs[0], operation.inputs[1])
    )
    return math.prod(output) * _TAPS[operation.name](kernel)
