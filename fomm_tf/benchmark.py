"""Measures how fast this machine trains, animates and reads videos, for each of some configs."""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import platform
import statistics
import tempfile
import time
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from fomm_tf.config import Config, check_trainable, load_config
from fomm_tf.data.cartoon_faces import MAX_SIZE, MIN_SIZE, write_dataset
from fomm_tf.data.dataset import FramesDataset
from fomm_tf.errors import ConfigError, DataError, run_command
from fomm_tf.files import replacing
from fomm_tf.quiet import import_tensorflow

if TYPE_CHECKING:
    import tensorflow as tf

DETAILS = """\
Every round does one of each, so that other work on the machine meets all alike; the table has the
medians of the rounds. The first call, in which TensorFlow traces its graph, stands apart, and a
whole round comes before those that count. `detect`, `encode`, `decode` and `generate` (encode and
decode in one call) take one frame. The batch size is 8, or 1 for frames of more than 128 x 128.

examples:
  python -m fomm_tf.benchmark
  python -m fomm_tf.benchmark --config configs/vox-256.yaml --batch-size 4 --rounds 5
  python -m fomm_tf.benchmark --config configs/vox-256.yaml --data my-videos --json vox.json
"""

DEFAULT_CONFIGS = ("cartoon-faces-64.yaml", "vox-256.yaml")
# Calls of a few milliseconds are repeated for this long, and count with their mean.
LEAST_SECONDS = 0.3
VIDEOS, FRAMES = 12, 64
HEAD = [
    "",
    "| config | | ms | range of ms | rate | first call, with tracing |",
    "| --- | --- | ---: | ---: | ---: | ---: |",
]
# Name of each measurement: what the table calls it, and what it does so many of in a second.
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


