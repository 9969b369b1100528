"""Draws losses and validation of one or several training runs into one picture."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from fomm_tf.cli import command_parser, run_command
from fomm_tf.errors import DataError, UserError
from fomm_tf.files import replacing
from fomm_tf.measure.run_metrics import METRICS_FILE, Record, read_metrics

EXAMPLES = """examples:
  python -m fomm_tf.plot runs/faces
  python -m fomm_tf.plot runs/faces runs/faces-squeezenet --out comparison.png

One panel for each loss and each measure of validation, one line for each run. Needs matplotlib
(pip install 'fomm_tf[plot]').
"""
COLUMNS = 3


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    arguments = _parse(argv)
    runs = {}
    for folder in arguments.runs:
        path = folder / METRICS_FILE
        if not path.is_file():
            raise DataError(f"{folder}: is not a training run; it has no {METRICS_FILE}")
        runs[str(folder)] = read_metrics(path)
    draw(runs, arguments.out)
    print(arguments.out)


def draw(runs: dict[str, list[Record]], out: Path) -> None:
    """Writes the picture. Raises UserError without matplotlib, DataError if there is nothing."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UserError("plot needs matplotlib: pip install matplotlib") from error
    names = _panels(runs)
    if not names:
        raise DataError(f"{', '.join(runs)}: no losses yet; the first are written after 10 steps")
    rows = -(-len(names) // COLUMNS)
    figure = Figure(figsize=(5 * COLUMNS, 3.5 * rows), layout="constrained")
    axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for name, panel in zip(names, axes, strict=False):
        _draw_panel(panel, name, runs)
    for panel in axes[len(names) :]:
        panel.set_axis_off()
    axes[0].legend()
    with replacing(out) as temporary:
        figure.savefig(temporary)


def _panels(runs: dict[str, list[Record]]) -> list[str]:
    """What to draw: losses, then validation."""
    names = {name: None for records in runs.values() for record in records for name in record}
    return [n for n in names if n.startswith("loss/")] + [
        n for n in names if n.startswith("validation/")
    ]


def _draw_panel(panel: Any, name: str, runs: dict[str, list[Record]]) -> None:
    for run, records in runs.items():
        points = [(record["step"], record[name]) for record in records if name in record]
        steps, values = zip(*points, strict=True) if points else ((), ())
        panel.plot(steps, values, label=run, linewidth=1)
    panel.set_title(name)
    panel.set_xlabel("step")
    panel.grid(alpha=0.3)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("plot", __doc__, EXAMPLES)
    parser.add_argument(
        "runs", type=Path, nargs="+", metavar="RUN", help="folder of a training run"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("training.png"), help="PNG (default: %(default)s)"
    )
    return parser.parse_args(argv)


command = partial(run_command, main)

if __name__ == "__main__":
    command()
