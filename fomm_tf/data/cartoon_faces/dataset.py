"""Writes the dataset: one mp4 file per person, in the layout that training reads."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from fomm_tf.cli import ignore_interrupts
from fomm_tf.data.cartoon_faces.motion import FPS
from fomm_tf.data.cartoon_faces.scene import render_video
from fomm_tf.errors import DataError
from fomm_tf.measure.machine import processors
from fomm_tf.media.video_writer import VideoWriter

MIN_SIZE, MAX_SIZE = 32, 1024
# One person in eight is kept for testing.
_TEST_EVERY = 8


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
    videos or of `processes` (default: one per processor). Returns the files, by name. Raises
    DataError for a number out of range or a folder that is not empty. All or nothing: after a
    failure `out` is unchanged.
    """
    out = Path(out)
    _require("videos", videos, 2)
    _require("frames", frames, 2)
    _require("size", size, MIN_SIZE, MAX_SIZE)
    _require("seed", seed, 0)
    with _filling(out) as unfinished:
        jobs = []
        for index in range(videos):
            name = f"{_part(index, videos)}/{index:05d}.mp4"
            jobs.append((seed, index, frames, size, unfinished / name))
        # Spawned, not forked: the caller may hold threads (TensorFlow does).
        with ProcessPoolExecutor(
            min(processes or processors(), videos),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=ignore_interrupts,
        ) as pool:
            done = pool.map(_write_video, jobs)
            for _ in tqdm(done, total=videos, unit="video", desc="cartoon faces"):
                pass
    return sorted(out.glob("*/*.mp4"), key=lambda file: file.name)


def _require(name: str, value: int, least: int, most: int | None = None) -> None:
    if value < least or (most is not None and value > most):
        limits = f"at least {least}" if most is None else f"from {least} to {most}"
        raise DataError(f"{name} must be {limits}, not {value}")


@contextmanager
def _filling(out: Path) -> Iterator[Path]:
    """A folder with train/ and test/, which move to `out` when the block succeeds."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} exists and is not an empty folder; choose another or remove it")
    created = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=out))
    try:
        for part in ("train", "test"):
            (unfinished / part).mkdir()
        yield unfinished
        for part in ("train", "test"):
            (unfinished / part).rename(out / part)
    except BaseException:
        if created:
            shutil.rmtree(out, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _part(index: int, videos: int) -> str:
    # The last of every eight; of fewer than eight videos the last one.
    last = min(videos, _TEST_EVERY) - 1
    return "test" if index % _TEST_EVERY == last else "train"


def _write_video(job: tuple[int, int, int, int, Path]) -> None:
    seed, index, frames, size, path = job
    with VideoWriter(path, FPS) as writer:
        for frame in render_video(seed, index, frames, size):
            writer.write(frame)
