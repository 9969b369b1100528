"""Runs exported graphs with ai-edge-litert, else tflite-runtime, else TensorFlow.

Only the last imports TensorFlow.
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
"""Runs one signature: accepts and returns arrays by tensor name. Thread-safe; a graph runs for one
thread at a time."""


def runners_of(
    graph: Graph, content: bytes, minimum_version: str, threads: int | None
) -> dict[str, Runner]:
    """The runners of a graph by signature, on `threads` threads (None: all).

    Raises ModelError for a graph that does not run or does not match `graph`; minimum_version: the
    TensorFlow Lite version that it needs, for the message.
    """
    interpreter_type = interpreter_class()
    threads = min(threads or processors(), processors())
    try:
        # It logs its delegate on stderr.
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
            f"{graph.file} does not run: {' '.join(str(error).split())} (by {runtime}; it needs "
            f"TensorFlow Lite {minimum_version} or later, or LiteRT)"
        ) from error
    expected = {
        signature.name: (_expected(signature.inputs), _expected(signature.outputs))
        for signature in graph.signatures
    }
    if found != expected:
        raise ModelError(f"{graph.file}: signatures and tensors differ from the manifest's")
    # The signatures of a graph share one interpreter and its memory. An interpreter per caller
    # would copy the weights each time, and all their threads would compete for the processor.
    lock = Lock()
    return {name: partial(_locked, lock, runner) for name, runner in runners.items()}


def _locked(lock: Lock, runner: Runner, **inputs: np.ndarray) -> Mapping[str, np.ndarray]:
    with lock:
        return runner(**inputs)


def _expected(tensors: Iterable[Tensor]) -> dict[str, tuple]:
    return {item.name: (list(item.shape), list(item.shape), item.type) for item in tensors}


def _found(details: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple]:
    # A shape signature has -1 for dynamic dimensions.
    return {
        name: (
            list(detail["shape"]),
            list(detail["shape_signature"]),
            np.dtype(detail["dtype"]).name,
        )
        for name, detail in details.items()
    }


def interpreter_class() -> Any:
    """`Interpreter` of the first installed runtime. Raises ModelError if there is none."""
    for name in _RUNTIMES:
        try:
            with suppress_stderr():
                return importlib.import_module(name).Interpreter
        except ImportError:
            continue
    raise ModelError("an exported model needs a runtime: pip install ai-edge-litert")
