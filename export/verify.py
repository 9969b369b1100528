"""Compares exported graphs with the Keras model that they were made of."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from fomm_tf.command_line import command_parser
from fomm_tf.errors import DataError, ModelError, run_command
from fomm_tf.files import replacing
from fomm_tf.kinds import kind_of
from fomm_tf.quiet import import_tensorflow

if TYPE_CHECKING:
    from export.clips import Clip
    from export.delegates import Placement
    from export.deviations import ClipDifference, Outputs
    from export.report import Report
    from fomm_tf.config import BaseConfig

DETAILS = """\
Each output is compared on equal inputs, those of the Keras model. A clip is animated by each with
keypoints of its own and relative motion, as `animate` does it, so that all differences add up; then
its driving video is reconstructed from the first frame. PSNR is in dB: of frames against 1, of
other outputs against the range of their numbers.

Bars for frames, on equal inputs and over each whole clip: float32 70 dB, float16 45, dynamic 20,
int8 38 with the quality recipe and 32 with the fast one. On equal inputs also, for float32:
all that detect gives within 2e-5, frames within 2e-4. L1 of reconstruction, for int8: changed by
2 % at most, 5 % with the fast recipe.

Of a co-part segmentation model there are no frames: the bars for frames are those for its masks,
on equal inputs.

Operators are counted as the runtime here has placed them. Those that a GPU delegate refuses are the
ones which TensorFlow's documentation does not list for it; newer devices may take more.

Exit code: 0 if all bars are met, 1 if one is missed, 2 if nothing could be compared.

examples:
  python -m export.verify --model models/cartoon-faces --exported exported
  python -m export.verify --model models/vox-256 --exported exported/vox --driving talk.mp4 \\
      --source me.png --json difference.json
"""


def main(argv: list[str] | None = None) -> None:
    """Parses the command line and does what it says. Raises UserError for what is wrong with it;
    exits with 1 if a bar is missed."""
    args = _parse(argv)
    if args.json is not None and args.json.is_dir():
        raise DataError(f"--json: {args.json} is a folder; give a file")
    report = verify(args.model, args.exported, args.driving, args.source)
    print("\n".join(report.lines()))
    if args.json is not None:
        with replacing(args.json) as temporary:
            text = json.dumps(report.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
            temporary.write_text(text + "\n", encoding="utf-8")
        print(f"\nthe same as JSON: {args.json}")
    if report.missed:
        print(f"missed: {'; '.join(report.missed)}", file=sys.stderr)
        sys.exit(1)


def verify(
    folder: Path, exported_folder: Path, driving: Path | None = None, source: Path | None = None
) -> Report:
    """Compares an exported folder with its model folder, over `driving` or else over drawn faces.

    source: the picture that `driving` animates; default: its first frame. Raises ModelError or
    DataError with one line for what cannot be loaded or read, and for the export of another model.
    """
    import_tensorflow()
    from export.bars import BARS, check, kind
    from export.clips import drawn_clips, read_clip
    from export.delegates import placements, runtime_name
    from export.report import Report
    from fomm_tf.model import load_model
    from fomm_tf.runtime import load_exported

    exported = load_exported(exported_folder)
    manifest = exported.manifest
    model = load_model(folder)
    if problem := _other_networks(model.config, manifest.config):
        raise ModelError(f"{exported_folder} was not made of {folder}: {problem}")
    if driving is None:
        clips = drawn_clips(manifest.size)
    else:
        clips = [read_clip(driving, source, manifest.size)]
    outputs, differences = _compare(model, exported, clips)
    operators: dict[str, Placement] = {}
    for graph in manifest.graphs:
        operators |= placements((exported_folder / graph.file).read_bytes())
    checks = list(check(BARS[kind(manifest)], outputs, differences))
    return Report(manifest, runtime_name(), outputs, differences, operators, checks)


def _other_networks(config: BaseConfig, exported: BaseConfig) -> str | None:
    """What tells that these configs are of different networks; sizes of pictures may differ."""
    if kind_of(config) is not kind_of(exported):
        return f"it is of a {kind_of(exported).name}, and that is a {kind_of(config).name}"
    ours, theirs = (_flat(one.to_dict()["model_params"]) for one in (config, exported))
    for key in sorted(ours.keys() | theirs.keys()):
        if ours.get(key) != theirs.get(key):
            return f"model_params.{key} is {theirs.get(key)} there, but {ours.get(key)} here"
    return None


def _flat(section: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in section.items():
        inner = isinstance(value, dict)
        found |= _flat(value, f"{prefix}{key}.") if inner else {f"{prefix}{key}": value}
    return found


def _compare(model: Any, exported: Any, clips: list[Clip]) -> tuple[Outputs, list[ClipDifference]]:
    from export.deviations import STEP, compare_clip, compare_outputs

    outputs: Outputs = {}
    differences = []
    counts = [clip.count for clip in clips]
    # How often `done` is called for each frame of a clip.
    whole = 2 if exported.animates else 0
    total = sum(math.ceil(n / STEP) + whole * n for n in counts if n) if all(counts) else None
    with tqdm(total=total, unit="frame", desc="comparing", leave=False) as bar:
        for clip in clips:
            compare_outputs(model, exported, clip, outputs, bar.update)
            if exported.animates:
                differences.append(compare_clip(model, exported, clip, bar.update))
    return outputs, differences


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("verify", __doc__, DETAILS, "export")
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="DIR", help="model folder")
    add("--exported", type=Path, required=True, metavar="DIR", help="folder exported from it")
    add(
        "--driving",
        type=Path,
        metavar="VIDEO",
        help="clip to animate by (default: drawn faces that the bundled model has never seen)",
    )
    add("--source", type=Path, metavar="PICTURE", help="to animate (default: VIDEO's first frame)")
    add("--json", type=Path, metavar="FILE", help="write the report to FILE too")
    args = parser.parse_args(argv)
    if args.source is not None and args.driving is None:
        parser.error("--source goes with --driving only")
    return args


if __name__ == "__main__":
    run_command(main)
