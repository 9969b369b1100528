"""Calibration images for int8 graphs: frames of the user's videos, or drawn faces."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fomm_tf.config.base import BaseConfig
from fomm_tf.data.cartoon_faces import MAX_SIZE, MIN_SIZE, render_video
from fomm_tf.data.clips import Clip as DatasetClip
from fomm_tf.data.clips import StripClip, VideoClip, list_videos, open_clip
from fomm_tf.errors import DataError
from fomm_tf.media.fitting import fit
from fomm_tf.media.pictures import read_picture, to_float
from fomm_tf.media.video_file import VIDEO_SUFFIXES

MIN_FRAMES = 16
# More hardly change the ranges of a trained model (docs/quantization.md).
CLIPS, FRAMES = 8, 5
# Drawn clips have this many frames, evenly sampled from more.
_DRAWN_FRAMES = 40
SEED = 5
_DATASET = "cartoon-faces"

Clip = list[np.ndarray]
"""Images [1, H, W, C] in [0, 1]; the first is the source, all are driving frames."""


class Calibration(NamedTuple):
    """clips: for calibration. held_out: one more of the same kind, for comparison, and its name;
    None for drawn faces, which have separate ones for comparison."""

    clips: list[Clip]
    held_out: tuple[Clip, str] | None


def read_calibration(path: Path | None, config: BaseConfig) -> Calibration:
    """Frames of a video, a folder of videos or a folder of pictures; of drawn faces for None.

    Warns on stderr if the model was not trained on drawn faces. Raises DataError with one line for
    unreadable input or too few frames.
    """
    if path is None:
        if not fits_drawn_faces(config):
            print(
                "warning: int8 without --calibration uses drawn faces, which this model was not "
                "trained on; give a video like its training data",
                file=sys.stderr,
            )
        return Calibration(drawn_clips(config, SEED, CLIPS), None)
    clips = read_clips(path, config, CLIPS + 1)
    return Calibration(clips[:-1], (clips[-1], f"frames of {path.name} not calibrated with"))


def fits_drawn_faces(config: BaseConfig) -> bool:
    """Whether a model was trained on drawn faces, judging by the name of its dataset's folder."""
    return Path(config.dataset_params.root_dir).name == _DATASET


def drawn_clips(config: BaseConfig, seed: int, count: int, frames: int = FRAMES) -> list[Clip]:
    """The first videos of `fomm_tf.data.cartoon_faces` with this seed: `frames` of each, evenly
    sampled."""
    side = drawn_side(config.dataset_params.frame_shape[:2])
    chosen = set(_evenly(frames, _DRAWN_FRAMES))
    return [
        [
            model_input(frame, config)
            for index, frame in enumerate(render_video(seed, video, _DRAWN_FRAMES, side))
            if index in chosen
        ]
        for video in range(count)
    ]


def read_clips(path: Path, config: BaseConfig, count: int, frames: int = FRAMES) -> list[Clip]:
    """About `count` clips, at least two: of a video, a folder of videos, or a folder of pictures.

    Frames are sampled evenly, and fitted to the config's frame shape. Raises DataError with one
    line for unreadable input and for fewer frames than `MIN_FRAMES`.
    """
    videos = _videos(path, config.dataset_params.frame_shape[:2], count)
    clips = []
    for index, (length, read) in enumerate(videos):
        # As many clips per video as needed.
        share = (count * (index + 1)) // len(videos) - (count * index) // len(videos)
        chosen = _evenly(share * frames, length)
        number = max(1, min(share, len(chosen) // frames))
        pictures = [model_input(frame, config) for frame in read(chosen)]
        # Each clip spans its whole video.
        clips += [pictures[start::number] for start in range(number)]
    clips = [clip for clip in clips if len(clip) > 1]
    found = sum(map(len, clips))
    if found < MIN_FRAMES:
        raise DataError(f"{path}: has {found} frames, but int8 needs {MIN_FRAMES} or more")
    return clips


def drawn_side(size: tuple[int, int]) -> int:
    """The drawing size of faces that will be fitted to `size`, (height, width)."""
    return min(max(*size, MIN_SIZE), MAX_SIZE)


def model_input(frame: np.ndarray, config: BaseConfig) -> np.ndarray:
    """Fits an image, uint8 [h, w, 3], to the frame shape: float32 [1, H, W, C] in [0, 1]."""
    height, width, channels = config.dataset_params.frame_shape
    # Models with other than 3 channels are rare; the choice of channels does not matter.
    order = np.arange(channels) % 3
    return to_float(fit(frame, (height, width)))[None, ..., order]


_Video = tuple[int, Callable[[Sequence[int]], Iterable[np.ndarray]]]
"""The number of frames, and a function that reads those with given indices."""


def _videos(path: Path, size: tuple[int, int], count: int) -> list[_Video]:
    """At most `count`; size: (height, width) of frames, for strips of frames."""
    if not path.is_dir():
        return [_video(VideoClip(path))]
    entries = list_videos(path)
    videos = [one for one in entries if one.is_dir() or one.suffix.lower() in VIDEO_SUFFIXES]
    if not videos and _is_strip(entries[0], size):
        videos = entries
    if videos:
        return [_video(open_clip(videos[i], size)) for i in _evenly(count, len(videos))]
    # Pictures of any size, possibly of different people.
    return [(len(entries), lambda chosen: [read_picture(entries[i]) for i in chosen])]


def _video(clip: DatasetClip) -> _Video:
    return clip.count(), clip.read


def _is_strip(path: Path, size: tuple[int, int]) -> bool:
    """Whether a picture is a strip of frames, as in the official datasets."""
    try:
        return StripClip(path, size).count() > 1
    except DataError:
        return False


def _evenly(count: int, length: int) -> list[int]:
    """At most `count` evenly spaced indices below `length`, including the first and the last."""
    if count >= length:
        return list(range(length))
    return np.linspace(0, length - 1, count).round().astype(int).tolist()
