"""Writes the dataset: one mp4 file per person, in the layout that training reads."""

from __future__ import annotations

import os
from pathlib import Path

from fomm_tf.data.cartoon_faces.motion import FPS
from fomm_tf.data.cartoon_faces.scene import render_video
from fomm_tf.data.rendered import filling, part_of, render_all, require
from fomm_tf.media.video_writer import VideoWriter

MIN_SIZE, MAX_SIZE = 32, 1024


def write_dataset(
    out: str | os.PathLike,
    videos: int,
    frames: int,
    size: int,
    seed: int = 0,
    processes: int | None = None,
) -> list[Path]:
    """Writes `videos` videos of `frames` frames, [size, size], into train/ and test/ of `out`.

    Every video shows a different person; video i depends only on i and `seed`, not on the number of
    videos or of `processes` (default: one per processor). One in eight is for testing. Returns the
    files, by name. Raises DataError for a number out of range or a folder that is not empty. All or
    nothing: after a failure `out` is unchanged.
    """
    out = Path(out)
    require("videos", videos, 2)
    require("frames", frames, 2)
    require("size", size, MIN_SIZE, MAX_SIZE)
    require("seed", seed, 0)
    with filling(out) as unfinished:
        jobs = []
        for index in range(videos):
            name = f"{part_of(index, videos)}/{index:05d}.mp4"
            jobs.append((seed, index, frames, size, unfinished / name))
        render_all(_write_video, jobs, "cartoon faces", processes)
    return sorted(out.glob("*/*.mp4"), key=lambda file: file.name)


def _write_video(job: tuple[int, int, int, int, Path]) -> None:
    seed, index, frames, size, path = job
    with VideoWriter(path, FPS) as writer:
        for frame in render_video(seed, index, frames, size):
            writer.write(frame)
