"""The procedural dataset: deterministic, lively, inside the picture, and written as videos."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
from commands import assert_one_line_error, run_process

from fomm_tf.data.cartoon_faces import render_video, write_dataset
from fomm_tf.data.cartoon_faces.head import outline
from fomm_tf.data.cartoon_faces.identity import CLOTHES, HAIR_STYLES, draw_identity
from fomm_tf.data.cartoon_faces.motion import MotionPlan
from fomm_tf.data.cartoon_faces.shapes import head_rig
from fomm_tf.errors import DataError


def frames_of(seed: int, index: int, frames: int, size: int) -> np.ndarray:
    return np.stack(list(render_video(seed, index, frames, size)))


def decoded(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


run = partial(run_process, "data.cartoon_faces")


@pytest.mark.parametrize("size", [32, 65, 128, 512])
def test_any_size(size: int) -> None:
    video = frames_of(0, 0, 2, size)
    assert video.shape == (2, size, size, 3)
    assert video.dtype == np.uint8


def test_same_seed_same_pixels() -> None:
    first = frames_of(3, 5, 6, 64)
    np.testing.assert_array_equal(first, frames_of(3, 5, 6, 64))
    for seed, index in ((4, 5), (3, 6)):
        assert np.mean(np.abs(first.astype(int) - frames_of(seed, index, 6, 64))) > 10


def test_a_longer_video_starts_alike_and_goes_on_smoothly() -> None:
    """Frames are computed in chunks of 64: the seam does not show."""
    video = frames_of(1, 2, 70, 64).astype(int)
    np.testing.assert_array_equal(video[:30], frames_of(1, 2, 30, 64))
    steps = np.abs(np.diff(video, axis=0)).mean(axis=(1, 2, 3))
    assert steps[63] < 2 * steps.max(where=np.arange(69) != 63, initial=0)


def test_one_design_at_every_size() -> None:
    small = frames_of(2, 9, 1, 64)[0].astype(float)
    large = frames_of(2, 9, 1, 256)[0].astype(float)
    reduced = large.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
    assert np.abs(small - reduced).mean() < 3


def test_motion_is_large_and_the_background_stands_still() -> None:
    for index in range(8):
        video = frames_of(0, index, 120, 48).astype(float) / 255
        copy_error = np.abs(video - video[0]).mean()
        assert 0.02 < copy_error < 0.2
        # Steps between frames are small against the way in all.
        assert np.abs(np.diff(video, axis=0)).mean() < copy_error / 3
        # The upper corners belong to the background.
        assert np.ptp(video[:, :2, :2], axis=0).max() < 0.02


def test_the_face_stays_in_the_picture() -> None:
    times = np.arange(300)
    for index in range(200):
        who = draw_identity(np.random.default_rng([index, 0]))
        motion = MotionPlan(np.random.default_rng([index, 1]), 300).at(times)
        head = head_rig(motion, who.scale, who.centre)(outline(who))
        assert head.min() > 0.02
        assert head.max() < 0.98


def test_every_channel_of_the_motion_moves_within_its_limits() -> None:
    degree = np.pi / 180
    limits = {
        "x": (0.035, 0.075),
        "y": (0.012, 0.035),
        "yaw": (8 * degree, 15 * degree),
        "pitch": (4.5 * degree, 10 * degree),
        "tilt": (6 * degree, 13 * degree),
        "gaze_x": (0.5, 1.0),
        "gaze_y": (0.5, 1.0),
        "brow": (0.5, 1.0),
        "smile": (0.5, 1.0),
        "open": (0.5, 1.0),
        "blink": (0.8, 1.0),
    }
    for seed in range(20):
        motion = MotionPlan(np.random.default_rng(seed), 400).at(np.arange(400))
        for name, (least, most) in limits.items():
            assert least < np.abs(getattr(motion, name)).max() <= most, name
        assert 1.03 < motion.zoom.max() <= 1.08
        assert 0.92 <= motion.zoom.min() < 0.97
        assert motion.blink.min() < 0.2


def test_people_differ() -> None:
    people = [draw_identity(np.random.default_rng(seed)) for seed in range(300)]
    assert {who.style for who in people} == set(HAIR_STYLES)
    assert {who.clothes for who in people} == set(CLOTHES)
    assert len({who.skin for who in people}) > 200
    assert 0.1 < np.mean([bool(who.glasses) for who in people]) < 0.5


def test_dataset_files(tmp_path: Path) -> None:
    files = write_dataset(tmp_path / "faces", videos=10, frames=5, size=64, seed=7, processes=2)
    train = sorted(file.name for file in (tmp_path / "faces" / "train").iterdir())
    test = sorted(file.name for file in (tmp_path / "faces" / "test").iterdir())
    assert test == ["00007.mp4"]
    assert sorted(train + test) == [f"{index:05d}.mp4" for index in range(10)]
    assert [file.name for file in files] == sorted(train + test)
    assert sorted(path.name for path in (tmp_path / "faces").iterdir()) == ["test", "train"]
    for file in files:
        video = decoded(file)
        assert video.shape == (5, 64, 64, 3)
        # The file shows the person of its number; compression changes little.
        expected = frames_of(7, int(file.stem), 5, 64)
        assert np.abs(video.astype(int) - expected).mean() < 6


def test_process_count_changes_nothing(tmp_path: Path) -> None:
    one = write_dataset(tmp_path / "one", videos=3, frames=4, size=32, seed=1, processes=1)
    two = write_dataset(tmp_path / "two", videos=3, frames=4, size=32, seed=1, processes=2)
    for first, second in zip(one, two, strict=True):
        assert first.relative_to(tmp_path / "one") == second.relative_to(tmp_path / "two")
        np.testing.assert_array_equal(decoded(first), decoded(second))


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fomm_tf.data.rendered.ProcessPoolExecutor", fail)
    with pytest.raises(OSError, match="No space"):
        write_dataset(tmp_path / "new", videos=2, frames=2, size=32)
    (tmp_path / "empty").mkdir()
    with pytest.raises(OSError, match="No space"):
        write_dataset(tmp_path / "empty", videos=2, frames=2, size=32)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
    assert not list((tmp_path / "empty").iterdir())


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    for taken in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(DataError, match="not an empty folder"):
            write_dataset(taken, videos=2, frames=2, size=32)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_command(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "faces"
    done = run(
        "--out", str(out), "--videos", "2", "--frames", "2", "--size", "33", "--seed", "1"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert str(out) in done.stdout
    assert (out / "train" / "00000.mp4").exists() and (out / "test" / "00001.mp4").exists()

    again = run("--out", str(out), "--videos", "2")
    assert_one_line_error(again, out)
    assert again.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--size", "31"), "size"),
        (("--size", "2000"), "size"),
        (("--videos", "1"), "videos"),
        (("--frames", "1"), "frames"),
        (("--seed", "-1"), "seed"),
    ],
)
def test_bad_arguments(tmp_path: Path, arguments: tuple[str, str], word: str) -> None:
    done = run("--out", str(tmp_path / "faces"), *arguments)
    assert_one_line_error(done, word, arguments[1])
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "faces").exists()
