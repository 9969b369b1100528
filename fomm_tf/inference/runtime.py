"""Runs exported graphs: through ai-edge-litert, else tflite-runtime, else TensorFlow.

The first two need no TensorFlow; nothing else here does.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from threading import Lock
from typing import Any

import numpy as np

from fomm_tf.errors import ModelError
from fomm_tf.inference.manifest import Graph, Tensor
from fomm_tf.measure.machine import processors
from fomm_tf.quiet import suppress_stderr

_RUNTIMES = (
    "ai_edge_litert.interpreter",
    "tflite_runtime.interpreter",
    "tensorflow.lite.python.interpreter",
)

Runner = Callable[..., Mapping[str, np.ndarray]]
"""Runs one signature: takes and gives arrays by the names of its tensors. May be called by several
threads; a graph runs for one of them at a time."""


def runners_of(
    graph: Graph, content: bytes, minimum_version: str, threads: int | None
) -> dict[str, Runner]:
    """The runners of a graph by signature, on `threads` threads (None: all).

    Raises ModelError for a graph that does not run or is another than `graph` says;
    minimum_version: of TensorFlow Lite that it needs, for the message.
    """
    interpreter_type = interpreter_class()
    threads = min(threads or processors(), processors())
    try:
        # It tells of its delegate on stderr.
        with suppress_stderr():
            interpreter = interpreter_type(model_content=content, num_threads=threads)
            interpreter.allocate_tensors()
            names = interpreter.get_signature_list()
            runners = {name: interpreter.get_signature_runner(name) for name in names}
            found = {
                name: (_found(runner.get_input_details()), _found(runner.get_output_details()))
                for name, runner in runners.items()
            }
    except (ValueError, RuntimeError) as error:
        runtime = interpreter_type.__module__.partition(".")[0]
        raise ModelError(
            f"{graph.file} does not run: {' '.join(str(error).split())} (by {runtime}; needed is "
            f"TensorFlow Lite {minimum_version} or later, or LiteRT)"
        ) from error
    expected = {
        signature.name: (_expected(signature.inputs), _expected(signature.outputs))
        for signature in graph.signatures
    }
    if found != expected:
        raise ModelError(f"{graph.file} has not the signatures and tensors that the manifest says")
    # The signatures of a graph share one interpreter and its memory. An interpreter for each thread
    # would take as many copies of the weights, and the threads of all would be in each other's way.
    lock = Lock()
    return {name: partial(_locked, lock, runner) for name, runner in runners.items()}


def _locked(lock: Lock, runner: Runner, **inputs: np.ndarray) -> Mapping[str, np.ndarray]:
    with lock:
        return runner(**inputs)


def _expected(tensors: Iterable[Tensor]) -> dict[str, tuple]:
    return {item.name: (list(item.shape), list(item.shape), item.type) for item in tensors}


def _found(details: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple]:
    # A shape's signature says -1 where a length may change.
    return {
        name: (
            list(detail["shape"]),
            list(detail["shape_signature"]),
            np.dtype(detail["dtype"]).name,
        )
        for name, detail in details.items()
    }


def interpreter_class() -> Any:
    """`Interpreter` of the first runtime that is installed. Raises ModelError if none is."""
    for name in _RUNTIMES:
        try:
            with suppress_stderr():
                return importlib.import_module(name).Interpreter
        except ImportError:
            continue
    raise ModelError("an exported model needs a runtime: pip install ai-edge-litert")
