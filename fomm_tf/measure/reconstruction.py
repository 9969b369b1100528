"""Reconstruction of a dataset's test videos: scores, images and videos."""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from fomm_tf.data.clips import Clip, distinct_names
from fomm_tf.data.dataset import FramesDataset
from fomm_tf.errors import DataError
from fomm_tf.measure.extremes import Extremes
from fomm_tf.measure.landmarks import LandmarkScore
from fomm_tf.measure.metrics import Reconstruction, Score, reconstruct
from fomm_tf.media.frames import TimedFrame
from fomm_tf.media.pictures import side_by_side, to_uint8, write_picture
from fomm_tf.media.video_writer import VideoWriter

# A strip of frames is one image, held in memory: of longer videos it shows the beginning.
STRIP_FRAMES = 500
PICTURE_ROWS = 4


@dataclass
class VideoResult:
    """One video's scores: for the model and for the unchanged source frame."""

    name: str
    model: Score = field(default_factory=Score)
    copy_source: Score = field(default_factory=Score)
    landmarks: LandmarkScore = field(default_factory=LandmarkScore)
    landmarks_copy_source: LandmarkScore = field(default_factory=LandmarkScore)
    seconds: list[float] = field(default_factory=list)

    def metrics(self) -> dict[str, float]:
        """The values as in metrics.json."""
        names = ("l1", "psnr", "ssim")
        metrics: dict[str, float] = {name: getattr(self.model, name) for name in names}
        metrics |= {f"{name}_copy_source": getattr(self.copy_source, name) for name in names}
        metrics["frames"] = self.model.frames
        return metrics

    def landmark_metrics(self) -> dict[str, float | None]:
        """The values of `--metrics akd`; None for NaN, which JSON does not have."""
        scores = {"": self.landmarks, "_copy_source": self.landmarks_copy_source}
        values = {f"akd{suffix}": score.akd for suffix, score in scores.items()}
        values |= {f"mkr{suffix}": score.mkr for suffix, score in scores.items()}
        return {name: None if math.isnan(value) else value for name, value in values.items()}


class _Unreadable(Exception):
    """A video that failed while being read."""


Landmarks = Callable[[np.ndarray], np.ndarray | None]
"""Landmarks [K, 2 or more] in pixels of a picture, uint8 [H, W, 3]; None where it has none."""


def reconstruct_videos(
    model: Any,
    dataset: FramesDataset,
    out: Path,
    limit: int | None = None,
    landmarks: Landmarks | None = None,
) -> tuple[list[VideoResult], dict[str, str]]:
    """Reconstructs the first `limit` videos (None: all); writes images and videos to `out`.

    landmarks: for the scores of that name, which need them. Returns the results, and the reasons
    for skipped videos by name. Holds one frame at a time, and a strip of at most 500. Raises
    DataError if no video can be read.
    """
    clips = dataset.clips[:limit]
    names = distinct_names([clip.path for clip in clips])
    results = []
    extremes = Extremes()
    skipped = {path.name: reason for path, reason in dataset.broken.items()}
    with tqdm(total=sum(map(_count, clips)), unit="frame", desc="reconstructing") as bar:
        for index, name in enumerate(names):
            try:
                video = _Video(dataset, index, name)
                results.append(_evaluate_video(model, video, out, bar, landmarks, extremes))
            except _Unreadable as error:
                tqdm.write(f"warning: {error} (skipped)", file=sys.stderr)
                skipped[clips[index].path.name] = str(error)
    if not results:
        raise DataError(f"{dataset.root}: none of its videos can be read to the end")
    write_picture(out / "worst.png", extremes.sheet())
    return results, skipped


class _Video(NamedTuple):
    dataset: FramesDataset
    number: int
    name: str


def _evaluate_video(
    model: Any,
    video: _Video,
    out: Path,
    bar: tqdm,
    landmarks: Landmarks | None,
    extremes: Extremes,
) -> VideoResult:
    dataset, index, name = video
    clip, config = dataset.clips[index], model.config
    result = VideoResult(name)
    strip: list[np.ndarray] = []
    rows: list[np.ndarray] = []
    moments = np.linspace(0, _count(clip) - 1, PICTURE_ROWS + 1)
    shown = set(np.ceil(moments[1:]).astype(int).tolist())
    with _reading():
        fps = clip.fps()
    with VideoWriter(out / f"{name}{config.reconstruction_params.format}", fps) as writer:
        first = None
        times: deque[TimedFrame] = deque()
        for step in reconstruct(model, _frames(dataset, index, times)):
            first = first or step
            frame = times.popleft()
            draw = partial(_picture_row, model, first, step)
            if result.model.frames in shown:
                rows.append(draw())
            _score(result, first.driving, step, landmarks)
            extremes.add(*_error_of(name, result.model.frames - 1, step), draw)
            picture = side_by_side(step.driving, step.prediction)
            writer.write(picture, frame.time, frame.duration)
            if len(strip) < STRIP_FRAMES:
                strip.append(strip_frame(step.prediction))
            bar.update()
    write_picture(out / "png" / f"{name}.png", np.concatenate(strip, axis=1))
    if rows:
        write_picture(out / "pictures" / f"{name}.png", np.concatenate(rows))
    return result


def _score(
    result: VideoResult, source: np.ndarray, step: Reconstruction, landmarks: Landmarks | None
) -> None:
    result.model.add(step.prediction, step.driving)
    result.copy_source.add(source, step.driving)
    result.seconds.append(step.seconds)
    if landmarks is not None:
        true = landmarks(to_uint8(step.driving))
        result.landmarks.add(true, landmarks(to_uint8(step.prediction)))
        result.landmarks_copy_source.add(true, landmarks(to_uint8(source)))


def _error_of(name: str, index: int, step: Reconstruction) -> tuple[float, str]:
    error = float(np.abs(step.prediction - step.driving).mean())
    return error, f"{name}, frame {index}, L1 {error:.4f}"


def strip_frame(prediction: np.ndarray) -> np.ndarray:
    """[H, W, 3] in [0, 1] -> uint8 as in the official strips, which truncate."""
    return (255 * prediction).astype(np.uint8)


def _picture_row(model: Any, first: Reconstruction, step: Reconstruction) -> np.ndarray:
    """Both frames with the model's detections, and the reconstruction."""
    source, driving = (model.draw(item.driving, item.kp_driving) for item in (first, step))
    return side_by_side(source, driving, step.prediction)


def _frames(dataset: FramesDataset, index: int, read: deque[TimedFrame]) -> Iterator[np.ndarray]:
    """The images of a video's frames, each of which is appended to `read`."""
    with _reading():
        for frame in dataset.timed_video(index):
            read.append(frame)
            yield frame.image


@contextmanager
def _reading() -> Iterator[None]:
    """Distinguishes read errors, which skip one video, from write errors, which end the run."""
    try:
        yield
    except (DataError, OSError) as error:
        raise _Unreadable(" ".join(str(error).split())) from error


def _count(clip: Clip) -> int:
    """For the progress bar and the selection of frames: an unreadable video is reported later."""
    try:
        return clip.count()
    except (DataError, OSError):
        return 0


def total_of(results: list[VideoResult]) -> VideoResult:
    total = VideoResult("all frames")
    for result in results:
        total.model.merge(result.model)
        total.copy_source.merge(result.copy_source)
        total.landmarks.merge(result.landmarks)
        total.landmarks_copy_source.merge(result.landmarks_copy_source)
        total.seconds += result.seconds
    return total
