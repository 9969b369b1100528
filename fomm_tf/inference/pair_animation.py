"""Animates the test videos of a dataset with each other."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fomm_tf.cli import say, warn
from fomm_tf.config.base import BaseConfig, PairAnimation
from fomm_tf.data.clips import distinct_names, open_clip
from fomm_tf.data.dataset import split_notice, split_videos
from fomm_tf.data.pairs import Pair, draw_pairs, pair_names, read_pairs
from fomm_tf.errors import ConfigError, DataError
from fomm_tf.inference.motion import MotionOptions
from fomm_tf.inference.rendering import animated, write_frames
from fomm_tf.media.comment import GENERATED
from fomm_tf.media.fitting import fit, fit_frames, fit_notice
from fomm_tf.media.video_writer import VideoWriter


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


def animate_pairs(model: Any, pairs: Sequence[NamedPair], args: argparse.Namespace) -> int:
    """Writes a video for each pair into `args.out`, with `args.fit`, `args.side_by_side` and
    `args.no_metadata`; returns their number. Unreadable pairs are reported and skipped.
    """
    motion = MotionOptions(**pair_animation_of(model.config).motion)
    told: set[str | None] = set()
    done = 0
    for pair in pairs:
        try:
            _animate_pair(model, pair, motion, args, told)
            done += 1
        except DataError as error:
            warn(f"skipped: {error}")
    return done


def _animate_pair(
    model: Any,
    pair: NamedPair,
    motion: MotionOptions,
    args: argparse.Namespace,
    told: set[str | None],
) -> None:
    size = model.frame_size
    source, driving = (open_clip(path, size) for path in (pair.source, pair.driving))
    picture = next(iter(source.frames()))
    notice = fit_notice(picture.shape[:2], size, args.fit)
    if notice not in told:
        told.add(notice)
        say(pair.source, notice)
    picture = fit(picture, size, args.fit)
    comment = None if args.no_metadata else GENERATED
    with VideoWriter(args.out / pair.file, driving.fps(), comment=comment) as writer:
        results = animated(model, picture, fit_frames(driving.timed(), size, args.fit), motion)
        write_frames(writer, picture, results, args.side_by_side, driving.count())
    warn(driving.problem)
    for line in driving.notices:
        say(pair.driving, line)


def _pairs(pairs_list: str | None, videos: list[Path], count: int, seed: int) -> list[Pair]:
    if pairs_list is None:
        return draw_pairs(videos, count, seed)
    pairs, passed_over = read_pairs(pairs_list, videos, count)
    if passed_over:
        warn(f"{pairs_list}: {passed_over} pairs name videos that do not exist")
    return pairs
