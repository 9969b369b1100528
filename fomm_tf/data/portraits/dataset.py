"""Writes the dataset: mp4 files in the layout that training reads, and their landmarks."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from fomm_tf.data.clips import VideoClip
from fomm_tf.data.portraits.clip import render_clip
from fomm_tf.data.portraits.sitters import Sitter, read_sitters
from fomm_tf.data.rendered import filling, part_of, render_all, require
from fomm_tf.errors import DataError
from fomm_tf.media.pictures import read_picture, write_picture
from fomm_tf.media.video_writer import VideoWriter

MIN_SIZE, MAX_SIZE = 32, 512
# One sitter in twelve is in no clip for training.
_TEST_SITTERS = 12
# Clips and frames of each that the contact sheet shows.
_SHEET = (12, 8)
Job = tuple[Sitter, Path, Path, int, int, float, tuple[int, int]]


def write_dataset(
    out: str | os.PathLike,
    pictures: str | os.PathLike,
    landmarks: str | os.PathLike | None,
    clips: int,
    frames: int,
    size: int,
    fps: float,
    seed: int = 0,
    processes: int | None = None,
) -> list[Path]:
    """Writes `clips` clips of `frames` frames, [size, size], into train/ and test/ of `out`.

    Also landmarks/NAME.npy, float32 [frames, 468, 2] in [-1, 1], for each clip, and the contact
    sheet sheet.png. Photographs and landmarks: see `read_sitters`; those for testing are in no clip
    for training. One clip in eight is for testing. Clip i depends on i, `seed` and the photographs
    only, not on `processes` (default: one per processor). Returns the clips, by name. Raises
    DataError for a number out of range or a folder that is not empty. All or nothing: after a
    failure `out` is unchanged.
    """
    out = Path(out)
    require("clips", clips, 2)
    require("frames", frames, 2)
    require("size", size, MIN_SIZE, MAX_SIZE)
    require("seed", seed, 0)
    if not 1 <= fps <= 100:
        raise DataError(f"fps must be from 1 to 100, not {fps:g}")
    sitters = in_turn(read_sitters(pictures, landmarks), clips, seed)
    with filling(out, ("train", "test", "landmarks")) as unfinished:
        jobs = []
        for index, sitter in enumerate(sitters):
            name = f"{index:05d}"
            video = unfinished / part_of(index, clips) / f"{name}.mp4"
            points = unfinished / "landmarks" / f"{name}.npy"
            jobs.append((sitter, video, points, frames, size, fps, (seed, index)))
        render_all(_write_clip, jobs, "portraits", processes)
        write_picture(unfinished / "sheet.png", _sheet([video for _, video, *_ in jobs]))
    return sorted(out.glob("t*/*.mp4"), key=lambda file: file.name)


def in_turn(sitters: list[Sitter], clips: int, seed: int) -> list[Sitter]:
    """The sitter of each clip, one of `sitters`: they take turns, in random order.

    One in twelve, at least one, is in the clips for testing and in no other.
    """
    kept = len(sitters) // _TEST_SITTERS or 1
    step = len(sitters) // kept
    test = [index for index in range(step - 1, len(sitters), step)][:kept]
    pools = {"test": test, "train": [i for i in range(len(sitters)) if i not in test]}
    rng = np.random.default_rng(seed)
    orders = {part: rng.permutation(pool).tolist() for part, pool in pools.items()}
    chosen = []
    for index in range(clips):
        order = orders[part_of(index, clips)]
        chosen.append(sitters[order[0]])
        order.append(order.pop(0))
    return chosen


def _write_clip(job: Job) -> None:
    sitter, video, points, frames, size, fps, seed = job
    picture = read_picture(sitter.path)
    rng = np.random.default_rng(seed)
    clip = render_clip(picture, sitter.landmarks, frames, size, fps, rng)
    with VideoWriter(video, fps) as writer:
        for frame in clip.frames:
            writer.write(frame)
    np.save(points, clip.landmarks)


def _sheet(videos: list[Path]) -> np.ndarray:
    rows, columns = _SHEET
    shown = []
    for video in videos[:rows]:
        clip = VideoClip(video)
        places = np.linspace(0, clip.count() - 1, columns).round().astype(int)
        shown.append(np.concatenate(clip.read(places.tolist()), axis=1))
    return np.concatenate(shown)
