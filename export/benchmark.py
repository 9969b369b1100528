"""Measures speed, size and quality of a model's exports against the Keras model."""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import get_args

from export.benchmark_table import Benchmark
from export.plot import save_plot
from fomm_tf.cli import command_parser, picture_size, positive, run_command, set_threads
from fomm_tf.errors import ConfigError
from fomm_tf.files import replacing, write_json, write_text
from fomm_tf.inference.loading import read_config
from fomm_tf.inference.manifest import Precision
from fomm_tf.measure.machine import processors
from fomm_tf.quiet import import_tensorflow
from fomm_tf.registry import load_config

DETAILS = """\
Every round does one call of each, so that other work on the machine meets all alike; the table has
the medians of the rounds. The Keras model runs on as many threads as the largest of --threads. A
frame costs `detect` and `animate`; `encode` comes once for a source picture. PSNR is that of whole
animated clips, each with keypoints of its own (see python -m export.verify --help).

With --config the weights are random: the speed is that of trained ones, the quality means nothing
and is left out. --out gets benchmark.md, benchmark.json with every single time, and benchmark.png.

examples:
  python -m export.benchmark --model models/cartoon-faces --out speed
  python -m export.benchmark --config configs/vox-256.yaml --threads 2 --rounds 5
  python -m export.benchmark --model models/vox-256 --precisions float32 int8 --threads 1 2 4 \\
      --calibration data/vox/train
"""


def main(argv: list[str] | None = None) -> None:
    """Parses the command line and does what it says. Raises UserError for what is wrong with it."""
    args = _parse(argv)
    threads = _thread_counts(args.threads)
    if args.out is not None:
        _check_out(args.out)
    set_threads(threads[-1])
    import_tensorflow()
    from export.benchmark_run import benchmark, export_all, save_random_model
    from export.clips import check_animates

    with tempfile.TemporaryDirectory(prefix="fomm-benchmark-") as temporary:
        folder = args.model
        if folder is None:
            folder = Path(temporary) / args.config.stem
            save_random_model(load_config(args.config), folder)
        check_animates(read_config(folder), args.model or args.config)
        exported = export_all(
            folder, Path(temporary) / "exported", args.precisions, args.size, args.calibration
        )
        result = benchmark(folder, exported, threads, args.rounds, args.model is None)
    print("\n".join(result.markdown()))
    if args.out is not None:
        _write(result, args.out)
        print(f"\ntable, plot and every single time: {args.out}")


def _write(result: Benchmark, out: Path) -> None:
    write_text(out / "benchmark.md", "\n".join(result.markdown()) + "\n")
    write_json(out / "benchmark.json", result.to_dict())
    with replacing(out / "benchmark.png") as temporary:
        save_plot(result, temporary)


def _thread_counts(wanted: Iterable[int] | None) -> list[int]:
    """In ascending order, each once. Raises ConfigError for more than there are processors."""
    most = processors()
    counts = sorted(set(wanted or (1, most)))
    if counts[-1] > most:
        raise ConfigError(f"--threads {counts[-1]}: there are {most} processors here")
    return counts


def _check_out(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out: {out} is there and no folder")
    if importlib.util.find_spec("matplotlib") is None:
        raise ConfigError(
            "--out needs matplotlib for the plot: pip install matplotlib, or leave --out away"
        )


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("benchmark", __doc__, DETAILS, "export")
    add = parser.add_argument
    either = parser.add_mutually_exclusive_group(required=True)
    either.add_argument("--model", type=Path, metavar="DIR", help="model folder")
    either.add_argument("--config", type=Path, metavar="YAML", help="random weights of a config")
    add("--out", type=Path, metavar="DIR", help="folder for table, plot and JSON")
    add(
        "--precisions",
        nargs="+",
        choices=get_args(Precision),
        default=get_args(Precision),
        metavar="P",
        help=f"of {', '.join(get_args(Precision))}, which is done by all recipes (default: all)",
    )
    add(
        "--threads",
        type=positive,
        nargs="+",
        metavar="N",
        help="processor threads (default: 1 and all)",
    )
    add("--rounds", type=positive, default=10, metavar="N", help="default: %(default)s")
    add(
        "--calibration",
        type=Path,
        metavar="PATH",
        help="of int8: a video, or a folder of videos or pictures (default: drawn faces)",
    )
    add(
        "--size",
        type=picture_size,
        metavar="HxW",
        help="of pictures (default: the model's frame size)",
    )
    args = parser.parse_args(argv)
    if args.calibration is not None and "int8" not in args.precisions:
        parser.error("--calibration goes with --precisions int8 only")
    return args


command = partial(run_command, main)

if __name__ == "__main__":
    command()
