"""Calibration: activation ranges inside float graphs over sample images."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from tensorflow.lite.python import schema_py_generated as schema

from export.calibration import Clip
from export.layer_names import ANY_GROUP, pattern
from export.manifest import describe
from fomm_tf.config.base import BaseConfig
from fomm_tf.errors import ModelError
from fomm_tf.inference.exported import ExportedModel
from fomm_tf.inference.runtime import Runner
from fomm_tf.measure.machine import processors
from fomm_tf.quiet import suppress_stderr
from fomm_tf.registry import kind_of

Ranges = dict[str, tuple[float, float]]
"""Minimum and maximum of tensors, by name."""


class _Tensors(NamedTuple):
    """Index and name of the tensors to watch, in the subgraph of a signature."""

    subgraph: int
    names: dict[int, str]


def measure_ranges(
    files: Mapping[str, bytes],
    config: BaseConfig,
    clips: list[Clip],
    advance: Callable[[], object],
) -> dict[str, Ranges]:
    """Ranges of the inputs and outputs of float graphs' convolutions, by file.

    Each source is animated by the other images of its clip, and by the relative motion of the next
    clip; a model without frame generation runs on all images. `advance` is called for every frame.
    Raises ModelError if activations are NaN or infinite.
    """
    watches = {name: _Watch(content) for name, content in files.items()}
    runners: dict[str, Runner] = {}
    for watch in watches.values():
        runners |= watch.runners
    manifest = describe(files, config, "float32", "", None)
    model = kind_of(config).exported()(manifest, runners)
    keypoints = [[model.detect(picture) for picture in clip] for clip in clips]
    for index, clip in enumerate(clips):
        own, others = keypoints[index], keypoints[(index + 1) % len(clips)]
        encoded = model.encode(clip[0]) if model.animates else None
        for kp in _driving(model, own, others):
            if encoded is not None:
                model.decode(encoded, own[0], kp)
            advance()
    for name, found in (item for watch in watches.values() for item in watch.ranges.items()):
        if not np.isfinite(found).all():
            raise ModelError(f"the model produces NaN or infinite values in {name}")
    return {name: watch.ranges for name, watch in watches.items()}


def _driving(model: ExportedModel, own: list[Any], others: list[Any]) -> Iterator[Any]:
    """As many as the clip has images, alternating its own and transferred ones."""
    for index, kp in enumerate(own):
        if index % 2 and index < len(others):
            # A singular Jacobian: use the clip's own motion.
            with suppress(ModelError):
                kp = model.transfer(own[0], others[index], others[0], model.default_motion)
        yield kp


class _Watch:
    """Runs a graph and records the ranges."""

    def __init__(self, content: bytes):
        self.ranges: Ranges = {}
        self._tensors = _watched(content)
        # It logs its delegate on stderr, and warns of the memory for keeping tensors.
        with suppress_stderr(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._interpreter = Interpreter(
                model_content=content,
                num_threads=processors(),
                experimental_preserve_all_tensors=True,
            )
            self._interpreter.allocate_tensors()
            self.runners: dict[str, Runner] = {
                name: partial(self._run, name, self._interpreter.get_signature_runner(name))
                for name in self._tensors
            }

    def _run(
        self, signature: str, runner: Runner, **inputs: np.ndarray
    ) -> Mapping[str, np.ndarray]:
        outputs = runner(**inputs)
        subgraph, names = self._tensors[signature]
        for index, name in names.items():
            values = self._interpreter.get_tensor(index, subgraph)
            low, high = self.ranges.get(name, (np.inf, -np.inf))
            self.ranges[name] = min(low, float(values.min())), max(high, float(values.max()))
        return outputs


def _watched(content: bytes) -> dict[str, _Tensors]:
    """Input and output tensors of all groups' operators, without constants, by signature."""
    model = schema.Model.GetRootAs(content)
    ours = re.compile(pattern(ANY_GROUP))
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
        # Weights have per-channel ranges, independent of calibration.
        if not model.Buffers(tensor.Buffer()).DataLength():
            yield index, tensor.Name().decode()
