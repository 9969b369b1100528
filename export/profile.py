"""Times the operators of a graph one by one, each as a graph of its own.

No runtime tells it from Python. Alone an operator finds its inputs in the cache and is never fused
with its neighbours, so the sum is not exactly the whole graph's time: it says where the time goes.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from export.thresholds import precision_of
from fomm_tf.inference.loading import read_manifest
from fomm_tf.inference.runtime import interpreter_class
from fomm_tf.quiet import suppress_stderr

SECONDS = 0.03
"""An operator is repeated for this long."""

_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}


class OperatorTime(NamedTuple):
    """One operator: its kind, its output's shape, and its milliseconds per call."""

    kind: str
    shape: tuple[int, ...]
    ms: float


def profile_graph(content: bytes, signature: str, threads: int) -> list[OperatorTime]:
    """The operators of a signature's graph in a .tflite file, the slowest first."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    index = next(
        one.subgraphIndex for one in model.signatureDefs if one.signatureKey.decode() == signature
    )
    graph = model.subgraphs[index]
    rng = np.random.default_rng(0)
    times = []
    for operators in _timed_operators(model, graph):
        kind = model.operatorCodes[operators[-1].opcodeIndex]
        name = _NAMES[max(kind.builtinCode, kind.deprecatedBuiltinCode)]
        shape = tuple(int(side) for side in graph.tensors[operators[-1].outputs[0]].shape)
        times.append(OperatorTime(name, shape, _ms(_alone(model, graph, operators), threads, rng)))
    return sorted(times, key=lambda one: -one.ms)


def _timed_operators(model: Any, graph: Any) -> Iterator[list[Any]]:
    """Each operator, after those that only prepare its constants, as the weights of float16."""
    prepared: dict[int, list[Any]] = {}
    for operator in graph.operators:
        inputs = [int(tensor) for tensor in operator.inputs if tensor >= 0]
        before = [one for tensor in inputs for one in prepared.get(tensor, [])]
        if all(_is_constant(model, graph.tensors[i]) or i in prepared for i in inputs):
            prepared |= {int(output): [*before, operator] for output in operator.outputs}
        else:
            yield [*before, operator]


def _is_constant(model: Any, tensor: Any) -> bool:
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def _alone(model: Any, graph: Any, operators: list[Any]) -> bytes:
    """A .tflite file of these operators only: what is neither constant nor theirs is an input."""
    used = [int(t) for one in operators for t in (*one.inputs, *one.outputs) if t >= 0]
    number = {tensor: new for new, tensor in enumerate(dict.fromkeys(used))}
    tensors, buffers = [], [schema.BufferT()]
    for old in number:
        tensor = copy.copy(graph.tensors[old])
        if _is_constant(model, tensor):
            buffers.append(model.buffers[tensor.buffer])
        tensor.buffer = len(buffers) - 1 if _is_constant(model, tensor) else 0
        tensors.append(tensor)
    made = {int(output) for one in operators for output in one.outputs}
    small = schema.SubGraphT()
    small.tensors, small.operators = tensors, [_renumbered(one, number) for one in operators]
    small.inputs = [
        new
        for old, new in number.items()
        if old not in made and not _is_constant(model, graph.tensors[old])
    ]
    small.outputs = [number[int(output)] for output in operators[-1].outputs]
    whole = schema.ModelT()
    whole.version, whole.operatorCodes = model.version, model.operatorCodes
    whole.subgraphs, whole.buffers = [small], buffers
    builder = flatbuffers.Builder()
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _renumbered(operator: Any, number: dict[int, int]) -> Any:
    operator = copy.copy(operator)
    operator.inputs = [number.get(int(tensor), -1) for tensor in operator.inputs]
    operator.outputs = [number[int(tensor)] for tensor in operator.outputs]
    return operator


def _ms(content: bytes, threads: int, rng: np.random.Generator) -> float:
    with suppress_stderr():
        interpreter = interpreter_class()(model_content=content, num_threads=threads)
        interpreter.allocate_tensors()
    details = interpreter.get_input_details()
    # Positions in a table must be rows of it.
    rows = min((int(one["shape"][0]) for one in details if len(one["shape"])), default=1)
    for one in details:
        interpreter.set_tensor(one["index"], _values(one, rows, rng))
    interpreter.invoke()
    calls, started, elapsed = 0, time.perf_counter(), 0.0
    while elapsed < SECONDS:
        interpreter.invoke()
        calls += 1
        elapsed = time.perf_counter() - started
    return 1000 * elapsed / calls


def _values(detail: dict[str, Any], rows: int, rng: np.random.Generator) -> np.ndarray:
    shape, kind = tuple(detail["shape"]), np.dtype(detail["dtype"])
    if kind.kind == "i" and kind.itemsize >= 4:
        return rng.integers(0, max(rows, 1), shape).astype(kind)
    if kind.kind in "ib":
        return rng.integers(0, 2 if kind.kind == "b" else 100, shape).astype(kind)
    return rng.random(shape).astype(kind)


def profile_folders(folders: Iterable[Path], threads: int) -> list[str]:
    """The tables of what a frame costs, `detect` and `animate`, in some exported folders."""
    lines = []
    for folder in folders:
        manifest = read_manifest(folder)
        for graph in manifest.graphs:
            content = (folder / graph.file).read_bytes()
            for signature in (one.name for one in graph.signatures if one.name != "encode"):
                lines += ["", f"`{signature}`, {precision_of(manifest)}, {threads} threads:", ""]
                lines += profile_table(profile_graph(content, signature, threads))
    return lines


def profile_table(times: list[OperatorTime], rows: int = 10) -> list[str]:
    """The costliest operators in Markdown, with their share of all."""
    total = math.fsum(one.ms for one in times)
    lines = ["| operator | output | ms | of all |", "|---|---|---:|---:|"]
    for one in times[:rows]:
        shape = " x ".join(map(str, one.shape))
        lines.append(f"| {one.kind} | {shape} | {one.ms:.2f} | {one.ms / total:.0%} |")
    return [*lines, f"| all {len(times)} | | {total:.2f} | |"]
