"""Clips to animate and to reconstruct with a Keras model and its exported graphs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from export.calibration import drawn_side
from fomm_tf.config.base import BaseConfig
from fomm_tf.data.cartoon_faces import render_video
from fomm_tf.errors import DataError, ModelError
from fomm_tf.inference.animation import animate_frames
from fomm_tf.inference.loading import signatures_of
from fomm_tf.media.fitting import fit
from fomm_tf.media.pictures import read_picture
from fomm_tf.media.video_reader import Video, open_video

# The bundled model was trained on seed 1. (source's video, driving video) of each clip.
SEED = 11
PAIRS = ((0, 1), (2, 3), (4, 5))
FRAMES = 50


def check_animates(config: BaseConfig, where: Path) -> None:
    """Raises ModelError for a model whose graphs do not generate frames; `where`: its source."""
    names = {one.name for signatures in signatures_of(config).values() for one in signatures}
    if "animate" not in names:
        raise ModelError(
            f"{where} is a {config.KIND}, whose graphs do not generate frames; "
            "python -m export.verify compares their outputs"
        )


@dataclass(frozen=True)
class Clip:
    """A source picture, uint8 [H, W, 3], and driving frames of that size.

    `driving` can be iterated repeatedly; `count`: its number of frames, if known.
    """

    name: str
    source: np.ndarray
    driving: Iterable[np.ndarray]
    count: int | None


def drawn_clips(
    size: tuple[int, int], pairs: Iterable[tuple[int, int]] = PAIRS, frames: int = FRAMES
) -> list[Clip]:
    """Drawn faces animated by each other, not in the bundled model's training data.

    size: (height, width) of the frames. The frames are held in memory.
    """
    side = drawn_side(size)
    clips = []
    for source, driving in pairs:
        picture = fit(next(render_video(SEED, source, 1, side)), size)
        video = [fit(frame, size) for frame in render_video(SEED, driving, frames, side)]
        name = f"drawn face {source} by {driving}, seed {SEED}"
        clips.append(Clip(name, picture, video, len(video)))
    return clips


def read_clip(driving: Path, source: Path | None, size: tuple[int, int]) -> Clip:
    """A driving video and a source picture (default: the video's first frame), fitted to `size`.

    Every iteration rereads the frames. Raises DataError for unreadable input.
    """
    video = open_video(driving)
    picture = next(iter(video), None) if source is None else read_picture(source)
    if picture is None:
        raise DataError(f"{driving}: has no frames")
    by = "its first frame" if source is None else source.name
    return Clip(
        f"{by} by {driving.name}", fit(picture, size), _Fitted(video, size), video.frame_count
    )


@dataclass(frozen=True)
class _Fitted:
    video: Video
    size: tuple[int, int]

    def __iter__(self) -> Iterator[np.ndarray]:
        for frame in self.video:
            yield fit(frame, self.size)


def animated(model: Any, clip: Clip) -> Iterator[np.ndarray]:
    """The frames as `animate` makes them: by relative motion where the model supports it, keypoints
    of the model's own.

    float32 [H, W, 3] each.
    """
    return animate_frames(model, clip.source, clip.driving, model.default_motion)
