"""The ranges of numbers inside float graphs, over pictures that they animate."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from tensorflow.lite.python import schema_py_generated as schema

from export.calibration import Clip
from export.layer_names import GROUPS, pattern
from fomm_tf.errors import ModelError
from fomm_tf.keypoints import Keypoints
from fomm_tf.manifest import GENERATOR, KEYPOINT_DETECTOR
from fomm_tf.motion_transfer import transfer_motion
from fomm_tf.quiet import stderr_shut
from fomm_tf.runtime import processors

Ranges = dict[str, tuple[float, float]]
"""Smallest and largest value of tensors, by name."""
_Runner = Callable[..., Mapping[str, np.ndarray]]


class _Tensors(NamedTuple):
    """Index and name of the tensors to watch, in the subgraph of a signature."""

    subgraph: int
    names: dict[int, str]


def measure_ranges(
    files: Mapping[str, bytes], clips: list[Clip], advance: Callable[[], object]
) -> dict[str, Ranges]:
    """Ranges of what the convolutions of float graphs take and give, by file.

    Each source is animated by the other pictures of its clip, and by the relative motion of the
    next clip. `advance` is called for every frame. Raises ModelError for a model whose numbers are
    not finite.
    """
    detector = _Watch(files[KEYPOINT_DETECTOR])
    generator = _Watch(files[GENERATOR])
    keypoints = []
    for clip in clips:
        keypoints.append([Keypoints(**detector("detect", picture=picture)) for picture in clip])
    for index, clip in enumerate(clips):
        encoded = generator("encode", picture=clip[0])
        others = keypoints[(index + 1) % len(clips)]
        for kp in _driving(keypoints[index], others):
            generator.animate(encoded, keypoints[index][0], kp)
            advance()
    for name, found in (detector.ranges | generator.ranges).items():
        if not np.isfinite(found).all():
            raise ModelError(f"the model gives numbers that are not finite, in {name}")
    return {KEYPOINT_DETECTOR: detector.ranges, GENERATOR: generator.ranges}


def _driving(own: list[Keypoints], others: list[Keypoints]) -> Iterator[Keypoints]:
    """As many as the clip has pictures, its own and transferred ones by turns."""
    for index, kp in enumerate(own):
        if index % 2 and index < len(others):
            # A Jacobian that cannot be inverted: the clip's own motion will do.
            with suppress(ModelError):
                kp = transfer_motion(own[0], others[index], others[0])
        yield kp


class _Watch:
    """Runs a graph and remembers the ranges."""

    def __init__(self, content: bytes):
        self.ranges: Ranges = {}
        self._tensors = _watched(content)
        # It tells of its delegate on stderr, and warns of the memory that keeping tensors takes.
        with stderr_shut(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._interpreter = Interpreter(
                model_content=content,
                num_threads=processors(),
                experimental_preserve_all_tensors=True,
            )
            self._interpreter.allocate_tensors()
            self._runners: dict[str, _Runner] = {
                name: self._interpreter.get_signature_runner(name) for name in self._tensors
            }

    def __call__(self, signature: str, **inputs: np.ndarray) -> Mapping[str, np.ndarray]:
        outputs = self._runners[signature](**inputs)
        subgraph, names = self._tensors[signature]
        for index, name in names.items():
            values = self._interpreter.get_tensor(index, subgraph)
            low, high = self.ranges.get(name, (np.inf, -np.inf))
            self.ranges[name] = min(low, float(values.min())), max(high, float(values.max()))
        return outputs

    def animate(
        self, encoded: Mapping[str, np.ndarray], source: Keypoints, driving: Keypoints
    ) -> None:
        """A frame, of keypoints that the model may have no use for."""
        inputs = dict(encoded)
        for role, kp in (("source", source), ("driving", driving)):
            inputs |= {f"kp_{role}_{key}": value for key, value in kp._asdict().items()}
        known = self._runners["animate"].get_input_details()  # type: ignore[attr-defined]
        self("animate", **{name: inputs[name] for name in known})


def _watched(content: bytes) -> dict[str, _Tensors]:
    """What the operators of all groups take and give, constants apart, by signature."""
    model = schema.Model.GetRootAs(content)
    ours = re.compile("|".join(map(pattern, GROUPS)))
    found = {}
    for i in range(model.SignatureDefsLength()):
        signature = model.SignatureDefs(i)
        graph = model.Subgraphs(signature.SubgraphIndex())
        names: dict[int, str] = {}
        for operation in map(graph.Operators, range(graph.OperatorsLength())):
            outputs = operation.OutputsAsNumpy()
            if ours.search(graph.Tensors(outputs[0]).Name().decode()):
                names |= dict(_activations(model, graph, [*operation.InputsAsNumpy(), *outputs]))
        found[signature.SignatureKey().decode()] = _Tensors(signature.SubgraphIndex(), names)
    return found


def _activations(
    model: schema.Model, graph: schema.SubGraph, indices: Iterable[int]
) -> Iterator[tuple[int, str]]:
    for index in map(int, indices):
        if index < 0:
            continue
        tensor = graph.Tensors(index)
        # Weights keep a range for each channel, which is no matter of calibration.
        if not model.Buffers(tensor.Buffer()).DataLength():
            yield index, tensor.Name().decode()
