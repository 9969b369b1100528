"""Pictures as videos: animated WebP, PNG and AVIF; any other picture is one frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from fomm_tf.errors import DataError
from fomm_tf.media.frames import TimedFrame
from fomm_tf.media.picture_folder import FOLDER_FPS
from fomm_tf.media.pictures import WHITE, Color, is_heic, opened_picture, reading, to_rgb

# Of these more than one frame is an animation; of others it is pages, or a photo's depth map.
_ANIMATED = ("WEBP", "PNG", "AVIF")

# What the files begin with; GIFs are not among them, they are read as videos.
_BEGINNINGS = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*", b"P5", b"P6")

# Seconds: shorter ones are shown for SLOWED by all browsers.
_SHORTEST, _SLOWED = 0.011, 0.1


def frames_of_picture(path: Path) -> int:
    """How many frames a file has as a video if it is a picture (1: a still), and 0 if it is none.

    Only its header is read. A HEIC raises DataError: it looks like a video, and is none.
    """
    if not path.is_file():
        return 0
    try:
        with open(path, "rb") as file:
            beginning = file.read(16)
    except OSError:
        return 0
    if is_heic(beginning):
        raise DataError(f"{path}: is a HEIC, which cannot be read; save it as JPEG or PNG")
    kind = beginning[8:12] if beginning[:4] == b"RIFF" else beginning[4:12]
    if not beginning.startswith(_BEGINNINGS) and kind not in (b"WEBP", b"ftypavif", b"ftypavis"):
        return 0
    try:
        with reading(path), opened_picture(path) as picture:
            return max(1, len(_places(picture)))
    except DataError:
        return 0


def is_animated(path: Path) -> bool:
    """Whether a picture of a kind that may move does so. Only its header is read."""
    return path.suffix.lower() in (".webp", ".png", ".apng", ".avif") and (
        frames_of_picture(path) > 1
    )


def read_animation(path: Path, ground: Color = WHITE) -> Iterator[TimedFrame]:
    """The frames of a picture, each whole as it is shown. Raises DataError where it is damaged."""
    time = 0.0
    with reading(path), opened_picture(path) as picture:
        places = _places(picture)
        if not places:
            yield TimedFrame(0.0, 1 / FOLDER_FPS, to_rgb(picture, ground))
        for place in places:
            picture.seek(place)
            image = to_rgb(picture, ground)
            duration = picture.info.get("duration", 0) / 1000
            duration = _SLOWED if duration < _SHORTEST else duration
            yield TimedFrame(time, duration, image)
            time += duration


def _places(picture: Image.Image) -> range:
    """The frames of an animation, by their numbers; none of a still."""
    count = getattr(picture, "n_frames", 1) if picture.format in _ANIMATED else 1
    if count == 1:
        return range(0)
    # A PNG may have a picture in front for programs that know no animations.
    return range(1 if getattr(picture, "default_image", False) else 0, count)
