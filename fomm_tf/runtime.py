"""Runs an exported model folder: through ai-edge-litert, else tflite-runtime, else TensorFlow.

The first two need no TensorFlow; nothing else here does.
"""

from __future__ import annotations

import hashlib
import importlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from fomm_tf.errors import ModelError
from fomm_tf.kinds import kind_of
from fomm_tf.manifest import Graph, Manifest, Signature, Tensor, animates, read_manifest
from fomm_tf.moving import TakesOverMotion
from fomm_tf.quiet import stderr_shut

_RUNTIMES = (
    "ai_edge_litert.interpreter",
    "tflite_runtime.interpreter",
    "tensorflow.lite.python.interpreter",
)

Runner = Callable[..., Mapping[str, np.ndarray]]
"""Runs one signature: takes and gives arrays by the names of its tensors."""


def load_exported(path: str | os.PathLike, threads: int | None = None) -> ExportedModel:
    """Loads a folder that `python -m export.convert` has written; `threads`: default all.

    Every file is checked against the manifest before it is run. Raises ModelError with one line.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    files = {graph.file: _checked(folder, graph) for graph in manifest.graphs}
    return exported_model(manifest, files, threads)


def exported_model(
    manifest: Manifest, files: Mapping[str, bytes], threads: int | None = None
) -> ExportedModel:
    """The model of a manifest and of the graphs that it describes, by their names.

    Raises ModelError with one line for graphs that do not run or are others than it says.
    """
    runners: dict[str, Runner] = {}
    for graph in manifest.graphs:
        runners |= _runners(graph, files[graph.file], manifest, threads)
    return kind_of(manifest.config).exported_class(manifest, runners)


class ExportedModel(TakesOverMotion, ABC):
    """The `detect`, `encode`, `decode` and `transfer` of a Keras model, for one picture at a time.

    Pictures are float32 [1, H, W, C] in [0, 1], of the size that was exported.
    """

    DETECTED: ClassVar[type]
    """The NamedTuple that `detect` gives; its fields are the names of the graph's outputs."""

    def __init__(self, manifest: Manifest, runners: Mapping[str, Runner]):
        """runners: of every signature, by its name."""
        self.manifest = manifest
        self.config: Any = manifest.config
        self._signatures: dict[str, tuple[Signature, Runner]] = {
            signature.name: (signature, runners[signature.name])
            for graph in manifest.graphs
            for signature in graph.signatures
        }

    @staticmethod
    @abstractmethod
    def signatures(config: Any) -> dict[str, tuple[Signature, ...]]:
        """The signatures, by file, of the graphs of such a model."""

    @property
    def frame_size(self) -> tuple[int, int]:
        """(height, width) that the model was exported for."""
        return self.manifest.size

    @property
    def animates(self) -> bool:
        """Whether there are `encode` and `decode`, which else raise ModelError."""
        return animates(self.config)

    def detect(self, images: np.ndarray) -> Any:
        """What is in a picture, as the Keras model's `detect` gives it for a batch of one."""
        return self.DETECTED(**self._run("detect", {"picture": images}))

    def encode(self, source: np.ndarray) -> Mapping[str, np.ndarray]:
        """What `decode` needs of a source picture; the same for all of its frames."""
        return self._run("encode", {"picture": source})

    def decode(
        self, encoded: Mapping[str, np.ndarray], kp_source: Any, kp_driving: Any
    ) -> np.ndarray:
        """The frame [1, H, W, C] in [0, 1] for an `encode`d source."""
        inputs = dict(encoded)
        for role, kp in (("source", kp_source), ("driving", kp_driving)):
            inputs |= {f"kp_{role}_{name}": value for name, value in kp._asdict().items()}
        return self._run("animate", inputs)["frame"]

    def no_frames(self) -> ModelError:
        """What to raise where this model cannot `animate`."""
        return ModelError(
            f"{self.manifest.name}: the export of a {kind_of(self.config).name} only tells what is "
            "in a picture; it cannot animate"
        )

    def _run(self, name: str, values: Mapping[str, Any]) -> Mapping[str, np.ndarray]:
        if name not in self._signatures:
            raise self.no_frames()
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
) -> dict[str, Runner]:
    """The runners by signature, once all of them are found to be as the manifest says."""
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
    return runners


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
