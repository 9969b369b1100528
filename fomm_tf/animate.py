"""Animates a picture by a driving video, or the test videos of a dataset by each other.

One picture:  --source PICTURE --driving VIDEO --out result.mp4
A dataset:    --data DIR --out FOLDER
"""

from __future__ import annotations

import argparse
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import fomm_tf
from fomm_tf.cli import (
    add_picture_arguments,
    command_parser,
    not_negative,
    run_command,
    say,
    set_threads,
    warn,
)
from fomm_tf.data.clips import distinct_names, open_clip
from fomm_tf.data.dataset import split_notice, split_videos
from fomm_tf.data.pairs import Pair, draw_pairs, read_pairs
from fomm_tf.errors import ConfigError, DataError, ModelError
from fomm_tf.inference.animation import animate_frames, find_best_frame
from fomm_tf.inference.loading import read_manifest
from fomm_tf.inference.manifest import MANIFEST_FILE
from fomm_tf.inference.motion import MotionOptions
from fomm_tf.media.fitting import check_box, fit, fit_frames, fit_notice
from fomm_tf.media.frames import TimedFrame
from fomm_tf.media.pictures import read_picture, side_by_side
from fomm_tf.media.video_reader import Video, open_video
from fomm_tf.media.video_writer import VideoWriter
from fomm_tf.registry import KINDS, load_config

DETAILS = """\
examples:
  python -m fomm_tf.animate --model models/cartoon-faces --source me.png --driving talk.mp4 \\
      --out result.mp4
  python -m fomm_tf.animate --model models/cartoon-faces --source me.jpg --driving talk.gif \\
      --out result.gif --best-frame --side-by-side
  python -m fomm_tf.animate --model models/cartoon-faces --source group.jpg \\
      --box 310,120,256,256 --driving talk.mp4 --driving-box 80,0,480,480 --out frames
  python -m fomm_tf.animate --model models/cartoon-faces --data data/faces --out results

The result has the model's frame size, and the frame rate, duration and sound (.mp4) of the driving
video. A driving video is a video file, an animated GIF or a folder of pictures (25 frames/s). With
--fit letterbox the black bars are part of what the model sees and of the result.

With --data the first video of a pair gives the picture, the second drives it; pairs_list, or else
num_pairs, in the model's config chooses the pairs. A DIR without test/ holds the videos itself; of
those it takes the fifth that training on DIR keeps back, as `evaluate` does. To animate all videos
of a folder, put them into DIR/test.

What models support, by kind (without --absolute motion is relative):
{kinds}
"""


def main(argv: list[str] | None = None) -> None:
    """Parses the command line and does what it says. Raises UserError for what is wrong with it."""
    args = _parse(argv)
    set_threads(args.threads)
    if not args.model.is_dir():
        raise ModelError(f"{args.model}: no such model folder")
    if args.data is None:
        _animate_picture(args)
    else:
        _animate_dataset(args)


def _animate_picture(args: argparse.Namespace) -> None:
    source = read_picture(args.source)
    check_box(args.box, source, str(args.source))
    driving = open_video(args.driving)
    check_box(args.driving_box, np.empty((driving.height, driving.width)), str(args.driving))
    audio = args.driving if driving.has_audio else None
    # Opened first: an output that cannot be written must show before the minutes of work.
    with VideoWriter(args.out, driving.fps, audio_from=audio) as writer:
        model = _load(args)
        size = model.frame_size
        say(args.source, fit_notice(source.shape[:2], size, args.fit, args.box))
        frame_size = (driving.height, driving.width)
        say(args.driving, fit_notice(frame_size, size, args.fit, args.driving_box))
        source = fit(source, size, args.fit, args.box)
        motion = MotionOptions(
            relative=not args.absolute, adapt_scale=args.adapt_scale, best_frame=args.best_frame
        )
        model.check_motion(motion)
        kp_initial = _best_initial(args, model, source, driving) if args.best_frame else None
        frames = fit_frames(driving.timed(), size, args.fit, args.driving_box)
        started = time.monotonic()
        results = _animated(model, source, frames, motion, kp_initial)
        count = _write(writer, source, results, args.side_by_side, driving.frame_count)
        seconds = time.monotonic() - started
    warn(driving.problem)
    warn(writer.problem)
    print(f"{args.out}: {count} frames in {seconds:.1f} s")


def _animated(
    model: Any,
    source: np.ndarray,
    driving: Iterable[TimedFrame],
    motion: MotionOptions,
    kp_initial: Any = None,
) -> Iterator[tuple[TimedFrame, np.ndarray]]:
    """Each driving frame and the uint8 `source` animated by it, both of the model's size."""
    pending: deque[TimedFrame] = deque()

    def images() -> Iterator[np.ndarray]:
        for frame in driving:
            pending.append(frame)
            yield frame.image

    for result in animate_frames(model, source, images(), motion, kp_initial):
        yield pending.popleft(), result


def _write(
    writer: VideoWriter,
    source: np.ndarray,
    results: Iterable[tuple[TimedFrame, np.ndarray]],
    panels: bool,
    total: int | None,
) -> int:
    """Writes what `_animated` gives; returns how many frames."""
    count = 0
    for (start, duration, image), result in tqdm(
        results, total=total, unit="frame", desc=writer.path.name
    ):
        writer.write(side_by_side(source, image, result) if panels else result, start, duration)
        count += 1
    return count


