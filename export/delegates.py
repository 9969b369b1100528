"""Which operators of a .tflite file XNNPACK runs, and which a GPU delegate does not support."""

from __future__ import annotations

import struct
from collections import Counter
from typing import Any, NamedTuple

from tensorflow.lite.python import schema_py_generated as schema

from export.inspect_graph import Operator, operators
from fomm_tf.inference.runtime import interpreter_class
from fomm_tf.quiet import suppress_stderr

# The GPU delegate's supported operators according to TensorFlow's documentation, with the maximum
# version where given (tensorflow/lite/g3doc/performance/gpu_advanced.md, "Supported ops"). QUANTIZE
# and DEQUANTIZE are not listed; they are part of float16 and quantized models, which it does run.
# Newer delegates support more than is documented, on some devices. The check inside TensorFlow 2.21
# (`tf.lite.experimental.Analyzer`) is no help: it reports any operator compatible, even TOPK_V2.
_GPU_VERSIONS = {"DEPTHWISE_CONV_2D": 2, "RESIZE_BILINEAR": 3}
_GPU = {
    *("ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "EXP"),
    *("FULLY_CONNECTED", "LOGISTIC", "LSTM", "MAX_POOL_2D", "MAXIMUM", "MINIMUM", "MUL", "PAD"),
    *("PRELU", "RELU", "RELU6", "RESHAPE", "RESIZE_BILINEAR", "SOFTMAX", "STRIDED_SLICE", "SUB"),
    *("TRANSPOSE_CONV", "QUANTIZE", "DEQUANTIZE"),
}
CONVOLUTIONS = {"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"}
# Field 2 of a model's table (schema.fbs), as a flatbuffers vtable offset.
_SUBGRAPHS = 4 + 2 * 2


class Placement(NamedTuple):
    """Operator counts of one signature, by kind.

    xnnpack: those delegated to XNNPACK, in `partitions` partitions; gpu_refused: those not listed
    in the GPU delegate's documentation.
    """

    operators: Counter[str]
    xnnpack: Counter[str]
    partitions: int
    gpu_refused: Counter[str]


def runtime_name() -> str:
    """The package that `fomm_tf.inference.runtime` runs graphs with here."""
    return interpreter_class().__module__.partition(".")[0]


def placements(content: bytes) -> dict[str, Placement]:
    """For each signature of a .tflite file, by name.

    Uses the XNNPACK of the runtime in `runtime_name`.
    """
    graphs = list(operators(content).values())
    model = schema.Model.GetRootAs(content)
    found = {}
    for i in range(model.SignatureDefsLength()):
        signature = model.SignatureDefs(i)
        index = signature.SubgraphIndex()
        taken, partitions = _taken_by_xnnpack(_with_first(content, index))
        refused = Counter(operation.name for operation in graphs[index] if not _on_gpu(operation))
        counts = Counter(operation.name for operation in graphs[index])
        found[signature.SignatureKey().decode()] = Placement(counts, taken, partitions, refused)
    return found


def _on_gpu(operation: Operator) -> bool:
    newest = _GPU_VERSIONS.get(operation.name, operation.version)
    return operation.name in _GPU and operation.version <= newest


def _taken_by_xnnpack(content: bytes) -> tuple[Counter[str], int]:
    """The operators of the first subgraph replaced by a runtime's default delegate, by kind."""
    with suppress_stderr():
        interpreter = interpreter_class()(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
    # The original operators stay listed, followed by the delegate nodes that replace some of them.
    details = interpreter._get_ops_details()
    delegates = [one for one in details if one["op_name"] == "DELEGATE"]
    makers = {
        tensor: one for one in details if one["op_name"] != "DELEGATE" for tensor in one["outputs"]
    }
    taken: dict[int, dict[str, Any]] = {}
    for delegate in delegates:
        # Backward from its outputs to its inputs.
        given, open_tensors = set(delegate["inputs"]), list(delegate["outputs"])
        while open_tensors:
            tensor = open_tensors.pop()
            maker = makers.get(tensor)
            if tensor not in given and maker is not None and maker["index"] not in taken:
                taken[maker["index"]] = maker
                open_tensors += list(maker["inputs"])
    return Counter(one["op_name"] for one in taken.values()), len(delegates)


def _with_first(content: bytes, index: int) -> bytes:
    """The file with subgraph `index` moved to the front: runtimes report only the first."""
    table = schema.Model.GetRootAs(content)._tab
    first = table.Vector(table.Offset(_SUBGRAPHS))
    places = (first, first + 4 * index)
    # Offsets are relative to their own position.
    targets = [place + struct.unpack_from("<I", content, place)[0] for place in places]
    swapped = bytearray(content)
    for place, target in zip(places, reversed(targets), strict=True):
        struct.pack_into("<I", swapped, place, target - place)
    return bytes(swapped)
