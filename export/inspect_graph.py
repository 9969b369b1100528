"""The operators of a .tflite file, and whether the oldest supported runtime supports them."""

from __future__ import annotations

from typing import NamedTuple

from tensorflow.lite.python import schema_py_generated as schema

from fomm_tf.errors import ModelError

OLDEST_RUNTIME = "2.14.0"

# The newest version of each operator that tflite-runtime 2.14.0 loads, found by experiment. Only
# operators that models need are listed; variable operators in particular are not: they indicate
# weights missing from the file.
_KNOWN = {
    **{"ADD": 5, "AVERAGE_POOL_2D": 3, "BROADCAST_TO": 2, "CAST": 5},
    **{"CONCATENATION": 4, "CONV_2D": 7},
    **{"DEPTHWISE_CONV_2D": 7, "DEPTH_TO_SPACE": 2, "DEQUANTIZE": 5, "DIV": 2, "EQUAL": 4},
    **{"EXP": 2, "EXPAND_DIMS": 1, "FLOOR": 1, "FULLY_CONNECTED": 10, "GATHER": 6},
    **{"L2_NORMALIZATION": 2, "LOG": 1, "LOGISTIC": 3, "MAXIMUM": 4, "MAX_POOL_2D": 3},
    **{"MINIMUM": 4, "MUL": 7, "NEG": 1, "NOT_EQUAL": 3, "PACK": 4, "PAD": 4, "QUANTIZE": 3},
    **{"RELU": 3, "RESHAPE": 1, "RESIZE_BILINEAR": 4, "RESIZE_NEAREST_NEIGHBOR": 4, "RSQRT": 2},
    **{"SELECT_V2": 2, "SLICE": 6, "SOFTMAX": 3, "SPACE_TO_DEPTH": 2, "SQRT": 1, "SQUARE": 1},
    **{"SQUARED_DIFFERENCE": 2, "STRIDED_SLICE": 8, "SUB": 5, "SUM": 2, "TRANSPOSE": 6},
}  # fmt: skip
_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}


# It cannot slice or broadcast tensors with more dimensions.
_MOST_DIMENSIONS = 5


class Operator(NamedTuple):
    """One operation of a graph: its kind, and its input and output tensors."""

    name: str
    version: int
    inputs: list[int]
    outputs: list[int]


def operators(content: bytes) -> dict[str, list[Operator]]:
    """The operations of each subgraph, in order, by subgraph name; custom ones are named CUSTOM."""
    model = schema.Model.GetRootAs(content)
    kinds = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    # Codes up to 127 are in the older field.
    codes = [max(kind.BuiltinCode(), kind.DeprecatedBuiltinCode()) for kind in kinds]
    found = {}
    for i in range(model.SubgraphsLength()):
        graph = model.Subgraphs(i)
        operations = [graph.Operators(j) for j in range(graph.OperatorsLength())]
        found[graph.Name().decode()] = [
            Operator(
                _NAMES[codes[operation.OpcodeIndex()]],
                kinds[operation.OpcodeIndex()].Version(),
                operation.InputsAsNumpy().tolist(),
                operation.OutputsAsNumpy().tolist(),
            )
            for operation in operations
        ]
    return found


def check_operators(content: bytes, name: str) -> None:
    """Raises ModelError, naming the file, if tflite-runtime 2.14.0 cannot run it, or if weights are
    missing."""
    for operation in (operation for graph in operators(content).values() for operation in graph):
        kind = operation.name
        if kind not in _KNOWN:
            raise ModelError(f"{name} contains the unexpected operator {kind}")
        if operation.version > _KNOWN[kind]:
            raise ModelError(
                f"{name} contains the operator {kind} in version {operation.version}, which "
                f"TensorFlow Lite {OLDEST_RUNTIME} cannot run"
            )
    model = schema.Model.GetRootAs(content)
    for graph in map(model.Subgraphs, range(model.SubgraphsLength())):
        for tensor in map(graph.Tensors, range(graph.TensorsLength())):
            if tensor.ShapeLength() > _MOST_DIMENSIONS:
                raise ModelError(
                    f"{name} contains a tensor of {tensor.ShapeLength()} dimensions, which "
                    f"TensorFlow Lite {OLDEST_RUNTIME} cannot run"
                )
