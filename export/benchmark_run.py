"""Exports a model in several precisions and measures all of them in one run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import keras
from tqdm import tqdm

from export.benchmark_table import KERAS, Benchmark, Subject
from export.clips import PAIRS, Clip, animated, drawn_clips
from export.conversion import convert
from export.delegates import runtime_name
from export.preconditions import check_quantizer
from export.thresholds import precision_of
from fomm_tf.config.base import BaseConfig
from fomm_tf.inference.folder import WEIGHTS_FILE
from fomm_tf.inference.loading import load_exported, load_model
from fomm_tf.inference.manifest import Precision, Recipe
from fomm_tf.measure.machine import describe_machine
from fomm_tf.measure.tally import Tally
from fomm_tf.measure.timing import inference_calls, interleaved, keras_calls, timer
from fomm_tf.media.pictures import to_float
from fomm_tf.registry import kind_of


def export_all(
    folder: Path,
    out: Path,
    precisions: Iterable[Precision],
    size: tuple[int, int] | None,
    calibration: Path | None,
) -> list[Path]:
    """A folder in `out` for each precision, and for each recipe of int8."""
    precisions = list(dict.fromkeys(precisions))
    if "int8" in precisions:
        check_quantizer()
    folders: list[Path] = []
    for precision in precisions:
        recipes: tuple[Recipe, ...] = get_args(Recipe) if precision == "int8" else ("quality",)
        for recipe in recipes:
            folders.append(out / str(len(folders)))
            convert(folder, folders[-1], precision, size, recipe=recipe, calibration=calibration)
    return folders


def benchmark(
    folder: Path, exported: list[Path], threads: list[int], rounds: int, random_weights: bool
) -> Benchmark:
    """Measures a model folder and folders exported from it in one run.

    random_weights: leave the quality out.
    """
    machine = describe_machine() | {"graphs run by": runtime_name()}
    flags = [flag for flag in machine.pop("VNNI/AVX512").split() if "vnni" in flag]
    machine["VNNI"] = f"yes ({' '.join(flags)})" if flags else "none known"
    # Set by environment variables, which TensorFlow does not report.
    machine["threads"] = f"Keras {threads[-1]}, graphs {' or '.join(map(str, threads))}"
    model = load_model(folder)
    subjects, runners = [], []
    for path in exported:
        for count in threads:
            graphs = load_exported(path, threads=count)
            size = sum(graph.bytes for graph in graphs.manifest.graphs)
            subjects.append(Subject(precision_of(graphs.manifest), count, size))
            runners.append(graphs)
    clips = drawn_clips(runners[0].frame_size, PAIRS[:1] if random_weights else PAIRS)
    pictures = [to_float(one)[None] for one in (clips[0].source, next(iter(clips[0].driving)))]
    subjects.insert(0, Subject(KERAS, threads[-1], (folder / WEIGHTS_FILE).stat().st_size))
    calls = [keras_calls(model, *pictures), *(inference_calls(one, *pictures) for one in runners)]
    timers = [{name: timer(call) for name, call in one} for one in calls]
    total = (rounds + 1) * sum(map(len, timers))
    with tqdm(total=total, desc="timing", unit="call", leave=False) as bar:
        for subject, times in zip(subjects, interleaved(timers, rounds, bar.update), strict=True):
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
    """The PSNR of each subject's clips against those of the Keras model."""
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


def save_random_model(config: BaseConfig, folder: Path) -> None:
    keras.utils.set_random_seed(0)
    kind_of(config).model()(config).save(folder)
