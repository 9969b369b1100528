"""Measures how far models follow known motions: heads that turn and shift, cameras that pan."""

from __future__ import annotations

import argparse
import importlib.util
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import fomm_tf
from fomm_tf.cli import command_parser, positive, run_command
from fomm_tf.errors import ConfigError, ModelError
from fomm_tf.files import replacing, write_json
from fomm_tf.inference.manifest import MANIFEST_FILE

if TYPE_CHECKING:
    from fomm_tf.measure.limits import Curves

DETAILS = """\
Drawn faces at rest are animated by the same faces moved by growing amounts, so the true result is
known. The table has the error at the greatest amount; --out has all curves, as limits.json and,
drawn, as limits.png. A model that estimates the background's motion is measured with it, too.
Compare models that were trained on the same videos for the same number of steps.

examples:
  python -m fomm_tf.limits --model models/cartoon-faces --out limits
  python -m fomm_tf.limits --model runs/fomm runs/monkeynet runs/tpsmm --people 16 --out limits
"""


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    args = _parse(argv)
    if args.out.exists() and not args.out.is_dir():
        raise ConfigError(f"--out: {args.out} exists and is not a folder")
    if importlib.util.find_spec("matplotlib") is None:
        raise ConfigError("limits needs matplotlib for the plot: pip install matplotlib")
    for folder in args.model:
        if not folder.is_dir():
            raise ModelError(f"{folder}: no such model folder")
    from fomm_tf.measure.limits import measure_limits
    from fomm_tf.measure.limits_plot import save_limits_plot

    found: list[Curves] = []
    for folder in args.model:
        exported = (folder / MANIFEST_FILE).is_file()
        model = fomm_tf.load_exported(folder) if exported else fomm_tf.load_model(folder)
        found += measure_limits(model, folder.resolve().name, args.people, args.steps)
    print("\n".join(_table(found)))
    args.out.mkdir(parents=True, exist_ok=True)
    write_json(args.out / "limits.json", {"models": [asdict(curves) for curves in found]})
    with replacing(args.out / "limits.png") as temporary:
        save_limits_plot(found, temporary)
    print(f"curves: {args.out}")


def _table(models: list[Curves]) -> list[str]:
    """Markdown: for each motion and model the error without motion and at the greatest amount."""
    lines = [
        "| motion | model | L1, none | L1, greatest | PSNR, dB | keypoints, px | leak |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for motion in models[0].values:
        for model in models:
            values = model.values[motion]
            lines.append(
                f"| {motion} | {model.name} | {values['l1'][0]:.4f} | {values['l1'][-1]:.4f} "
                f"| {values['psnr'][-1]:.1f} | {values['keypoints'][-1]:.2f} "
                f"| {values['leak'][-1]:.4f} |"
            )
    return lines


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("limits", __doc__, DETAILS)
    add = parser.add_argument
    add("--model", type=Path, nargs="+", required=True, metavar="DIR", help="model folders")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for curves and plot")
    add("--people", type=positive, default=8, metavar="N", help="drawn faces (default: 8)")
    add(
        "--steps",
        type=positive,
        default=9,
        metavar="N",
        help="amounts of each motion (default: %(default)s)",
    )
    return parser.parse_args(argv)


command = partial(run_command, main)

if __name__ == "__main__":
    command()
