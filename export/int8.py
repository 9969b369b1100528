"""A model's graphs in int8: built in float32, calibrated, quantized by a recipe."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from export import graphs
from export.calibration import (
    CLIPS,
    SEED,
    Clip,
    drawn_clips,
    fits_drawn_faces,
    read_clips,
)
from export.inspect_graph import check_operators
from export.layer_names import Group
from export.recipes import Mode
from fomm_tf.base_model import BaseModel
from fomm_tf.config import BaseConfig
from fomm_tf.errors import ModelError


class Calibration(NamedTuple):
    """clips: to calibrate with. held_out: one more, of the same kind, to compare on, and what it is
    called; None for drawn faces, of which there are others to compare on."""

    clips: list[Clip]
    held_out: tuple[Clip, str] | None


def read_calibration(path: Path | None, config: BaseConfig) -> Calibration:
    """Frames of a video, a folder of videos or a folder of pictures; of drawn faces for None.

    Says on stderr if those were not what the model was trained on. Raises DataError with one line
    for what cannot be read and for too few frames.
    """
    if path is None:
        if not fits_drawn_faces(config):
            print(
                "warning: int8 without --calibration takes drawn faces, which this model was not "
                "trained on; give a video of what it is made for",
                file=sys.stderr,
            )
        return Calibration(drawn_clips(config, SEED, CLIPS), None)
    clips = read_clips(path, config, CLIPS + 1)
    return Calibration(clips[:-1], (clips[-1], f"frames of {path.name} not calibrated with"))


def int8_graphs(
    model: BaseModel,
    config: BaseConfig,
    modes: Mapping[Group, Mode],
    clips: list[Clip],
    advance: Callable[[], object],
) -> Iterator[tuple[str, bytes]]:
    """Yields the name and the content of each file, as `graphs.build_graphs`.

    modes: of the layer groups; the others stay float. `advance` is called for every frame of
    `clips`. Raises ModelError for a graph that the oldest supported runtime could not run.
    """
    from export.quantize import quantize
    from export.ranges import measure_ranges

    files = dict(graphs.build_graphs(model, config, "float32"))
    ranges = measure_ranges(files, config, clips, advance)
    for name in files:
        content = quantize(files[name], modes, ranges[name])
        check_operators(content, name)
        yield name, content


def check_quantizer() -> None:
    """Raises ModelError if the package that quantizes is not installed."""
    if importlib.util.find_spec("ai_edge_quantizer") is None:
        raise ModelError("int8 needs a package more: pip install 'ai-edge-quantizer~=0.10.0'")
