"""Measures speed, size and quality of a model's exports against the Keras model."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from tqdm import tqdm

from export.convert import convert
from fomm_tf.command_line import command_parser, picture_size, positive
from fomm_tf.config import BaseConfig, load_config
from fomm_tf.errors import ConfigError, run_command
from fomm_tf.files import replacing
from fomm_tf.kinds import kind_of
from fomm_tf.manifest import Precision, Recipe
from fomm_tf.quiet import import_tensorflow
from fomm_tf.runtime import processors

if TYPE_CHECKING:
    from export.benchmark_table import Benchmark
    from export.clips import Clip

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
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


def main(argv: list[str] | None = None) -> None:
    """Parses the command line and does what it says. Raises UserError for what is wrong with it."""
    args = _parse(argv)
    threads = _thread_counts(args.threads)
    if args.out is not None:
        _check_out(args.out)
    # TensorFlow reads these when it is first used.
    os.environ.update(dict.fromkeys(_THREADS, str(threads[-1])))
    import_tensorflow()
    from export.clips import check_animates
    from fomm_tf.base_model import read_config

    with tempfile.TemporaryDirectory(prefix="fomm-benchmark-") as temporary:
        folder = args.model
        if folder is None:
            folder = Path(temporary) / args.config.stem
            _save_random_model(load_config(args.config), folder)
        check_animates(read_config(folder), args.model or args.config)
        exported = _export(folder, Path(temporary) / "exported", args)
        result = benchmark(folder, exported, threads, args.rounds, args.model is None)
    print("\n".join(result.markdown()))
    if args.out is not None:
        _write(result, args.out)
        print(f"\ntable, plot and every single time: {args.out}")


def _export(folder: Path, out: Path, args: argparse.Namespace) -> list[Path]:
    """A folder in `out` for each precision, and for each recipe of int8."""
    if "int8" in args.precisions:
        from export.int8 import check_quantizer

        check_quantizer()
    folders: list[Path] = []
    for precision in dict.fromkeys(args.precisions):
        recipes: tuple[Recipe, ...] = get_args(Recipe) if precision == "int8" else ("quality",)
        for recipe in recipes:
            folders.append(out / str(len(folders)))
            convert(
                folder,
                folders[-1],
                precision,
                args.size,
                recipe=recipe,
                calibration=args.calibration,
            )
    return folders


def benchmark(
    folder: Path, exported: list[Path], threads: list[int], rounds: int, random_weights: bool
) -> Benchmark:
    """Measures a model folder and folders exported from it in one run.

    random_weights: leave the quality out.
    """
    from export.bars import kind
    from export.benchmark_table import KERAS, Benchmark, Subject
    from export.clips import PAIRS, drawn_clips
    from export.delegates import runtime_name
    from export.speed import calls_of, measure
    from fomm_tf.base_model import WEIGHTS_FILE
    from fomm_tf.benchmark import describe_machine
    from fomm_tf.media.pictures import to_float
    from fomm_tf.model import load_model
    from fomm_tf.runtime import load_exported

    machine = describe_machine() | {"graphs run by": runtime_name()}
    flags = [flag for flag in machine.pop("VNNI/AVX512").split() if "vnni" in flag]
    machine["VNNI"] = f"yes ({' '.join(flags)})" if flags else "none known"
    # Set by environment variables, of which TensorFlow does not tell.
    machine["threads"] = f"Keras {threads[-1]}, graphs {' or '.join(map(str, threads))}"
    model = load_model(folder)
    subjects, runners = [], []
    for path in exported:
        for count in threads:
            graphs = load_exported(path, threads=count)
            size = sum(graph.bytes for graph in graphs.manifest.graphs)
            subjects.append(Subject(kind(graphs.manifest), count, size))
            runners.append(graphs)
    clips = drawn_clips(runners[0].frame_size, PAIRS[:1] if random_weights else PAIRS)
    pictures = [to_float(one)[None] for one in (clips[0].source, next(iter(clips[0].driving)))]
    subjects.insert(0, Subject(KERAS, threads[-1], (folder / WEIGHTS_FILE).stat().st_size))
    calls = [calls_of(runner, *pictures) for runner in (model, *runners)]
    for subject, times in zip(subjects, measure(calls, rounds), strict=True):
        subject.times = times
    if not random_weights:
        for subject, psnr in zip(subjects[1:], _quality(model, runners, clips), strict=True):
            subject.psnr = psnr
    return Benchmark(
        folder.resolve().name,
        runners[0].frame_size,
        [clip.name for clip in clips],
        random_weights,
        machine,
        subjects,
    )


def _quality(model: Any, exported: list[Any], clips: list[Clip]) -> list[float]:
    """The PSNR of each one's clips to those of the Keras model."""
    from export.clips import animated
    from export.tally import Tally

    tallies = [Tally(peak=1) for _ in exported]
    frames = sum(clip.count or 0 for clip in clips)
    with tqdm(total=frames, desc="comparing", unit="frame", leave=False) as bar:
        for clip in clips:
            results = (animated(one, clip) for one in (model, *exported))
            for expected, *found in zip(*results, strict=True):
                for tally, frame in zip(tallies, found, strict=True):
                    tally.add(expected, frame)
                bar.update()
    return [tally.psnr for tally in tallies]


def _save_random_model(config: BaseConfig, folder: Path) -> None:
    import keras

    keras.utils.set_random_seed(0)
    kind_of(config).model_class(config).save(folder)


def _write(result: Benchmark, out: Path) -> None:
    from export.plot import save_plot

    with replacing(out / "benchmark.md") as temporary:
        temporary.write_text("\n".join(result.markdown()) + "\n", encoding="utf-8")
    with replacing(out / "benchmark.json") as temporary:
        text = json.dumps(result.to_dict(), indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
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


if __name__ == "__main__":
    run_command(main)
