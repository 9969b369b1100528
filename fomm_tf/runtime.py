"""Runs an exported model folder: through ai-edge-litert, else tflite-runtime, else TensorFlow.

The first two need no TensorFlow; nothing else here does.
"""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fomm_tf.errors import ModelError
from fomm_tf.keypoints import Keypoints
from fomm_tf.manifest import Graph, Manifest, Signature, Tensor, read_manifest
from fomm_tf.motion_transfer import transfer_motion
from fomm_tf.quiet import stderr_shut

_RUNTIMES = (
    "ai_edge_litert.interpreter",
    "tflite_runtime.interpreter",
    "tensorflow.lite.python.interpreter",
)


def load_exported(path: str | os.PathLike, threads: int | None = None) -> ExportedModel:
    """Loads a folder that `python -m export.convert` has written; `threads`: default all.

    Every file is checked against the manifest before it is run. Raises ModelError with one line.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    return ExportedModel(
        manifest, {graph.file: _checked(folder, graph) for graph in manifest.graphs}, threads
    )


class ExportedModel:
    """The `detect`, `encode`, `decode` and `transfer` of a Keras model, for one picture at a time.

    Pictures are float32 [1, H, W, C] in [0, 1], of the size that was exported.
    """

    def __init__(self, manifest: Manifest, files: Mapping[str, bytes], threads: int | None = None):
        self.manifest = manifest
        self.config = manifest.config
        self._signatures: dict[str, tuple[Signature, Any]] = {}
        for graph in manifest.graphs:
            for signature, runner in _runners(graph, files[graph.file], manifest, threads):
                self._signatures[signature.name] = signature, runner

    @property
    def frame_size(self) -> tuple[int, int]:
        """(height, width) that the model was exported for."""
        return self.manifest.size

    def detect(self, images: np.ndarray) -> Keypoints:
        """Keypoints of a picture: value [1, K, 2], jacobian [1, K, 2, 2] or None."""
        out = self._run("detect", {"picture": images})
        return Keypoints(out["value"], out.get("jacobian"))

    def encode(self, source: np.ndarray) -> dict[str, np.ndarray]:
        """What `decode` needs of a source picture; the same for all of its frames."""
        return self._run("encode", {"picture": source})

    def decode(
        self, encoded: Mapping[str, np.ndarray], kp_source: Keypoints, kp_driving: Keypoints
    ) -> np.ndarray:
        """The frame [1, H, W, C] in [0, 1] for an `encode`d source."""
        inputs = dict(encoded)
        for role, kp in (("source", kp_source), ("driving", kp_driving)):
            inputs |= {f"kp_{role}_value": kp.value, f"kp_{role}_jacobian": kp.jacobian}
        return self._run("animate", inputs)["frame"]

    # Keypoints take over a motion without a graph.
    transfer = staticmethod(transfer_motion)

    def _run(self, name: str, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
        signature, runner = self._signatures[name]
        return runner(**{tensor.name: _input(tensor, values) for tensor in signature.inputs})


def _input(tensor: Tensor, values: Mapping[str, Any]) -> np.ndarray:
    value = np.asarray(values.get(tensor.name))
    if value.dtype == object:
        raise ModelError(f"this model needs {tensor.name} {list(tensor.shape)}")
    if value.shape != tensor.shape:
        raise ModelError(f"{tensor.name} must be {list(tensor.shape)}, not {list(value.shape)}")
    if not np.issubdtype(value.dtype, np.floating):
        raise ModelError(f"{tensor.name} must be {tensor.type}, not {value.dtype}")
    return value.astype(tensor.type, copy=False)


def _checked(folder: Path, graph: Graph) -> bytes:
    path = folder / graph.file
    if not path.is_file():
        raise ModelError(f"{folder} is no whole exported model: it has no {graph.file}")
    if path.stat().st_size != graph.bytes:
        raise ModelError(f"{path} is damaged: it has not the size that the manifest says")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != graph.sha256:
        raise ModelError(f"{path} is damaged: it has not the checksum that the manifest says")
    return content


def _runners(
    graph: Graph, content: bytes, manifest: Manifest, threads: int | None
) -> list[tuple[Signature, Any]]:
    """The runner of every signature, once all of them are found to be as the manifest says."""
    interpreter_type = interpreter_class()
    threads = min(threads or processors(), processors())
    try:
        # It tells of its delegate on stderr.
        with stderr_shut():
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
            f"TensorFlow Lite {manifest.minimum_runtime_version} or later, or LiteRT)"
        ) from error
    expected = {
        signature.name: (_expected(signature.inputs), _expected(signature.outputs))
        for signature in graph.signatures
    }
    if found != expected:
        raise ModelError(f"{graph.file} has not the signatures and tensors that the manifest says")
    return [(signature, runners[signature.name]) for signature in graph.signatures]


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
            with stderr_shut():
                return importlib.import_module(name).Interpreter
        except ImportError:
            continue
    raise ModelError("an exported model needs a runtime: pip install ai-edge-litert")


def processors() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
