"""Quality cost and savings of int8 per layer group of a model, one group at a time."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from tqdm import tqdm

from export.calibration import Clip, drawn_clips, read_calibration, read_clips
from export.clips import check_animates
from export.graphs import build_graphs
from export.manifest import describe
from export.preconditions import check_quantizer
from export.recipes import recipe_modes
from fomm_tf.config.base import BaseConfig
from fomm_tf.inference.loading import exported_model, load_model
from fomm_tf.inference.manifest import Recipe
from fomm_tf.layers.groups import Mode
from fomm_tf.measure.metrics import reconstruct
from fomm_tf.measure.tally import Tally

# Test clips, with a seed not used for calibration and comparison.
_SEED = 6
_CLIPS, _FRAMES = 5, 20


@dataclass(frozen=True)
class Row:
    """Cost and savings of one choice of int8 layers against float32.

    psnr in dB; l1_change relative; ms_saved per frame, of `ms` for float32; mb_saved of the two
    files.
    """

    layers: str
    mode: str
    psnr: float
    l1_change: float
    ms_saved: float
    ms: float
    mb_saved: float


def study(
    folder: Path,
    calibration: Path | None = None,
    test: Path | None = None,
    threads: int | None = None,
) -> list[Row]:
    """Measures every layer group of the model in `folder`, and the recipes.

    calibration, test: as `export.convert --calibration`; default: drawn faces, of different people.
    Raises ModelError or DataError with one line for unreadable input.
    """
    check_quantizer()
    # Not at the top: it needs ai-edge-quantizer.
    from export.quantize import quantize
    from export.ranges import measure_ranges

    with tqdm(desc="loading", unit="frame", disable=None, leave=False) as bar:
        model = load_model(folder)
        check_animates(model.config, folder)
        clips = read_calibration(calibration, model.config).clips
        if test is None:
            tests = drawn_clips(model.config, _SEED, _CLIPS, _FRAMES)
        else:
            tests = read_clips(test, model.config, _CLIPS, _FRAMES)
        bar.set_description("converting")
        variants = list(_variants(model))
        files = dict(build_graphs(model, model.config, "float32"))
        bar.reset(sum(map(len, clips)) + len(variants) * sum(map(len, tests)))
        bar.set_description("calibrating")
        ranges = measure_ranges(files, model.config, clips, bar.update)
        rows = []
        for name, mode, modes in variants:
            bar.set_description(f"{name}, {mode}")
            quantized = {name: quantize(one, modes, ranges[name]) for name, one in files.items()}
            pair = [_runnable(one, model.config, threads) for one in (files, quantized)]
            rows.append(_row(name, mode, pair, tests, _saved(files, quantized), bar.update))
    return rows


def markdown(rows: list[Row]) -> str:
    """The table, the float32 graphs' time below it."""
    lines = [
        "| layers | int8 | PSNR, dB | L1 | ms saved | MB saved |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        lines.append(
            f"| {row.layers} | {row.mode} | {row.psnr:.1f} | {row.l1_change:+.2%} "
            f"| {row.ms_saved:.2f} | {row.mb_saved:.2f} |"
        )
    lines += ["", f"A frame in float32: {statistics.median(row.ms for row in rows):.1f} ms."]
    return "\n".join(lines) + "\n"


def _variants(model: Any) -> Iterator[tuple[str, str, Mapping[str, Mode]]]:
    modes: tuple[Mode, ...] = ("static", "dynamic")
    for group in model.layer_groups():
        for mode in modes:
            yield group.name, mode, {group.name: mode}
    for recipe in get_args(Recipe):
        yield "all", f"recipe {recipe}", recipe_modes(model, recipe)


def _runnable(files: Mapping[str, bytes], config: BaseConfig, threads: int | None) -> Any:

    return exported_model(describe(files, config, "float32", "", None), files, threads)


def _row(
    name: str,
    mode: str,
    pair: list[Any],
    clips: list[Clip],
    mb_saved: float,
    advance: Callable[[], object],
) -> Row:

    milliseconds: tuple[list[float], list[float]] = [], []
    difference, true_float, true_int8 = (Tally(peak=1) for _ in range(3))
    for clip in clips:
        frames = [picture[0] for picture in clip]
        for one, other in zip(*(reconstruct(model, frames) for model in pair), strict=True):
            difference.add(one.prediction, other.prediction)
            true_float.add(one.driving, one.prediction)
            true_int8.add(other.driving, other.prediction)
            for times, step in zip(milliseconds, (one, other), strict=True):
                times.append(1000 * step.seconds)
            advance()
    before, after = (statistics.quantiles(times, n=10)[0] for times in milliseconds)
    l1_change = true_int8.mean / true_float.mean - 1
    return Row(name, mode, difference.psnr, l1_change, before - after, before, mb_saved)


def _saved(files: Mapping[str, bytes], quantized: Mapping[str, bytes]) -> float:
    return sum(len(files[name]) - len(quantized[name]) for name in files) / 1e6
