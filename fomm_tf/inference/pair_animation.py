"""Animates the test videos of a dataset with each other."""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from functools import cache
from itertools import tee
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from fomm_tf.cli import ignore_interrupts, say, set_threads, warn
from fomm_tf.config.base import BaseConfig, PairAnimation
from fomm_tf.data.clips import distinct_names, open_clip
from fomm_tf.data.dataset import split_notice, split_videos
from fomm_tf.data.pairs import Pair, draw_pairs, pair_names, read_pairs
from fomm_tf.errors import ConfigError, DataError
from fomm_tf.inference.animation import animate_sources
from fomm_tf.inference.motion import MotionOptions
from fomm_tf.measure.machine import processors
from fomm_tf.media.comment import GENERATED
from fomm_tf.media.fitting import fit, fit_frames, fit_notice
from fomm_tf.media.pictures import side_by_side
from fomm_tf.media.video_writer import VideoWriter

# Sources that are animated at the same time: each holds its features and an open file.
MOST_TOGETHER = 16


class NamedPair(NamedTuple):
    """The source and the driving video, and the result's file name."""

    source: Path
    driving: Path
    file: str


def dataset_pairs(data: Path, config: BaseConfig, seed: int) -> list[NamedPair]:
    """The pairs in the config's `pairs_list`, or `num_pairs` random ones.

    Reports what is left out. Raises DataError for unreadable input, ConfigError for a kind of model
    whose configs have no settings for pairs.
    """
    params = pair_animation_of(config)
    dataset = config.dataset_params
    videos = split_videos(data, "test", by_identity=dataset.id_sampling)
    if notice := split_notice(data):
        print(notice)
    pairs = _pairs(dataset.pairs_list, videos, params.num_pairs, seed)
    names = pair_names(pairs, dict(zip(videos, distinct_names(videos), strict=True)))
    return [
        NamedPair(*pair, f"{name}{params.format}") for pair, name in zip(pairs, names, strict=True)
    ]


def pair_animation_of(config: BaseConfig) -> PairAnimation:
    """The config's settings for pairs. Raises ConfigError if it has none."""
    if config.pair_animation is None:
        raise ConfigError(f"--data: this is a {config.KIND}; it has no animate_params")
    return config.pair_animation


def animate_pairs(
    load: Callable[[Path, int | None], Any], pairs: Sequence[NamedPair], args: argparse.Namespace
) -> int:
    """Writes a video for each pair into `args.out`, with `args.fit`, `args.side_by_side` and
    `args.no_metadata`; returns their number. Unreadable pairs are reported and skipped.

    load: gives the model of `args.model` for a number of threads; with `args.jobs` above 1 it is
    called in as many processes, so it must be a function of a module. Pairs with the same driving
    video are animated together, its keypoints being detected once.
    """
    groups = _by_driving(pairs, args.jobs)
    jobs = min(args.jobs, len(groups))
    if jobs == 1:
        model, told = load(args.model, args.threads), set[str | None]()
        return sum(_animate_group(model, group, args, told) for group in groups)
    threads = args.threads or max(1, processors() // jobs)
    args = argparse.Namespace(**{**vars(args), "threads": threads})
    # Spawned, not forked: the caller may hold threads (TensorFlow does).
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, spawn, ignore_interrupts) as pool:
        done = [pool.submit(_animate_elsewhere, load, group, args) for group in groups]
        try:
            bar = tqdm(as_completed(done), total=len(done), unit="driving video")
            return sum(future.result() for future in bar)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _by_driving(pairs: Sequence[NamedPair], jobs: int) -> list[list[NamedPair]]:
    """Pairs with the same driving video, in parts that are small enough to keep all jobs busy."""
    groups: dict[Path, list[NamedPair]] = {}
    for pair in pairs:
        groups.setdefault(pair.driving, []).append(pair)
    most = min(MOST_TOGETHER, -(-len(pairs) // jobs))
    return [
        group[start : start + most]
        for group in groups.values()
        for start in range(0, len(group), most)
    ]


@cache
def _loaded(load: Callable[[Path, int | None], Any], folder: Path, threads: int) -> Any:
    set_threads(threads)
    return load(folder, threads)


def _animate_elsewhere(
    load: Callable[[Path, int | None], Any], group: list[NamedPair], args: argparse.Namespace
) -> int:
    """`_animate_group` in a process of its own, which loads the model once."""
    return _animate_group(_loaded(load, args.model, args.threads), group, args, set())


def _animate_group(
    model: Any, group: list[NamedPair], args: argparse.Namespace, told: set[str | None]
) -> int:
    """Animates the pairs of one driving video; returns how many could be. told: notices so far."""
    size = model.frame_size
    motion = MotionOptions(**pair_animation_of(model.config).motion)
    model.check_motion(motion)
    sources = []
    for pair in group:
        try:
            picture = next(iter(open_clip(pair.source, size).frames()))
        except DataError as error:
            warn(f"skipped: {error}")
            continue
        notice = fit_notice(picture.shape[:2], size, args.fit)
        if notice not in told:
            told.add(notice)
            say(pair.source, notice)
        sources.append((pair, fit(picture, size, args.fit)))
    if not sources:
        return 0
    try:
        _write_group(model, sources, motion, args)
    except DataError as error:
        warn(f"skipped: {error}")
        return 0
    return len(sources)


def _write_group(
    model: Any,
    sources: list[tuple[NamedPair, np.ndarray]],
    motion: MotionOptions,
    args: argparse.Namespace,
) -> None:
    path = sources[0][0].driving
    driving = open_clip(path, model.frame_size)
    comment = None if args.no_metadata else GENERATED
    with ExitStack() as stack:
        writers = [
            stack.enter_context(VideoWriter(args.out / pair.file, driving.fps(), comment=comment))
            for pair, _ in sources
        ]
        frames = fit_frames(driving.timed(), model.frame_size, args.fit)
        shown, driven = tee(frames)
        pictures = [picture for _, picture in sources]
        images = (frame.image for frame in driven)
        results = animate_sources(model, pictures, images, motion)
        name = path.name if len(sources) > 1 else sources[0][0].file
        bar = tqdm(results, name, driving.count(), unit="frame", disable=args.jobs > 1)
        for each, (start, duration, image) in zip(bar, shown, strict=True):
            for writer, picture, result in zip(writers, pictures, each, strict=True):
                panels = side_by_side(picture, image, result) if args.side_by_side else result
                writer.write(panels, start, duration)
    warn(driving.problem)
    for line in driving.notices:
        say(path, line)


def _pairs(pairs_list: str | None, videos: list[Path], count: int, seed: int) -> list[Pair]:
    if pairs_list is None:
        return draw_pairs(videos, count, seed)
    pairs, passed_over = read_pairs(pairs_list, videos, count)
    if passed_over:
        warn(f"{pairs_list}: {passed_over} pairs name videos that do not exist")
    return pairs