def _best_initial(args: argparse.Namespace, model: Any, source: np.ndarray, driving: Video) -> Any:
    frames = fit_frames(driving.timed(), model.frame_size, args.fit, args.driving_box)
    bar = tqdm(frames, total=driving.frame_count, unit="frame", desc="looking for the best frame")
    index, kp = find_best_frame(model, source, (frame.image for frame in bar))
    print(f"best frame: {index}, at {index / driving.fps:.2f} s")
    return kp


# Datasets


def _animate_dataset(args: argparse.Namespace) -> None:
    config = (
        read_manifest(args.model).config
        if _is_exported(args.model)
        else load_config(args.model / "config.yaml")
    )
    params = config.pair_animation
    if params is None:
        raise ConfigError(f"--data: {args.model} is a {config.KIND}; it has no animate_params")
    videos = split_videos(args.data, "test", by_identity=config.dataset_params.id_sampling)
    if notice := split_notice(args.data):
        print(notice)
    names = dict(zip(videos, distinct_names(videos), strict=True))
    pairs = _pairs(config.dataset_params.pairs_list, videos, params.num_pairs, args.seed or 0)
    _check_folder(args.out)
    model = _load(args)
    done = 0
    told: set[str | None] = set()
    for pair in pairs:
        source, driving = (open_clip(path, model.frame_size) for path in pair)
        out = args.out / f"{names[pair[0]]}-{names[pair[1]]}{params.format}"
        try:
            picture = next(iter(source.frames()))
            notice = fit_notice(picture.shape[:2], model.frame_size, args.fit)
            if notice not in told:
                told.add(notice)
                say(pair[0], notice)
            picture = fit(picture, model.frame_size, args.fit)
            with VideoWriter(out, driving.fps()) as writer:
                frames = fit_frames(_evenly(driving), model.frame_size, args.fit)
                panels = args.side_by_side
                results = _animated(model, picture, frames, MotionOptions(**params.motion))
                _write(writer, picture, results, panels, driving.count())
            warn(driving.problem)
            done += 1
        except DataError as error:
            warn(f"skipped: {error}")
    if not done:
        raise DataError(f"{args.data}: no pair of its videos could be animated")
    print(f"{args.out}: {done} videos")


def _pairs(pairs_list: str | None, videos: list[Path], count: int, seed: int) -> list[Pair]:
    if pairs_list is None:
        return draw_pairs(videos, count, seed)
    pairs, passed_over = read_pairs(pairs_list, videos, count)
    if passed_over:
        warn(f"{pairs_list}: {passed_over} pairs name videos that are not there")
    return pairs


def _evenly(clip: Any) -> Iterator[TimedFrame]:
    step = 1 / clip.fps()
    for i, image in enumerate(clip.frames()):
        yield TimedFrame(i * step, step, image)


def _check_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{path}: is no folder for results ({error.strerror})") from error
    if not os.access(path, os.W_OK):
        raise DataError(f"{path}: cannot be written")


# The command line


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("animate", __doc__, DETAILS.format(kinds=_supported()))
    add = parser.add_argument
    add(
        "--model", type=Path, required=True, metavar="DIR", help="model folder, trained or exported"
    )
    add("--source", type=Path, metavar="PICTURE", help="the picture that is to move")
    add("--driving", type=Path, metavar="VIDEO", help="the video it moves like")
    add("--data", type=Path, metavar="DIR", help="dataset: animate the videos of DIR/test by pairs")
    add(
        "--out", type=Path, required=True, metavar="PATH", help="result.mp4, result.gif or a folder"
    )
    add("--absolute", action="store_true", help="take place, size and shape of the driving object")
    add("--adapt-scale", action="store_true", help="scale the motion to the source object's size")
    add(
        "--best-frame",
        action="store_true",
        help="start from the driving frame most like the source",
    )
    add("--side-by-side", action="store_true", help="write source, driving and result in a row")
    add(
        "--seed", type=not_negative, metavar="N", help="of the pairs drawn with --data (default: 0)"
    )
    add_picture_arguments(parser, "driving")
    args = parser.parse_args(argv)
    _check_combination(parser, args)
    return args


def _supported() -> str:
    """A line for each kind, with the motion options that it takes."""
    flags = {"relative": "relative motion", "adapt_scale": "--adapt-scale"}
    flags["best_frame"] = "--best-frame"
    lines = []
    for kind in KINDS:
        takes = [text for name, text in flags.items() if name in kind.exported().SUPPORTED]
        lines.append(f"  {kind.config().KIND:28}{', '.join(['--absolute', *takes])}")
    return "\n".join(lines)


def _check_combination(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    if args.data is None:
        if args.source is None or args.driving is None:
            parser.error("give --source and --driving, or --data")
        if args.seed is not None:
            parser.error("--seed goes with --data only")
        return
    alone = ("source", "driving", "box", "driving_box", "absolute", "adapt_scale", "best_frame")
    for name in alone:
        if getattr(args, name):
            parser.error(
                f"--{name.replace('_', '-')} does not go with --data (the motion options come from "
                "the model's config: animate_params or transfer_params)"
            )


def _load(args: argparse.Namespace) -> Any:
    if _is_exported(args.model):
        return fomm_tf.load_exported(args.model, threads=args.threads)
    return fomm_tf.load_model(args.model)


def _is_exported(folder: Path) -> bool:
    return (folder / MANIFEST_FILE).is_file()


command = partial(run_command, main)

if __name__ == "__main__":
    command()