@dataclass
class Result:
    """One config's times in seconds: of first calls, and by round of a step, frame or sample."""

    name: str
    config: str
    frame_size: tuple[int, int]
    batch_size: int
    first: dict[str, float] = field(default_factory=dict)
    rounds: dict[str, list[float]] = field(default_factory=dict)

    def per_second(self, name: str) -> float:
        """The median rate: images, frames or samples per second."""
        images = self.batch_size if name == "step" else 1
        return images / statistics.median(self.rounds[name])

    def reader_ratio(self, name: str) -> float:
        """Training samples that the reader gives for each one that the step takes."""
        return self.per_second(name) / self.per_second("step")


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    kind = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "python -m fomm_tf.benchmark", description=__doc__, epilog=DETAILS, formatter_class=kind
    )
    add = parser.add_argument
    names = " and ".join(DEFAULT_CONFIGS)
    add("--config", type=Path, nargs="+", metavar="YAML", help=f"default: {names} of configs/")
    add("--batch-size", type=_positive, metavar="N", help="of training, for every config")
    add("--rounds", type=_positive, default=10, metavar="N", help="default: %(default)s")
    add("--json", type=Path, metavar="FILE", help="write every single time to FILE")
    add("--data", type=Path, metavar="DIR", help="videos to read (default: freshly drawn faces)")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Parses the command line and does what it says. Raises UserError for what is wrong with it."""
    arguments = parse_arguments(argv)
    paths = arguments.config or [default_config(name) for name in DEFAULT_CONFIGS]
    configs = [_prepare(path, arguments.batch_size) for path in paths]
    if arguments.data is not None and not arguments.data.is_dir():
        raise DataError(f"{arguments.data}: no such folder of videos")
    if arguments.json is not None and arguments.json.is_dir():
        raise ConfigError(f"--json: {arguments.json} is a folder; give a file")
    import_tensorflow()
    import keras

    machine = describe_machine()
    print("machine: " + "; ".join(f"{key} {value}" for key, value in machine.items()), flush=True)

    print("\n".join(HEAD), flush=True)
    results = []
    for path, config in zip(paths, configs, strict=True):
        results.append(measure(path, config, arguments.rounds, arguments.data))
        print("\n".join(rows(results[-1])), flush=True)
        keras.backend.clear_session()
        gc.collect()
    print("\n" + "\n".join(notes(results, arguments.data)))
    if arguments.json is not None:
        raw = {"machine": machine, "vgg_weights": "random", "unit": "seconds"}
        with replacing(arguments.json) as temporary:
            text = json.dumps(raw | {"results": [asdict(result) for result in results]}, indent=1)
            temporary.write_text(text + "\n")
        print(f"all times: {arguments.json}")


def default_config(name: str) -> Path:
    """The project's own config, beside the package or in the current folder.

    Raises ConfigError where neither has it: an installed package comes without configs.
    """
    folders = (Path(__file__).resolve().parents[1] / "configs", Path("configs"))
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise ConfigError(f"no configs/{name} here; run in the project's folder or give --config")


def _prepare(path: Path, batch_size: int | None) -> Config:
    config = load_config(path)
    height, width, _ = config.dataset_params.frame_shape
    usual = 1 if height * width > 128 * 128 else 8  # a sample of vox-256 takes gigabytes
    changed = config.to_dict()
    changed["train_params"] |= {"batch_size": batch_size or usual, "vgg_weights": "random"}
    config = Config.from_dict(changed, str(path))
    check_trainable(config, str(path))
    return config


def describe_machine() -> dict[str, str]:
    """What the figures depend on: processor, cores, instructions that matter, TensorFlow."""
    import tensorflow as tf

    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    parts = (line.partition(":") for line in lines)
    facts = {key.strip(): value.strip() for key, _, value in parts}
    flags = [f for f in facts.get("flags", "").split() if "vnni" in f or "avx512" in f]
    affinity = getattr(os, "sched_getaffinity", None)
    intra_op = tf.config.threading.get_intra_op_parallelism_threads()
    inter_op = tf.config.threading.get_inter_op_parallelism_threads()
    machine = {
        "CPU": facts.get("model name") or platform.processor() or platform.machine(),
        "cores used": str(len(affinity(0)) if affinity else os.cpu_count()),
        "VNNI/AVX512": " ".join(flags) or "none known",
        "TensorFlow": tf.__version__,
        "threads": f"intra-op {intra_op or 'automatic'}, inter-op {inter_op or 'automatic'}",
    }
    if hasattr(os, "getloadavg"):
        machine["load at the start"] = f"{os.getloadavg()[0]:.1f}"
    return machine


def measure(path: Path, config: Config, rounds: int, data: Path | None) -> Result:
    """Times one config's step, inference and reader."""
    params, batch_size = config.dataset_params, config.train_params.batch_size
    height, width, _ = params.frame_shape
    result = Result(path.stem, str(path), (height, width), batch_size)
    total = len(MEASUREMENTS) * (rounds + 1)
    with _videos(data, max(height, width)) as folder, tqdm(total=total, leave=False) as bar:
        # Twice: without memory, as for a dataset too large for it, and as training has it.
        dataset = FramesDataset(params, "train", root=folder, cache_bytes=0)
        cached = FramesDataset(params, "train", root=folder)
        timers: dict[str, Callable[[], float]] = {}
        for name, call in _calls(config, next(_batches(dataset, config))):
            bar.set_description(f"{result.name}: tracing {name}")
            result.first[name] = timeit.timeit(call, number=1)
            timers[name] = _repeated(call)
        bar.set_description(f"{result.name}: filling the reader's memory")
        for index in range(min(len(cached), 500)):
            cached.sample(index, np.random.default_rng(index))
        timers["read"] = _frame_timer(dataset)
        timers["sample"] = _sample_timer(dataset, config)
        timers["cached_sample"] = _sample_timer(cached, config)
        bar.set_description(f"{result.name}: rounds")
        for number in range(rounds + 1):
            for name, timer in timers.items():
                seconds = timer()
                if number:  # the first round warms up
                    result.rounds.setdefault(name, []).append(seconds)
                bar.update()
    return result


