"""Runs exported graphs with LiteRT's newer API, `CompiledModel`, if the runtime has it.

It binds its own buffers to inputs and outputs, where the classic interpreter copies; the outputs of
both must agree.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from export.clips import Clip
from export.thresholds import COMPILED_PSNR, Check
from fomm_tf.inference.exported import ExportedModel
from fomm_tf.inference.manifest import Signature
from fomm_tf.inference.runtime import Runner
from fomm_tf.measure.tally import Tally
from fomm_tf.media.pictures import to_float
from fomm_tf.quiet import suppress_stderr

_MODULE = "ai_edge_litert.compiled_model"


def check_compiled(folder: Path, exported: ExportedModel, clip: Clip) -> Iterator[Check]:
    """Compares every signature's outputs by `CompiledModel` and by the classic interpreter on the
    beginning of a clip; yields nothing without `CompiledModel`.

    exported: the folder, loaded.
    """
    compiled = compiled_model(folder, exported)
    if compiled is None:
        return
    source, driving = (to_float(one)[None] for one in (clip.source, next(iter(clip.driving))))
    kp_source, kp_driving = (exported.detect(picture) for picture in (source, driving))
    given = {f"detect {n}": v for n, v in kp_source._asdict().items() if v is not None}
    found = compiled.detect(source)._asdict()
    pairs = {name: (value, found[name.split()[1]]) for name, value in given.items()}
    if exported.animates:
        encoded, by_compiled = exported.encode(source), compiled.encode(source)
        pairs |= {f"encode {name}": (encoded[name], by_compiled[name]) for name in encoded}
        frame = exported.decode(encoded, kp_source, kp_driving)
        pairs["animate frame"] = frame, compiled.decode(encoded, kp_source, kp_driving)
    # It logs its accelerators on destruction, too.
    with suppress_stderr():
        del compiled
    for name, (expected, value) in pairs.items():
        tally = Tally()
        tally.add(expected, value)
        text = f"{name} by CompiledModel is at {tally.psnr:.1f} dB against the interpreter's"
        yield Check(tally.psnr >= COMPILED_PSNR, f"{text}, at least {COMPILED_PSNR}")


def compiled_model(folder: Path, exported: ExportedModel) -> ExportedModel | None:
    """The model of an exported folder, run by `CompiledModel`; None if it is not available.

    exported: the same folder, loaded.
    """
    if importlib.util.find_spec(_MODULE.partition(".")[0]) is None:
        return None
    runners: dict[str, Runner] = {}
    # It logs its accelerators on stderr.
    with suppress_stderr():
        try:
            compiled_class = importlib.import_module(_MODULE).CompiledModel
        except ImportError:
            return None
        for graph in exported.manifest.graphs:
            model = compiled_class.from_file(str(folder / graph.file))
            for signature in graph.signatures:
                runners[signature.name] = partial(_run, model, signature)
    return type(exported)(exported.manifest, runners)


def _run(model: Any, signature: Signature, **inputs: np.ndarray) -> Mapping[str, np.ndarray]:
    taken, given = (
        {one.name: create(signature.name, one.name) for one in tensors}
        for create, tensors in (
            (model.create_input_buffer_by_name, signature.inputs),
            (model.create_output_buffer_by_name, signature.outputs),
        )
    )
    for name, buffer in taken.items():
        buffer.write(np.ascontiguousarray(inputs[name], np.float32))
    model.run_by_name(signature.name, taken, given)
    return {
        one.name: given[one.name].read(int(np.prod(one.shape)), np.float32).reshape(one.shape)
        for one in signature.outputs
    }
