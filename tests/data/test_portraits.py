"""fomm_tf.data.portraits: photographs that move as they are told."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from commands import assert_one_line_error, run_process
from drawn_portraits import BACKDROP, WIDTH, drawn_portrait, write_portraits
from PIL import Image
from portraits import ASTRONAUT_BOX, astronaut

from fomm_tf.data.portraits import render_clip, write_dataset
from fomm_tf.data.portraits import topology as at
from fomm_tf.data.portraits.__main__ import main
from fomm_tf.data.portraits.clip import OVERSAMPLING, composed, shared_rig
from fomm_tf.data.portraits.dataset import in_turn
from fomm_tf.data.portraits.figure import draw_figure
from fomm_tf.data.portraits.matte import split
from fomm_tf.data.portraits.motion import Motion, at_rest, random_motion
from fomm_tf.data.portraits.openings import random_mouth
from fomm_tf.data.portraits.portrait import Portrait
from fomm_tf.data.portraits.pose import angles, fit_pose
from fomm_tf.data.portraits.raster import window
from fomm_tf.data.portraits.sitters import Sitter, read_sitters
from fomm_tf.data.rendered import part_of
from fomm_tf.errors import DataError
from fomm_tf.media.video_reader import open_video

SIZE = 128
run = partial(run_process, "data.portraits")


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    return Portrait(shared_rig(), *drawn_portrait(gap=3), SIZE)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_portraits(tmp_path_factory.mktemp("portraits") / "pictures")


def decoded(path: Path) -> np.ndarray:
    return np.stack([frame.image for frame in open_video(path).timed()])


def drawn(portrait: Portrait, motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """The first frame [SIZE, SIZE, 4] of a motion, and its landmarks [468, 3]."""
    mouth = random_mouth(np.random.default_rng(0), portrait)
    picture, vertices = next(draw_figure(portrait, mouth, motion))
    return picture, vertices[: at.LANDMARKS]


def moved(portrait: Portrait, **channels: float) -> tuple[np.ndarray, np.ndarray]:
    rest = at_rest(1, portrait.gap)
    return drawn(portrait, replace(rest, **{k: np.array([v]) for k, v in channels.items()}))


def pixel(picture: np.ndarray, place: np.ndarray) -> np.ndarray:
    x, y = np.round(place[:2]).astype(int)
    return picture[y, x]


@pytest.mark.parametrize(("yaw", "gap"), [(0, 0), (0, 6), (12, 3), (-20, 0)])
def test_at_rest_it_is_the_photograph(yaw: float, gap: float) -> None:
    picture, landmarks = drawn_portrait(yaw, gap)
    large = OVERSAMPLING * SIZE
    portrait = Portrait(shared_rig(), picture, landmarks, large)
    sitter, found = drawn(portrait, at_rest(1, portrait.gap))
    frame = composed(sitter, window(portrait.backdrop, -portrait.origin, large), SIZE)
    top = max(round(landmarks[at.OVAL, 1].mean() - 0.53 * WIDTH), 0)
    crop = Image.fromarray(picture).crop((0, top, WIDTH, top + WIDTH))
    expected = crop.resize((large, large), Image.Resampling.LANCZOS).reduce(OVERSAMPLING)
    assert np.abs(frame - np.asarray(expected, np.float32)).mean() < 1
    # All but the face's contour and its far side lie where the file says they are.
    inner = np.setdiff1d(np.arange(at.LANDMARKS), at.OVAL)
    scaled = (landmarks[:, :2] + 0.5 - (0, top)) * large / WIDTH - 0.5
    assert np.quantile(np.abs(found[inner, :2] - scaled[inner]), 0.7) < 0.1


@pytest.mark.parametrize("asked", [(15, 0, 0), (-15, 0, 0), (0, 9, 0), (0, -9, 0), (0, 0, 20)])
def test_landmarks_follow_the_pose(portrait: Portrait, asked: tuple[float, ...]) -> None:
    _, rest = moved(portrait)
    _, landmarks = moved(portrait, **dict(zip(("yaw", "pitch", "roll"), asked, strict=True)))
    poses = [fit_pose(points, shared_rig().mean).rotation for points in (landmarks, rest)]
    np.testing.assert_allclose(angles(poses[0]) - angles(poses[1]), asked, atol=1.5)


def test_shift_and_scale(portrait: Portrait) -> None:
    _, rest = moved(portrait)
    _, landmarks = moved(portrait, x=0.2, y=-0.1)
    shift = (landmarks - rest)[:, :2].mean(0) / portrait.eyes_apart
    np.testing.assert_allclose(shift, [0.2, -0.1], atol=0.01)
    _, landmarks = moved(portrait, scale=1.1)
    assert at.eye_distance(landmarks) / at.eye_distance(rest) == pytest.approx(1.1, abs=0.01)


@pytest.mark.parametrize("gap", [0.1, 0.2, 0.35])
def test_the_mouth_opens_as_far_as_asked(portrait: Portrait, gap: float) -> None:
    closed, _ = moved(portrait, mouth=0)
    picture, landmarks = moved(portrait, mouth=gap)
    assert at.mouth_opening(landmarks) == pytest.approx(gap, rel=0.15)
    # Below the middle of the opening it is dark.
    inside = landmarks[[13, 14, 14]].mean(0)
    assert pixel(picture, inside)[:3].mean() < pixel(closed, inside)[:3].mean() - 15


def test_lips_close(portrait: Portrait) -> None:
    assert at.mouth_opening(moved(portrait)[1]) > 0.05
    assert at.mouth_opening(moved(portrait, mouth=0)[1]) < 0.01


def test_lids_close_over_the_eye(portrait: Portrait) -> None:
    open_, landmarks = moved(portrait)
    closed, shut = moved(portrait, blink=1)
    assert at.eye_opening(shut) < 0.1 * at.eye_opening(landmarks)
    eye = landmarks[at.EYES[0]].mean(0) + (3, 0, 0)
    assert pixel(open_, eye)[:3].mean() > 220
    # Skin of the lid, not the eye's white.
    assert pixel(closed, eye)[2] < 190


def test_eyes_look_aside() -> None:
    portrait = Portrait(shared_rig(), *drawn_portrait(), 256)

    def iris(gaze: float) -> float:
        picture, landmarks = moved(portrait, gaze_x=gaze)
        x, y = landmarks[at.EYES[0], :2].mean(0).astype(int)
        # Its shadow over the middle of the eye.
        shadow = 240 - picture[y - 1 : y + 2, x - 9 : x + 10, :3].mean((0, 2))
        return float((shadow * np.arange(-9, 10)).sum() / shadow.sum())

    left, ahead, right = iris(-0.8), iris(0), iris(0.8)
    assert left < ahead - 2 and right > ahead + 2


def test_turned_faces_have_no_tears() -> None:
    skin = np.setdiff1d(np.arange(at.LANDMARKS), at.unique(at.OVAL, *at.EYES))
    for own, yaw in ((0, 25), (12, 15), (12, -30), (-20, 25)):
        portrait = Portrait(shared_rig(), *drawn_portrait(yaw=own), SIZE)
        picture, landmarks = moved(portrait, yaw=yaw, mouth=0.2)
        for i in skin:
            colour = pixel(picture, landmarks[i])
            assert colour[3] > 0.99
            # Blue is the backdrop only.
            assert colour[0] >= colour[2] - 12, (own, yaw, i)


def test_a_plain_backdrop_is_told_from_the_sitter() -> None:
    picture, landmarks = drawn_portrait()
    layers = split(picture, landmarks)
    assert layers.separate
    behind = (picture == BACKDROP).all(-1)
    assert layers.alpha[behind].mean() < 0.03 and layers.alpha[~behind].mean() > 0.97
    together = layers.sitter + (1 - layers.alpha) * layers.backdrop
    assert np.abs(together - picture).mean() < 1
    np.testing.assert_allclose(layers.backdrop[:100].mean((0, 1)), BACKDROP, atol=2)


def test_a_busy_backdrop_stays() -> None:
    picture, landmarks = drawn_portrait()
    behind = (picture == BACKDROP).all(-1)
    noise = np.random.default_rng(0).integers(0, 255, picture.shape, dtype=np.uint8)
    layers = split(np.where(behind[..., None], noise, picture), landmarks)
    assert not layers.separate and layers.alpha.min() == 1


def test_motions_have_the_ranges_and_speeds_of_talking_heads() -> None:
    motions = [random_motion(np.random.default_rng(i), 50, 25.0) for i in range(200)]

    def spread(name: str) -> np.ndarray:
        return np.array([np.ptp(getattr(motion, name)) for motion in motions])

    for name, little, much in (("yaw", 5, 30), ("pitch", 4, 12), ("roll", 4, 20), ("x", 0.05, 0.4)):
        low, high = np.quantile(spread(name), [0.1, 0.95])
        assert low < little and high > much, name
    mouth = np.array([motion.mouth for motion in motions])
    assert mouth.min() >= 0 and 0.3 < mouth.max() < 0.45
    # Measured on speakers: .056 eye distances a frame.
    speed = np.quantile(np.abs(np.diff(mouth[:, 1:])), [0.9, 0.98])
    assert 0.02 < speed[0] < 0.056 < speed[1] < 0.09
    assert np.mean(spread("blink") > 0.95) > 0.5


def test_a_motion_starts_at_rest() -> None:
    motion = random_motion(np.random.default_rng(1), 5, 25.0, own_gap=0.08)
    rest = at_rest(1, 0.08)
    for name in vars(rest):
        assert getattr(motion, name)[0] == getattr(rest, name)[0], name


def test_a_cropped_head_does_not_sink() -> None:
    for seed in range(20):
        motion = random_motion(np.random.default_rng(seed), 40, 25.0, headroom=0.02)
        assert (motion.y + 0.5 * np.abs(np.sin(np.deg2rad(motion.roll)))).max() <= 0.021


def test_equal_seeds_yield_equal_clips() -> None:
    photograph = drawn_portrait()
    first, again, other = (
        render_clip(*photograph, 3, 48, 5.0, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.frames, again.frames)
    np.testing.assert_array_equal(first.landmarks, again.landmarks)
    assert np.abs(first.frames.astype(int) - other.frames).mean() > 3
    assert first.frames.shape == (3, 48, 48, 3) and first.landmarks.shape == (3, 468, 2)
    assert np.abs(first.landmarks).max() < 1.2


def test_command(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "clips"
    main(
        ["--pictures", str(pictures), "--out", str(out), "--clips", "4", "--frames", "3"]
        + ["--size", "64", "--fps", "5", "--seed", "1"]
    )
    assert "3), " in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {"landmarks", "sheet.png", "test", "train"}
    files = sorted(out.glob("t*/*.mp4"), key=lambda path: path.name)
    assert [file.parent.name for file in files] == ["train", "train", "train", "test"]
    for file in files:
        assert decoded(file).shape == (3, 64, 64, 3)
        landmarks = np.load(out / "landmarks" / f"{file.stem}.npy")
        assert landmarks.shape == (3, 468, 2) and landmarks.dtype == np.float32
    assert Image.open(out / "sheet.png").size == (8 * 64, 4 * 64)

    again = write_dataset(
        tmp_path / "one", pictures, pictures / "landmarks.npz", 4, 3, 64, 5.0, seed=1, processes=1
    )
    for file, other in zip(files, again, strict=True):
        np.testing.assert_array_equal(decoded(file), decoded(other))


def test_sitters_for_testing_are_in_no_clip_for_training(tmp_path: Path) -> None:
    sitters = [Sitter(tmp_path / str(i), np.zeros(0)) for i in range(30)]
    chosen = in_turn(sitters, 100, seed=0)
    parts: dict[str, set[Path]] = {"train": set(), "test": set()}
    for index, sitter in enumerate(chosen):
        parts[part_of(index, 100)].add(sitter.path)
    assert len(parts["test"]) == 2 and len(parts["train"]) == 28
    assert not parts["test"] & parts["train"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--size", "31"), "size"),
        (("--clips", "1"), "clips"),
        (("--frames", "1"), "frames"),
        (("--fps", "0"), "fps"),
        (("--landmarks", "missing.npz"), "missing.npz"),
    ],
)
def test_bad_arguments(
    pictures: Path, tmp_path: Path, arguments: tuple[str, str], word: str
) -> None:
    done = run("--pictures", str(pictures), "--out", str(tmp_path / "out"), *arguments)
    assert_one_line_error(done, word)
    assert not (tmp_path / "out").exists()


def test_landmarks_are_found_where_no_file_names_them(tmp_path: Path) -> None:
    large = Image.fromarray(astronaut()).resize((1024, 1024))
    large.save(tmp_path / "a.png")
    large.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "b.png")
    Image.new("RGB", (64, 64)).save(tmp_path / "nobody.png")
    sitters = read_sitters(tmp_path)
    assert [sitter.path.name for sitter in sitters] == ["a.png", "b.png"]
    middle = sitters[0].landmarks[at.OVAL, :2].mean(0)
    x, y, w, h = ASTRONAUT_BOX
    np.testing.assert_allclose(middle, [2 * x + w, 2 * y + h], atol=40)
    picture = np.asarray(large)
    clip = render_clip(picture, sitters[0].landmarks, 2, 64, 5.0, np.random.default_rng(0))
    # The face fills the frame, wherever it was in the photograph.
    assert np.ptp(clip.landmarks[0], axis=0).max() > 0.9


def test_bad_landmarks(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        read_sitters(tmp_path / "none", pictures / "landmarks.npz")
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(DataError, match="no .npz file"):
        read_sitters(pictures, broken)
    np.savez(broken, names=["ann.png"], landmarks=np.zeros((1, 68, 2)))
    with pytest.raises(DataError, match="468, 3"):
        read_sitters(pictures, broken)
    np.savez(broken, names=["ann.png", "eve.png"], landmarks=np.zeros((2, 468, 3)))
    with pytest.raises(DataError, match="names 1 of the pictures"):
        read_sitters(pictures, broken)
