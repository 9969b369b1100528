"""One video of a dataset, in any form on disk: file, folder of frames, or strip of frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from fomm_tf.errors import DataError
from fomm_tf.files import natural_order
from fomm_tf.media.animated_picture import is_animated
from fomm_tf.media.frames import TimedFrame
from fomm_tf.media.picture_folder import FOLDER_FPS
from fomm_tf.media.pictures import PICTURE_SUFFIXES, read_picture
from fomm_tf.media.video_file import VIDEO_SUFFIXES
from fomm_tf.media.video_reader import count_frames, frames_at, open_video


class Clip(Protocol):
    """A video of a dataset. Frames are uint8 [h, w, 3], in their stored size.

    Every method may raise DataError or OSError. `problem` is one line about damage found while
    reading all frames, else None; `notices` are lines about processing of the video, complete after
    all frames have been read.
    """

    path: Path
    problem: str | None
    notices: Sequence[str]

    def check(self) -> None:
        """Reads the first frame: raises if the clip is unusable."""

    def count(self) -> int:
        """Number of frames, at least 1; a damaged file may yield fewer."""

    def timed(self) -> Iterator[TimedFrame]:
        """All frames, one at a time, each with its time and duration."""

    def frames(self) -> Iterator[np.ndarray]:
        """All frames, one at a time, without their times."""

    def read(self, indices: Sequence[int]) -> list[np.ndarray]:
        """The frames at these indices."""

    def fps(self) -> float:
        """Frames per second, on average."""


class VideoClip:
    """A video file, an animated picture, or a folder with one picture per frame."""

    def __init__(self, path: Path):
        self.path = path
        self.problem: str | None = None
        self.notices: Sequence[str] = ()
        self._count: int | None = None

    def check(self) -> None:
        open_video(self.path)

    def count(self) -> int:
        if self._count is None:
            self._count = count_frames(self.path)
            if not self._count:
                raise DataError(f"{self.path}: has no frames")
        return self._count

    def timed(self) -> Iterator[TimedFrame]:
        video = open_video(self.path)
        yield from video.timed()
        self.problem, self.notices = video.problem, video.notices

    def frames(self) -> Iterator[np.ndarray]:
        return (frame.image for frame in self.timed())

    def read(self, indices: Sequence[int]) -> list[np.ndarray]:
        return frames_at(self.path, indices)

    def fps(self) -> float:
        return open_video(self.path).fps


class StripClip:
    """One picture with the frames side by side, each with the aspect ratio of `frame_size`."""

    problem: str | None = None
    notices: Sequence[str] = ()

    def __init__(self, path: Path, frame_size: tuple[int, int]):
        self.path = path
        self._frame_size = frame_size
        self._count: int | None = None

    def check(self) -> None:
        self.count()

    def count(self) -> int:
        if self._count is None:
            self._count = len(self._split())
        return self._count

    def timed(self) -> Iterator[TimedFrame]:
        for i, image in enumerate(self._split()):
            yield TimedFrame(i / FOLDER_FPS, 1 / FOLDER_FPS, image)

    def frames(self) -> Iterator[np.ndarray]:
        return (frame.image for frame in self.timed())

    def read(self, indices: Sequence[int]) -> list[np.ndarray]:
        return list(self._split()[list(indices)])

    def fps(self) -> float:
        return FOLDER_FPS

    def _split(self) -> np.ndarray:
        """[n, h, w, 3], a view of the image."""
        strip = read_picture(self.path)
        height, total = strip.shape[:2]
        width, rest = divmod(height * self._frame_size[1], self._frame_size[0])
        if rest or not width or total % width:
            frame = "x".join(map(str, reversed(self._frame_size)))
            raise DataError(
                f"{self.path}: {total}x{height} is not a row of {frame} frames; its width"
                " must be a multiple of a frame's (dataset_params.frame_shape)"
            )
        return strip.reshape(height, total // width, width, 3).swapaxes(0, 1)


class StillClip(StripClip):
    """One picture of any size, as a video of one frame."""

    def _split(self) -> np.ndarray:
        return read_picture(self.path)[None]


def open_clip(path: Path, frame_size: tuple[int, int]) -> Clip:
    """The clip at a path from `list_videos`; no frame is read yet."""
    moves = path.suffix.lower() in VIDEO_SUFFIXES or path.is_dir() or is_animated(path)
    return VideoClip(path) if moves else StripClip(path, frame_size)


def list_videos(folder: str | Path) -> list[Path]:
    """The videos directly in `folder`, in natural order (2 before 10); other files are ignored.

    Raises DataError if `folder` is not a folder or contains no videos.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give the folder of a dataset of videos")
    videos = [path for path in folder.iterdir() if path.name[0] != "." and _is_video(path)]
    if not videos:
        kinds = ", ".join(suffix[1:] for suffix in VIDEO_SUFFIXES)
        raise DataError(
            f"{folder}: holds no videos; put video files ({kinds}), folders of frames, or pictures"
            " with the frames side by side there"
        )
    return sorted(videos, key=natural_order)


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """The names of videos without suffix, or with it where they would otherwise collide."""
    stems = [path.stem for path in paths]
    return [
        stem if stems.count(stem) == 1 else path.name
        for stem, path in zip(stems, paths, strict=True)
    ]


def _is_video(path: Path) -> bool:
    if path.is_dir():
        # A folder of .gif files holds videos, not the frames of one.
        frames = set(PICTURE_SUFFIXES) - set(VIDEO_SUFFIXES)
        return any(file.suffix.lower() in frames for file in path.iterdir())
    return path.suffix.lower() in VIDEO_SUFFIXES + PICTURE_SUFFIXES
