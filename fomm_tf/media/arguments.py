"""What commands that take a picture and a video share: their arguments, and what comes of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import ImageColor

from fomm_tf.cli import box, positive, say
from fomm_tf.errors import DataError
from fomm_tf.media.comment import GENERATED
from fomm_tf.media.fitting import check_box, fit, fit_frames, fit_notice
from fomm_tf.media.frames import TimedFrame
from fomm_tf.media.pictures import WHITE, Box, Color, Picture, open_picture
from fomm_tf.media.video_reader import Video, open_video
from fomm_tf.media.video_writer import VideoWriter


def add_picture_arguments(parser: argparse.ArgumentParser, video: str | None = None) -> None:
    """Arguments of commands that take a picture (--source) and write --out; with `video`, the name
    of its argument, of those that take a video beside it."""
    add = parser.add_argument
    add(
        "--fit",
        choices=("crop", "letterbox"),
        default="crop",
        help="pictures of another aspect: cut off the sides (default) or add black bars",
    )
    add("--box", type=box, metavar="X,Y,W,H", help="the part of the source to use, in pixels")
    if video is not None:
        text = f"the same for the {video} video"
        add(f"--{video}-box", type=box, metavar="X,Y,W,H", help=text)
    add(
        "--ground",
        type=_color,
        metavar="COLOUR",
        help="what transparent parts are put on: a name or #RRGGBB (default: white)",
    )
    add(
        "--max-pixels",
        type=positive,
        metavar="N",
        help="read pictures of up to N pixels (default: 89 million; a larger JPEG is read smaller)",
    )
    add("--no-metadata", action="store_true", help="no comment in the result on what made it")
    add("--threads", type=positive, metavar="N", help="processor threads (default: all)")


def open_source(args: argparse.Namespace) -> Picture:
    """--source, with what is to be told of it told. Raises DataError, also for a wrong --box."""
    source = open_picture(args.source, args.ground or WHITE, args.max_pixels)
    check_box(args.box, np.empty((source.height, source.width)), str(args.source))
    for notice in source.notices:
        say(args.source, notice)
    return source


def fitted_source(
    args: argparse.Namespace, source: Picture, size: tuple[int, int], part: Box | None = None
) -> np.ndarray:
    """`open_source` cut to a model's (height, width): uint8 [height, width, 3].

    part: what to use of its image; default: --box."""
    part = part or source.part(args.box)
    say(args.source, fit_notice(source.image.shape[:2], size, args.fit, part))
    return fit(source.image, size, args.fit, part)


def open_driving(args: argparse.Namespace, name: str) -> Video:
    """The video in the argument `name`. Raises DataError, also for a wrong --NAME-box."""
    path = getattr(args, name)
    video = open_video(path, args.ground or WHITE)
    check_box(getattr(args, f"{name}_box"), np.empty((video.height, video.width)), str(path))
    for notice in video.notices:
        say(path, notice)
    return video


def fitted_frames(
    args: argparse.Namespace,
    name: str,
    video: Video,
    size: tuple[int, int],
    boxes: Mapping[int, Box] | None = None,
) -> Iterator[TimedFrame]:
    """The frames of `open_driving` cut to a model's (height, width); what a pass over them finds is
    told when it ends.

    boxes: what to use, by the index of the first frame that it is for; default: --NAME-box."""
    known = len(video.notices)
    box = getattr(args, f"{name}_box")
    yield from fit_frames(video.timed(), size, args.fit, boxes or ({0: box} if box else None))
    for notice in video.notices[known:]:
        say(getattr(args, name), notice)


def say_fit(args: argparse.Namespace, name: str, video: Video, size: tuple[int, int]) -> None:
    """Tells what `fitted_frames` cuts off or adds."""
    notice = fit_notice((video.height, video.width), size, args.fit, getattr(args, f"{name}_box"))
    say(getattr(args, name), notice)


def open_output(
    args: argparse.Namespace, fps: float, audio_from: Path | None = None
) -> VideoWriter:
    """The writer of --out."""
    return VideoWriter(args.out, fps, audio_from, None if args.no_metadata else GENERATED)


def check_out(out: Path, *inputs: Path | None) -> None:
    """Raises DataError where the result would replace a file that it is made of."""
    for path in inputs:
        if path is not None and out.exists() and path.exists() and out.samefile(path):
            raise DataError(f"--out {out} is the input {path}: give the result another name")


def _color(text: str) -> Color:
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no colour: give a name such as black, or #RRGGBB"
        ) from None
    return red, green, blue
