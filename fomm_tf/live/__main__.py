"""A camera drives a picture, live: in a window, into a file, or as a camera for other programs."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from fomm_tf.animate import load_either
from fomm_tf.cli import command_parser, run_command, set_threads
from fomm_tf.errors import DataError, UserError
from fomm_tf.face.arguments import (
    add_crop_arguments,
    check_crop_arguments,
    paste_back,
    source_box,
)
from fomm_tf.live.camera import list_cameras, open_camera, play
from fomm_tf.live.outputs import Recording, VirtualCamera
from fomm_tf.live.puppet import Controls, Puppet, Source
from fomm_tf.live.session import Meter, Session
from fomm_tf.media.arguments import (
    add_picture_arguments,
    check_out,
    fitted_source,
    open_source,
)
from fomm_tf.media.comment import GENERATED

DETAILS = """\
examples:
  python -m fomm_tf.live --model exported/float32 --source me.png
  python -m fomm_tf.live --model exported/float32 --source me.jpg you.jpg --crop face --paste-back
  python -m fomm_tf.live --model exported/float32 --source me.png --driving talk.mp4 --out live.mp4
  python -m fomm_tf.live --model exported/float32 --source me.png --virtual-camera /dev/video9
  python -m fomm_tf.live --list-cameras

keys in the window:
  space        the frame now is the first frame: hold your head as the picture does
  m            mirror the camera
  a            absolute motion, and relative again
  n, 1 to 9    the next picture, or the one with this number
  s            save a still
  r            record, and stop recording
  q, Escape    end

An exported folder (`python -m export.convert`) is faster than a model folder and needs no
TensorFlow. Frames for which the model is too slow are left out: what is shown is the newest. With
--crop face the crop follows when the face leaves it, and that frame becomes the first frame.
"""


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    args = _parse(argv)
    if args.list_cameras:
        print("\n".join(list_cameras()) or "no camera was found")
        return
    set_threads(args.threads)
    if args.out is not None:
        check_out(args.out, *args.source, args.driving)
    if not args.folder.is_dir():
        raise DataError(f"{args.folder}: no such folder for stills and recordings")
    each = [argparse.Namespace(**{**vars(args), "source": path}) for path in args.source]
    pictures = [open_source(one) for one in each]
    with ExitStack() as stack:
        outputs = _outputs(args, stack)
        camera = play(args.driving) if args.driving else open_camera(args.camera)
        model = load_either(args.model, args.threads)
        sources = []
        for one, picture in zip(each, pictures, strict=True):
            box = source_box(one, picture, model.frame_size)
            fitted = fitted_source(one, picture, model.frame_size, box)
            sources.append(Source(fitted, paste_back(one, picture, model.frame_size, box)))
        controls = Controls(mirror=args.mirror, absolute=args.absolute)
        follow = args.crop == "face" and args.driving_box is None
        puppet = Puppet(model, sources, controls, args.fit, args.driving_box, follow)
        session = Session(camera, puppet)
        if outputs:
            _write(session, outputs)
        else:
            _show(args, session, controls, absolute_only=not model.default_motion.relative)


def _outputs(args: argparse.Namespace, stack: ExitStack) -> list[Any]:
    """Opened first: what cannot be written must fail before the camera's light goes on."""
    outputs: list[Any] = []
    if args.out is not None:
        outputs.append(Recording(args.out, _comment(args)))
    if args.virtual_camera is not None:
        outputs.append(VirtualCamera(args.virtual_camera))
    return [stack.enter_context(output) for output in outputs]


def _write(session: Session, outputs: list[Any]) -> None:
    """Until the camera ends or Ctrl-C, which is the usual end."""
    meter, count = Meter(), 0
    session.start()
    with tqdm(unit="frame", desc="live (Ctrl-C ends)") as bar:
        try:
            while (animated := session.results.take()) is not None:
                for output in outputs:
                    output.write(animated.result, animated.captured)
                meter.add(animated.captured)
                count += 1
                bar.set_postfix_str(str(meter), refresh=False)
                bar.update()
        except KeyboardInterrupt:
            session.stop()
    where = ", ".join(str(output.path) for output in outputs)
    print(f"{where}: {count} frames, {session.dropped} left out; at the end {meter}")


def _show(
    args: argparse.Namespace, session: Session, controls: Controls, absolute_only: bool
) -> None:
    try:
        from fomm_tf.live.window import Window
    except ImportError as error:
        raise UserError(
            f"a window needs tkinter ({error}): install python3-tk, or give --out FILE"
        ) from error
    window = Window(session, controls, len(args.source), args.folder, _comment(args), absolute_only)
    session.start()
    window.run()


def _comment(args: argparse.Namespace) -> str | None:
    return None if args.no_metadata else GENERATED


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("live", __doc__, DETAILS)
    add = parser.add_argument
    add("--model", type=Path, metavar="DIR", help="model folder; better an exported one")
    add("--source", type=Path, nargs="+", metavar="PICTURE", help="the pictures to animate")
    add("--camera", metavar="NAME", help="as --list-cameras names it (default: the first)")
    add("--driving", type=Path, metavar="VIDEO", help="a file, played in real time as the camera")
    add("--list-cameras", action="store_true", help="list the cameras and end")
    add("--out", type=Path, metavar="FILE", help="no window: a video of the results")
    add(
        "--virtual-camera",
        type=Path,
        metavar="DEVICE",
        help="no window: a v4l2loopback device, which other programs see as a camera (Linux)",
    )
    add(
        "--folder",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="for the window's stills and recordings (default: the current one)",
    )
    add("--mirror", action="store_true", help="start with the camera mirrored")
    add("--absolute", action="store_true", help="start with absolute motion")
    add_picture_arguments(parser, "driving")
    add_crop_arguments(parser)
    args = parser.parse_args(argv)
    if not args.list_cameras:
        if args.model is None or args.source is None:
            parser.error("give --model and --source")
        if args.camera is not None and args.driving is not None:
            parser.error("give --camera or --driving")
        check_crop_arguments(parser, args)
    return args


command = partial(run_command, main)

if __name__ == "__main__":
    command()
