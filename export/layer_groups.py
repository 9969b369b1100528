"""Measures what int8 costs and saves in each layer group of a model, one group at a time."""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from fomm_tf.command_line import command_parser, positive
from fomm_tf.errors import DataError, run_command
from fomm_tf.files import replacing
from fomm_tf.quiet import import_tensorflow

if TYPE_CHECKING:
    from export.calibration import Clip
    from export.layer_names import Group
    from export.recipes import Mode
    from fomm_tf.config import BaseConfig

DETAILS = """\
Each clip is reconstructed from its first picture, by float32 graphs and by graphs in which one
layer group alone is in int8: static (what it takes and gives is rounded) or dynamic (only its
weights, and for itself what it takes). Then all together, by the two recipes of export.convert.

  PSNR      of the pictures against those of the float32 graphs, over all clips, in dB
  L1        how the reconstruction's L1 against the true pictures changes
  ms saved  per frame, keypoints and picture, by calls that alternate with the float32 graphs'. Of
            each the time that nine in ten frames exceed, which other work on the machine disturbs
            least. The groups first and down run once for each source and save nothing here.
  MB saved  of the two files

In --out: layer_groups.md and layer_groups.json.

examples:
  python -m export.layer_groups --model models/cartoon-faces --out study
  python -m export.layer_groups --model models/vox-256 --calibration data/vox/train \\
      --test data/vox/test --out study
"""
# Clips to test on: of another seed than calibration and comparison take.
_SEED = 6
_CLIPS, _FRAMES = 5, 20


@dataclass(frozen=True)
class Row:
    """What one choice of layers in int8 costs and saves against float32.

    psnr in dB; l1_change as a part; ms_saved per frame, of `ms` that float32 takes; mb_saved of the
    two files.
    """

    layers: str
    mode: str
    psnr: float
    l1_change: float
    ms_saved: float
    ms: float
    mb_saved: float


def main(argv: list[str] | None = None) -> None:
    """Parses the command line and does what it says. Raises UserError for what is wrong with it."""
    args = _parse(argv)
    rows = study(args.model, args.calibration, args.test, args.threads)
    table = markdown(rows)
    data = {"model": str(args.model), "rows": [asdict(row) for row in rows]}
    _write(args.out / "layer_groups.md", table)
    _write(args.out / "layer_groups.json", json.dumps(data, indent=1) + "\n")
    print(table)
    print(f"the table: {args.out / 'layer_groups.md'}, {args.out / 'layer_groups.json'}")


def study(
    folder: Path,
    calibration: Path | None = None,
    test: Path | None = None,
    threads: int | None = None,
) -> list[Row]:
    """Measures every layer group of the model in `folder`, and the recipes.

    calibration, test: as `export.convert --calibration`; default: drawn faces, of different people.
    Raises ModelError or DataError with one line for what cannot be loaded or read.
    """
    with tqdm(desc="loading", unit="frame", disable=None, leave=False) as bar:
        import_tensorflow()
        from export.calibration import drawn_clips, read_clips
        from export.clips import check_animates
        from export.graphs import build_graphs
        from export.int8 import check_quantizer, read_calibration
        from export.ranges import measure_ranges
        from fomm_tf.model import load_model

        check_quantizer()
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
            quantized = _quantized(files, modes, ranges)
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


def _variants(model: Any) -> Iterator[tuple[str, str, Mapping[Group, Mode]]]:
    from export.layer_names import layers_of
    from export.recipes import RECIPES

    modes: tuple[Mode, ...] = ("static", "dynamic")
    for group in layers_of(model):
        for mode in modes:
            yield group, mode, {group: mode}
    for name, recipe in RECIPES.items():
        yield "all", f"recipe {name}", recipe


def _quantized(
    files: Mapping[str, bytes], modes: Mapping[Group, Mode], ranges: Mapping[str, Any]
) -> dict[str, bytes]:
    from export.quantize import quantize

    return {name: quantize(content, modes, ranges[name]) for name, content in files.items()}


def _runnable(files: Mapping[str, bytes], config: BaseConfig, threads: int | None) -> Any:
    from export.manifest import describe
    from fomm_tf.runtime import exported_model

    return exported_model(describe(files, config, "float32", "", None), files, threads)


def _row(
    name: str,
    mode: str,
    pair: list[Any],
    clips: list[Clip],
    mb_saved: float,
    advance: Callable[[], object],
) -> Row:
    from export.tally import Tally
    from fomm_tf.metrics import reconstruct

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


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("layer_groups", __doc__, DETAILS, "export")
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="DIR", help="model folder")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the table")
    add(
        "--calibration",
        type=Path,
        metavar="PATH",
        help="a video, or a folder of videos or pictures (default: drawn faces)",
    )
    add("--test", type=Path, metavar="PATH", help="the same, to measure on; not of the same videos")
    add("--threads", type=positive, metavar="N", help="of the runtime (default: all)")
    args = parser.parse_args(argv)
    if (args.calibration is None) != (args.test is None):
        parser.error("--calibration and --test go together")
    if args.out.exists() and not args.out.is_dir():
        raise DataError(f"{args.out} is there and no folder; give another --out")
    return args


if __name__ == "__main__":
    run_command(main)