@contextmanager
def _videos(data: Path | None, size: int) -> Iterator[Path]:
    if data is not None:
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="fomm-benchmark-") as folder:
        faces = Path(folder) / "faces"
        write_dataset(faces, VIDEOS, FRAMES, min(max(size, MIN_SIZE), MAX_SIZE))
        yield faces


def _batches(
    dataset: FramesDataset, config: Config, start: int = 0
) -> Iterator[dict[str, tf.Tensor]]:
    from fomm_tf.data.pipeline import iterate, training_batches

    train = config.train_params
    repeats = max(train.num_repeats, train.batch_size)  # enough for a batch, however few videos
    return iterate(training_batches(dataset, train.batch_size, repeats, 0, start), dataset)


def _calls(
    config: Config, batch: dict[str, tf.Tensor]
) -> Iterator[tuple[str, Callable[[], object]]]:
    """What a model does, by name; each call returns when its result is there.

    A call must be made before the next is asked for, so that its first time is its own.
    """
    from fomm_tf.training.step import TrainingStep
    from fomm_tf.training.trainer import warp_batches

    step = TrainingStep(config)
    model = step.model
    batch = batch | next(iter(warp_batches(config, seed=0, start_step=0).take(1)))
    source, driving = batch["source"][:1].numpy(), batch["driving"][:1].numpy()
    yield "step", lambda: [float(loss) for loss in step(batch).values()]
    yield "detect", lambda: model.detect(driving)
    kp_source, kp_driving = model.detect(source), model.detect(driving)
    yield "encode", lambda: [part.numpy() for part in model.encode(source).values()]
    encoded = model.encode(source)
    yield "decode", lambda: model.decode(encoded, kp_source, kp_driving)
    yield "generate", lambda: model.generate(source, kp_source, kp_driving)


def _repeated(call: Callable[[], object]) -> Callable[[], float]:
    def timer() -> float:
        started, elapsed, done = time.perf_counter(), 0.0, 0
        while elapsed < LEAST_SECONDS:
            call()
            done += 1
            elapsed = time.perf_counter() - started
        return elapsed / done

    return timer


def _frame_timer(dataset: FramesDataset) -> Callable[[], float]:
    """Seconds per frame of videos read from their beginning, as evaluation does."""
    videos = itertools.cycle(range(len(dataset.clips)))
    frames = itertools.chain.from_iterable(map(dataset.video, videos))
    return _repeated(lambda: next(frames))


def _sample_timer(dataset: FramesDataset, config: Config) -> Callable[[], float]:
    """Seconds per training sample, augmented, as training gets them."""
    starts = itertools.count(step=1000)

    def timer() -> float:
        # A fresh stream each time: one that waits in the background would fill its buffers then.
        batches = _batches(dataset, config, next(starts))
        next(batches)
        seconds = _repeated(lambda: next(batches))() / config.train_params.batch_size
        batches.close()  # type: ignore[attr-defined]
        return seconds

    return timer


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
    """What one must know to read the table, and which reader is too slow for its step."""
    where = data or f"cartoon faces drawn for this run, mp4, {FRAMES} frames each"
    lines = [
        "VGG19, where a config's loss has it: random weights (no download), as fast as any other.",
        f"Reader: {where}. Training keeps decoded videos in memory, as many as fit.",
    ]
    for result in results:
        files, memory = map(result.reader_ratio, ("sample", "cached_sample"))
        if files < 2:
            lines.append(
                f"warning: {result.name}: the reader gives less than twice what the step takes:"
                f" {files:.2f} times from files, {memory:.2f} times from memory"
            )
    return lines


def _figure(number: float) -> str:
    """Three significant digits or all before the point."""
    digits = 0 if number >= 100 else 1 if number >= 10 else 2
    return f"{number:,.{digits}f}"


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not positive")
    return value


if __name__ == "__main__":
    run_command(main)
