"""A model's graphs in int8: built in float32, calibrated, quantized by a recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from export import graphs
from export.calibration import Clip
from export.inspect_graph import check_operators
from export.quantize import quantize
from export.ranges import measure_ranges
from fomm_tf.config.base import BaseConfig
from fomm_tf.inference.model import BaseModel
from fomm_tf.layers.groups import Mode


def int8_graphs(
    model: BaseModel,
    config: BaseConfig,
    modes: Mapping[str, Mode],
    clips: list[Clip],
    advance: Callable[[], object],
) -> Iterator[tuple[str, bytes]]:
    """Yields the name and the content of each file, as `graphs.build_graphs`.

    modes: by layer group; the others stay float. `advance` is called for every frame of `clips`.
    Raises ModelError for a graph that the oldest supported runtime cannot run.
    """
    files = dict(graphs.build_graphs(model, config, "float32"))
    ranges = measure_ranges(files, config, clips, advance)
    for name in files:
        # What animating does not call has no ranges: it maps keypoints, which stay float anyway.
        content = quantize(files[name], modes, ranges[name]) if ranges[name] else files[name]
        check_operators(content, name)
        yield name, content
