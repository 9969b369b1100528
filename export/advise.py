"""Says which precision and how many threads suit a model on this machine: by measuring them."""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import get_args

from export.benchmark import thread_counts
from export.benchmark_table import Benchmark, Subject, figure, row
from export.thresholds import THRESHOLDS
from fomm_tf.cli import command_parser, picture_size, positive, run_command, set_threads
from fomm_tf.errors import UserError
from fomm_tf.inference.loading import read_config
from fomm_tf.inference.manifest import Precision
from fomm_tf.quiet import import_tensorflow

DETAILS = """\
Exports the model in every precision, and times `detect` and `animate`, which a frame costs, in
interleaved rounds. Recommended is the fastest whose animated clips are as close to the model's as
python -m export.verify demands; of those within 10 % of it the one with fewest threads, and of
these the closest to the model. int8 is not the fastest everywhere: that depends on the processor.

examples:
  python -m export.advise --model models/cartoon-faces
  python -m export.advise --model models/vox-256 --threads 1 2 --calibration data/vox/train
"""
HEAD = ("", "threads", "ms per frame", "frames/s", "MB", "PSNR, dB", "limit, dB")
SAME = 1.1
"""Times that differ by less than this factor count as equal."""


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    args = _parse(argv)
    threads = thread_counts(args.threads)
    set_threads(threads[-1])
    import_tensorflow()
    from export.benchmark_run import benchmark, export_all
    from export.clips import check_animates

    check_animates(read_config(args.model), args.model)
    with tempfile.TemporaryDirectory(prefix="fomm-advise-") as temporary:
        exported = export_all(
            args.model, Path(temporary), get_args(Precision), args.size, args.calibration
        )
        result = benchmark(args.model, exported, threads, args.rounds, random_weights=False)
    print("\n".join(table(result)))
    print("\n" + "\n".join(advice(recommended(result.exported), args)))


def frame_ms(subject: Subject) -> float:
    """Milliseconds for a frame: detecting the driving keypoints, and animating."""
    return subject.times.median("detect") + subject.times.median("decode")


def is_close(subject: Subject) -> bool:
    """Whether its clips are as close to the model's as its precision should be."""
    return subject.psnr is not None and subject.psnr >= THRESHOLDS[subject.name].psnr


def recommended(subjects: list[Subject]) -> Subject:
    """The best of exported `subjects`, by the rule of the command's help.

    Raises UserError if none is close enough to the model.
    """
    close = [subject for subject in subjects if is_close(subject)]
    if not close:
        raise UserError("no precision is close enough to the model; see python -m export.verify")
    fastest = min(map(frame_ms, close))
    fast = [subject for subject in close if frame_ms(subject) <= SAME * fastest]
    return min(fast, key=lambda subject: (subject.threads, -(subject.psnr or 0)))


def table(result: Benchmark) -> list[str]:
    """Title, machine and one row for each precision and number of threads, in Markdown."""
    height, width = result.size
    return [
        f"**{result.model}**, {width} x {height}",
        "",
        "; ".join(f"{key} {value}" for key, value in result.machine.items()),
        "",
        row(HEAD),
        row(["---", *["---:"] * (len(HEAD) - 1)]),
        *(row(_cells(subject)) for subject in result.exported),
    ]


def _cells(subject: Subject) -> list[str]:
    ms = frame_ms(subject)
    cells = [subject.name, str(subject.threads), figure(ms), figure(1000 / ms)]
    limit = THRESHOLDS[subject.name].psnr
    return [*cells, figure(subject.bytes / 1e6), f"{subject.psnr:.1f}", f"{limit:.0f}"]


def advice(best: Subject, args: argparse.Namespace) -> list[str]:
    """What to use, and the commands for it."""
    precision, _, recipe = best.name.partition(" ")
    options = f" --precision {precision}" + (f" --recipe {recipe}" if recipe else "")
    if recipe and args.calibration is not None:
        options += f" --calibration {args.calibration}"
    if args.size is not None:
        options += " --size {}x{}".format(*args.size)
    plural = "s" if best.threads > 1 else ""
    return [
        f"Use {best.name} with {best.threads} thread{plural}: {figure(frame_ms(best))} ms a frame.",
        f"  python -m export.convert --model {args.model} --out exported{options}",
        f"  python -m fomm_tf.animate --model exported --threads {best.threads} ...",
    ]


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("advise", __doc__, DETAILS, "export")
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="DIR", help="model folder")
    add(
        "--threads",
        type=positive,
        nargs="+",
        metavar="N",
        help="processor threads (default: 1 and all)",
    )
    add("--rounds", type=positive, default=5, metavar="N", help="default: %(default)s")
    add(
        "--calibration",
        type=Path,
        metavar="PATH",
        help="for int8: a video, or a folder of videos or pictures (default: drawn faces)",
    )
    add("--size", type=picture_size, metavar="HxW", help="frame size (default: the model's)")
    return parser.parse_args(argv)


command = partial(run_command, main)

if __name__ == "__main__":
    command()
