"""Renders animated frames into a video."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from tqdm import tqdm

from fomm_tf.inference.animation import animate_frames
from fomm_tf.inference.motion import MotionOptions
from fomm_tf.media.frames import TimedFrame
from fomm_tf.media.pictures import side_by_side
from fomm_tf.media.video_writer import VideoWriter


def animated(
    model: Any,
    source: np.ndarray,
    driving: Iterable[TimedFrame],
    motion: MotionOptions,
    kp_initial: Any = None,
) -> Iterator[tuple[TimedFrame, np.ndarray]]:
    """Yields each driving frame and `source` (uint8) animated by it, both of the model's size."""
    pending: deque[TimedFrame] = deque()

    def images() -> Iterator[np.ndarray]:
        for frame in driving:
            pending.append(frame)
            yield frame.image

    for result in animate_frames(model, source, images(), motion, kp_initial):
        yield pending.popleft(), result


def write_frames(
    writer: VideoWriter,
    source: np.ndarray,
    results: Iterable[tuple[TimedFrame, np.ndarray]],
    panels: bool,
    total: int | None,
) -> int:
    """Writes the frames of `animated`; returns their number."""
    count = 0
    for (start, duration, image), result in tqdm(
        results, total=total, unit="frame", desc=writer.path.name
    ):
        writer.write(side_by_side(source, image, result) if panels else result, start, duration)
        count += 1
    return count
