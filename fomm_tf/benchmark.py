"""Benchmarks training, animation and video reading on this machine, for one or more configs."""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fomm_tf.cli import command_parser, positive, run_command
from fomm_tf.config.base import BaseConfig, with_overrides
from fomm_tf.data.cartoon_faces import MAX_SIZE, MIN_SIZE, write_dataset
from fomm_tf.data.dataset import FramesDataset
from fomm_tf.errors import ConfigError
from fomm_tf.files import write_json
from fomm_tf.measure.machine import describe_machine
from fomm_tf.quiet import import_tensorflow
from fomm_tf.registry import load_config

if TYPE_CHECKING:
    from fomm_tf.measure.speed import Result

DETAILS = """\
Measurements are interleaved in rounds, so that other load on the machine affects all equally; the
table lists the medians over rounds. The first call, in which TensorFlow traces its graph, is listed
separately, and one warm-up round is not counted. `detect`, `encode`, `decode` and `generate`
(encode and decode in one call) process one frame. The batch size is 8, or 1 for frames of more than
128 x 128.

examples:
  python -m fomm_tf.benchmark
  python -m fomm_tf.benchmark --config configs/vox-256.yaml --batch-size 4 --rounds 5
  python -m fomm_tf.benchmark --config configs/vox-256.yaml --data my-videos --json vox.json
"""

DEFAULT_CONFIGS = ("cartoon-faces-64.yaml", "vox-256.yaml")
VIDEOS, FRAMES = 12, 64
HEAD = [
    "",
    "| config | | ms | range of ms | rate | first call, with tracing |",
    "| --- | --- | ---: | ---: | ---: | ---: |",
]
# Measurement -> its label in the table, and the unit of its rate.
MEASUREMENTS = {
    "step": ("training step, batch {batch}", "images/s"),
    "detect": ("`detect`", "frames/s"),
    "encode": ("`encode`", "frames/s"),
    "decode": ("`decode`", "frames/s"),
    "generate": ("`generate`", "frames/s"),
    "read": ("reader, a frame", "frames/s"),
    "sample": ("reader, a training sample from its file", "samples/s"),
    "cached_sample": ("reader, a training sample, video kept in memory", "samples/s"),
}


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    arguments = _parse(argv)
    paths = arguments.config or [default_config(name) for name in DEFAULT_CONFIGS]
    configs = [_prepare(path, arguments.batch_size) for path in paths]
    if arguments.json is not None and arguments.json.is_dir():
        raise ConfigError(f"--json: {arguments.json} is a folder; give a file")
    import_tensorflow()
    import keras

    from fomm_tf.measure.speed import Result, measure

    machine = describe_machine()
    with ExitStack() as stack:
        datasets = []
        for config in configs:
            folder = arguments.data or stack.enter_context(_drawn_faces(config))
            datasets.append(FramesDataset(config.dataset_params, root=folder, cache_bytes=0))
        print("machine: " + "; ".join(f"{key} {value}" for key, value in machine.items()))
        print("\n".join(HEAD), flush=True)
        results = []
        for path, config, dataset in zip(paths, configs, datasets, strict=True):
            batch_size = config.train_params.batch_size
            result = Result(path.stem, str(path), dataset.frame_size, batch_size)
            measure(result, config, dataset, arguments.rounds)
            print("\n".join(rows(result)), flush=True)
            results.append(result)
            keras.backend.clear_session()
            gc.collect()
    print("\n" + "\n".join(notes(results, arguments.data)))
    if arguments.json is not None:
        raw = {"machine": machine, "vgg_weights": "random", "unit": "seconds"}
        write_json(arguments.json, raw | {"results": [asdict(result) for result in results]})
        print(f"all times: {arguments.json}")


def default_config(name: str) -> Path:
    """One of the project's configs, beside the package or in the current folder.

    Raises ConfigError if neither has it: an installed package does not include configs.
    """
    folders = (Path(__file__).resolve().parents[1] / "configs", Path("configs"))
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise ConfigError(f"no configs/{name} here; run in the project's folder or give --config")


def _prepare(path: Path, batch_size: int | None) -> BaseConfig:
    config = load_config(path)
    height, width, _ = config.dataset_params.frame_shape
    usual = 1 if height * width > 128 * 128 else 8  # a sample of vox-256 needs gigabytes
    # No download: random weights do not change the speed.
    vgg = "random" if config.train_params.USES_VGG else None
    config = with_overrides(config, batch_size=batch_size or usual, vgg_weights=vgg)
    config.check_trainable(str(path))
    return config


@contextmanager
def _drawn_faces(config: BaseConfig) -> Iterator[Path]:
    """A folder of cartoon faces of about the config's frame size."""
    size = max(config.dataset_params.frame_shape[:2])
    with tempfile.TemporaryDirectory(prefix="fomm-benchmark-") as folder:
        faces = Path(folder) / "faces"
        write_dataset(faces, VIDEOS, FRAMES, min(max(size, MIN_SIZE), MAX_SIZE))
        yield faces


def rows(result: Result) -> list[str]:
    """One config's lines of the Markdown table: medians, with the range of the rounds."""
    height, width = result.frame_size
    lines = []
    for name, (label, unit) in MEASUREMENTS.items():
        times = [1000 * seconds for seconds in result.rounds[name]]
        span = f"{_figure(min(times))}-{_figure(max(times))}"
        first = f"{result.first[name]:.1f} s" if name in result.first else ""
        rate = f"{_figure(result.per_second(name))} {unit}"
        label = label.format(batch=result.batch_size)
        lines.append([label, _figure(statistics.median(times)), span, rate, first])
    for name, kind in (("sample", "from files"), ("cached_sample", "from memory")):
        ratio = f"{_figure(result.reader_ratio(name))} x"
        lines.append([f"samples/s {kind} : the step's images/s", "", "", ratio, ""])
    return [f"| {' | '.join([f'{result.name} ({width} x {height})', *line])} |" for line in lines]


def notes(results: list[Result], data: Path | None) -> list[str]:
    """Notes on the table, and warnings where the reader is too slow for the training step."""
    where = data or f"cartoon faces drawn for this run, mp4, {FRAMES} frames each"
    lines = [
        "VGG19, where a config's loss uses it: random weights (no download; equally fast).",
        f"Reader: {where}. Training keeps decoded videos in memory, as many as fit.",
    ]
    for result in results:
        files, memory = map(result.reader_ratio, ("sample", "cached_sample"))
        if files < 2:
            lines.append(
                f"warning: {result.name}: the reader delivers less than twice what the step needs:"
                f" {files:.2f} times from files, {memory:.2f} times from memory"
            )
    return lines


def _figure(number: float) -> str:
    """Three significant digits or all before the point."""
    digits = 0 if number >= 100 else 1 if number >= 10 else 2
    return f"{number:,.{digits}f}"


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("benchmark", __doc__, DETAILS)
    add = parser.add_argument
    names = " and ".join(DEFAULT_CONFIGS)
    add("--config", type=Path, nargs="+", metavar="YAML", help=f"default: {names} of configs/")
    add("--batch-size", type=positive, metavar="N", help="of the training step, for every config")
    add("--rounds", type=positive, default=10, metavar="N", help="default: %(default)s")
    add("--json", type=Path, metavar="FILE", help="write all individual times to FILE")
    add("--data", type=Path, metavar="DIR", help="videos to read (default: freshly drawn faces)")
    return parser.parse_args(argv)


command = partial(run_command, main)

if __name__ == "__main__":
    command()
