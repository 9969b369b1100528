"""Animates a picture with a driving video, or the test videos of a dataset with each other.

One picture:  --source PICTURE --driving VIDEO --out result.mp4
A dataset:    --data DIR --out FOLDER
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import fomm_tf
from fomm_tf.cli import command_parser, not_negative, positive, run_command, set_threads, warn
from fomm_tf.errors import DataError, ModelError
from fomm_tf.face.arguments import (
    add_crop_arguments,
    check_crop_arguments,
    driving_boxes,
    paste_back,
    source_box,
)
from fomm_tf.inference.animation import find_best_frame
from fomm_tf.inference.folder import CONFIG_FILE
from fomm_tf.inference.loading import read_manifest
from fomm_tf.inference.manifest import MANIFEST_FILE
from fomm_tf.inference.motion import MotionOptions
from fomm_tf.inference.pair_animation import animate_pairs, dataset_pairs
from fomm_tf.inference.rendering import animated, write_frames
from fomm_tf.media.arguments import (
    add_picture_arguments,
    check_out,
    fitted_frames,
    fitted_source,
    open_driving,
    open_output,
    open_source,
    say_fit,
)
from fomm_tf.media.frames import TimedFrame
from fomm_tf.registry import KINDS, load_config

DETAILS = """\
examples:
  python -m fomm_tf.animate --model models/cartoon-faces --source me.png --driving talk.mp4 \\
      --out result.mp4
  python -m fomm_tf.animate --model models/cartoon-faces --source me.jpg --driving talk.gif \\
      --out result.gif --best-frame --side-by-side
  python -m fomm_tf.animate --model models/cartoon-faces --source group.jpg \\
      --box 310,120,256,256 --driving talk.mp4 --driving-box 80,0,480,480 --out frames
  python -m fomm_tf.animate --model models/cartoon-faces --source holiday.jpg --driving talk.mp4 \
      --crop face --paste-back --out moving.mp4
  python -m fomm_tf.animate --model models/cartoon-faces --data data/faces --out results --jobs 4

The result has the model's frame size, and the frame rate, duration and sound (.mp4) of the driving
video. A driving video is a video file, an animated GIF or a folder of pictures (25 frames/s). With
--fit letterbox the black bars are part of the model's input and of the result.

With --data the first video of a pair provides the source picture, the second drives it; pairs_list,
or else num_pairs, in the model's config selects the pairs. A DIR without test/ holds the videos
itself; a fifth of them, held out when training on DIR, is used, as by `evaluate`. To animate all
videos of a folder, put them into DIR/test.

