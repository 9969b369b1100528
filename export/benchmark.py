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
Calls are interleaved in rounds, so that other load on the machine affects all equally; the table
lists the medians over rounds. The Keras model uses the largest number of --threads. A frame costs
`detect` and `animate`; `encode` runs once per source picture. PSNR is measured over whole animated
clips, each model with its own keypoints (see python -m export.verify --help).

With --config the weights are random: speed is that of a trained model, quality is meaningless and
omitted. --profile times each operator alone, on the largest number of --threads. --out: folder for
benchmark.md, benchmark.json with all times, and benchmark.png.

examples:
  python -m export.benchmark --model models/cartoon-faces --out speed
  python -m export.benchmark --config configs/vox-256.yaml --threads 2 --rounds 5
  python -m export.benchmark --model models/vox-256 --precisions float32 int8 --threads 1 2 4 \\
      --calibration data/vox/train
"""


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    args = _parse(argv)
    threads = thread_counts(args.threads)
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
        lines = result.markdown()
        if args.profile:
            from export.profile import profile_folders

            lines += profile_folders(exported, threads[-1])
    print("\n".join(lines))
    if args.out is not None:
        _write(result, lines, args.out)
        print(f"\ntable, plot and all times: {args.out}")


def _write(result: Benchmark, lines: list[str], out: Path) -> None:
    write_text(out / "benchmark.md", "\n".join(lines) + "\n")
    write_json(out / "benchmark.json", result.to_dict())
    with replacing(out / "benchmark.png") as temporary:
        save_plot(result, temporary)


def thread_counts(wanted: Iterable[int] | None) -> list[int]:
    """In ascending order, without duplicates. Raises ConfigError for more than processors."""
    most = processors()
    counts = sorted(set(wanted or (1, most)))
    if counts[-1] > most:
        raise ConfigError(f"--threads {counts[-1]}: there are {most} processors here")
    return counts


def _check_out(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out: {out} exists and is not a folder")
    if importlib.util.find_spec("matplotlib") is None:
        raise ConfigError(
            "--out needs matplotlib for the plot: pip install matplotlib, or omit --out"
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
        help=f"any of {', '.join(get_args(Precision))} (with all recipes) (default: all)",
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
        help="for int8: a video, or a folder of videos or pictures (default: drawn faces)",
    )
    add(
        "--profile",
        action="store_true",
        help="list the ten slowest operators of each precision's `detect` and `animate`",
    )
    add(
        "--size",
        type=picture_size,
        metavar="HxW",
        help="frame size (default: the model's)",
    )
    args = parser.parse_args(argv)
    if args.calibration is not None and "int8" not in args.precisions:
        parser.error("--calibration goes with --precisions int8 only")
    return args


command = partial(run_command, main)

if __name__ == "__main__":
    command()
