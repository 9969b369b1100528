"""Swaps parts of a picture, such as hair or mouth, into a video, with a co-part model.

First view the parts:    --target VIDEO --show-segmentation --out parts.mp4
Then swap some of them:  --source PICTURE --target VIDEO --parts 1,2 --out result.mp4
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from fomm_tf.cli import (
    command_parser,
    run_command,
    set_threads,
    warn,
)
from fomm_tf.copart import CoPart
from fomm_tf.copart.pictures import paint_parts
from fomm_tf.errors import ModelError
from fomm_tf.inference.loading import load_model
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
from fomm_tf.media.pictures import Picture, side_by_side, to_float
from fomm_tf.media.video_reader import Video
from fomm_tf.media.video_writer import VideoWriter
from fomm_tf.quiet import import_tensorflow

DETAILS = """\
examples:
  # show the numbers of the parts (0 is the background)
  python -m fomm_tf.swap_parts --model models/copart-vox --target talk.mp4 \\
      --show-segmentation --out parts.mp4

  # swap the picture's parts 2 and 5 into the video
  python -m fomm_tf.swap_parts --model models/copart-vox --source me.png --target talk.mp4 \\
      --parts 2,5 --out result.mp4

  # with their shape from the picture, and a sharp edge
  python -m fomm_tf.swap_parts --model models/copart-vox --source me.png --target talk.mp4 \\
      --parts 2,5 --use-source-segmentation --hard --out result.gif

The result has the model's frame size, and the frame rate, duration and sound (.mp4) of the target
video. A target video is a video file, an animated GIF or a folder of pictures (25 frames/s). With
--show-segmentation a result is written beside source and target, both with their parts coloured and
numbered; without --parts, only the target is. --first-order needs a model converted from a
checkpoint with a dense motion network.
"""

Frame = Callable[[np.ndarray], np.ndarray]
"""A target frame of the model's size, uint8 [H, W, 3] -> the frame to write."""


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    args = _parse(argv)
    set_threads(args.threads)
    check_out(args.out, args.source, args.target)
    if not args.model.is_dir():
        raise ModelError(f"{args.model}: no such model folder")
    source = None
    if args.source is not None:
        source = open_source(args)
    target = open_driving(args, "target")
    audio = args.target if target.has_audio else None
    # Opened first: an output that cannot be written must fail before minutes of work.
    with open_output(args, target.fps, audio) as writer:
        model = _load(args.model)
        say_fit(args, "target", target, model.frame_size)
        frame = _segmented(model) if source is None else _swapped(args, model, source)
        started = time.monotonic()
        count = _write(writer, frame, target, model.frame_size, args)
        seconds = time.monotonic() - started
    warn(target.problem)
    warn(writer.problem)
    print(f"{args.out}: {count} frames in {seconds:.1f} s")


def _write(
    writer: VideoWriter,
    frame: Frame,
    target: Video,
    size: tuple[int, int],
    args: argparse.Namespace,
) -> int:
    count = 0
    frames = fitted_frames(args, "target", target, size)
    for timed in tqdm(frames, total=target.frame_count, unit="frame", desc=writer.path.name):
        writer.write(frame(timed.image), timed.time, timed.duration)
        count += 1
    return count


def _segmented(model: Any) -> Frame:
    colormap = model.config.visualizer_params.colormap

    def frame(image: np.ndarray) -> np.ndarray:
        return paint_parts(image, model.detect(to_float(image)[None]).segmentation[0], colormap)

    return frame


def _swapped(args: argparse.Namespace, model: Any, picture: Picture) -> Frame:
    from fomm_tf.copart.part_swap import PartSwap

    source = fitted_source(args, picture, model.frame_size)
    swap = PartSwap(
        model,
        to_float(source)[None],
        args.parts,
        hard=args.hard,
        use_source_segmentation=args.use_source_segmentation,
        first_order=args.first_order,
    )
    colormap = model.config.visualizer_params.colormap
    panel = paint_parts(source, swap.segments.segmentation[0], colormap)

    def frame(image: np.ndarray) -> np.ndarray:
        swapped = swap(to_float(image)[None])
        if not args.show_segmentation:
            return swapped.prediction[0]
        painted = paint_parts(image, swapped.segmentation[0], colormap)
        return side_by_side(panel, painted, swapped.prediction[0])

    return frame


def _load(folder: Path) -> Any:
    import_tensorflow()

    model = load_model(folder, CoPart())
    channels = model.config.model_params.num_channels
    if channels != 3:
        raise ModelError(f"{folder}: this command needs an RGB model, not {channels} channels")
    return model


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("swap_parts", __doc__, DETAILS)
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="DIR", help="folder of a co-part model")
    add("--source", type=Path, metavar="PICTURE", help="the picture that provides the parts")
    add("--target", type=Path, required=True, metavar="VIDEO", help="the video that receives them")
    add("--out", type=Path, required=True, metavar="FILE", help="result.mp4, .gif or a folder")
    add("--parts", type=_parts, metavar="N,N,...", help="numbers of the parts to swap")
    add("--hard", action="store_true", help="a sharp edge: each pixel is swapped or not")
    add(
        "--use-source-segmentation",
        action="store_true",
        help="mask with the source's warped segmentation instead of the target's",
    )
    add(
        "--first-order",
        action="store_true",
        help="warp the source with a FOMM's dense motion instead of the parts' motion",
    )
    add("--show-segmentation", action="store_true", help="show the parts in colour, numbered")
    add_picture_arguments(parser, "target")
    args = parser.parse_args(argv)
    _check_combination(parser, args)
    return args


def _check_combination(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    if (args.source is None) != (args.parts is None):
        parser.error("--source and --parts must be given together")
    if args.source is not None:
        return
    if not args.show_segmentation:
        parser.error("give --source and --parts to swap, or --show-segmentation to see the parts")
    for name in ("hard", "use_source_segmentation", "first_order", "box"):
        if getattr(args, name):
            parser.error(f"--{name.replace('_', '-')} needs --source and --parts")


def _parts(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of part numbers such as 1,2")
    return [int(part) for part in parts]


command = partial(run_command, main)

if __name__ == "__main__":
    command()