Motion options by kind of model (without --absolute motion is relative):
{kinds}
"""


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    args = _parse(argv)
    set_threads(args.threads)
    if not args.model.is_dir():
        raise ModelError(f"{args.model}: no such model folder")
    if args.data is None:
        _animate_picture(args)
    else:
        _animate_dataset(args)


def _animate_picture(args: argparse.Namespace) -> None:
    check_out(args.out, args.source, args.driving)
    picture, driving = open_source(args), open_driving(args, "driving")
    audio = args.driving if driving.has_audio else None
    # Opened first: an output that cannot be written must fail before minutes of work.
    with open_output(args, driving.fps, audio) as writer:
        model = load_either(args.model, args.threads)
        size = model.frame_size
        box = source_box(args, picture, size)
        source = fitted_source(args, picture, size, box)
        boxes = driving_boxes(args, driving, size)
        if args.crop == "none":
            say_fit(args, "driving", driving, size)
        paste = paste_back(args, picture, size, box)
        motion = MotionOptions(
            relative=not args.absolute, adapt_scale=args.adapt_scale, best_frame=args.best_frame
        )
        model.check_motion(motion)
        frames = partial(fitted_frames, args, "driving", driving, size, boxes)
        total = driving.frame_count
        kp_initial = _best_initial(model, source, frames(), total) if args.best_frame else None
        started = time.monotonic()
        results = animated(model, source, frames(), motion, kp_initial)
        if paste is not None:
            results = ((frame, paste(result)) for frame, result in results)
        count = write_frames(writer, source, results, args.side_by_side, total)
        seconds = time.monotonic() - started
    warn(driving.problem)
    warn(writer.problem)
    print(f"{args.out}: {count} frames in {seconds:.1f} s")


def _best_initial(
    model: Any, source: np.ndarray, frames: Iterator[TimedFrame], total: int | None
) -> Any:
    times: list[float] = []

    def images() -> Iterator[np.ndarray]:
        for frame in frames:
            times.append(frame.time)
            yield frame.image

    bar = tqdm(images(), "searching for the best frame", total, unit="frame")
    index, kp = find_best_frame(model, source, bar)
    print(f"best frame: {index}, at {times[index]:.2f} s")
    return kp


def _animate_dataset(args: argparse.Namespace) -> None:
    config = (
        read_manifest(args.model).config
        if _is_exported(args.model)
        else load_config(args.model / CONFIG_FILE)
    )
    pairs = dataset_pairs(args.data, config, args.seed or 0)
    _check_folder(args.out)
    done = animate_pairs(load_either, pairs, args)
    if not done:
        raise DataError(f"{args.data}: no pair of its videos could be animated")
    print(f"{args.out}: {done} videos")


def _check_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{path}: cannot be used as output folder ({error.strerror})") from error
    if not os.access(path, os.W_OK):
        raise DataError(f"{path}: cannot be written")


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("animate", __doc__, DETAILS.format(kinds=_supported()))
    add = parser.add_argument
    add(
        "--model", type=Path, required=True, metavar="DIR", help="model folder, trained or exported"
    )
    add("--source", type=Path, metavar="PICTURE", help="the picture to animate")
    add("--driving", type=Path, metavar="VIDEO", help="the video whose motion to transfer")
    add("--data", type=Path, metavar="DIR", help="dataset: animate the videos of DIR/test by pairs")
    add(
        "--out", type=Path, required=True, metavar="PATH", help="result.mp4, result.gif or a folder"
    )
    add("--absolute", action="store_true", help="adopt place, size and shape of the driving object")
    add("--adapt-scale", action="store_true", help="scale the motion to the source object's size")
    add(
        "--best-frame",
        action="store_true",
        help="initial frame: the driving frame whose pose is closest to the source's",
    )
    add("--side-by-side", action="store_true", help="write source, driving and result in a row")
    add("--seed", type=not_negative, metavar="N", help="for drawing pairs with --data (default: 0)")
    add(
        "--jobs",
        type=positive,
        default=1,
        metavar="N",
        help="with --data: processes, each with the model (default: 1, with all processors)",
    )
    add_picture_arguments(parser, "driving")
    add_crop_arguments(parser)
    args = parser.parse_args(argv)
    _check_combination(parser, args)
    return args


def _supported() -> str:
    """One line per kind, with the motion options that it supports."""
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
        if args.jobs > 1:
            parser.error("--jobs goes with --data only")
        if args.paste_back and args.side_by_side:
            parser.error("--paste-back does not go with --side-by-side: their sizes differ")
        check_crop_arguments(parser, args)
        return
    alone = (
        *("source", "driving", "box", "driving_box", "ground", "max_pixels"),
        *("absolute", "adapt_scale", "best_frame", "face", "paste_back"),
    )
    if args.crop == "face":
        parser.error("--crop face does not go with --data: crop its videos first")
    for name in alone:
        if getattr(args, name):
            parser.error(
                f"--{name.replace('_', '-')} does not go with --data (the motion options come from "
                "the model's config: animate_params or transfer_params)"
            )


def load_either(folder: Path, threads: int | None) -> Any:
    """The model of a model folder, or of an exported one. Raises ModelError."""
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model folder")
    if _is_exported(folder):
        return fomm_tf.load_exported(folder, threads=threads)
    return fomm_tf.load_model(folder)


def _is_exported(folder: Path) -> bool:
    return (folder / MANIFEST_FILE).is_file()


command = partial(run_command, main)

if __name__ == "__main__":
    command()
