"""Datasets of real encoded videos in every layout, and what happens to files that are none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sample_media import moving_square, write_video

from fomm_tf.config.sections import AugmentationParams, CropParam, DatasetParams, FlipParam
from fomm_tf.data.clips import list_videos
from fomm_tf.data.dataset import FramesDataset, split_videos
from fomm_tf.errors import ConfigError, DataError

SHAPE = (32, 48, 3)


def frames(n: int = 6, seed: int = 0) -> np.ndarray:
    return moving_square(n, *SHAPE[:2], seed=seed)


def write_folder(path: Path, pictures: np.ndarray) -> Path:
    path.mkdir(parents=True)
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(path / f"{i:03}.png")
    return path


def write_strip(path: Path, pictures: np.ndarray, file_format: str | None = None) -> Path:
    strip = np.concatenate(list(pictures), axis=1)
    Image.fromarray(strip).save(path, format=file_format)
    return path


def dataset(
    root: Path, split: str = "train", cache_bytes: int = 1 << 20, **changes
) -> FramesDataset:
    params = DatasetParams(**{"root_dir": str(root), "frame_shape": SHAPE, **changes})
    return FramesDataset(params, split, cache_bytes=cache_bytes)


def numbered(root: Path, count: int, n: int = 4, names: str = "{:02}.png") -> Path:
    """`count` lossless strips of frames in flat colours: red is the video, green the frame."""
    root.mkdir(parents=True, exist_ok=True)
    for video in range(count):
        pictures = np.zeros((n, *SHAPE), np.uint8)
        pictures[..., 0] = video
        pictures[..., 1] = np.arange(n)[:, None, None]
        write_strip(root / names.format(video), pictures)
    return root


def drawn(data: FramesDataset, index: int, seed: int) -> tuple[int, int, int, int]:
    """(video, frame) of source and of driving, from a dataset of `numbered`."""
    pair = data.sample(index, np.random.default_rng(seed))
    source, driving = (tuple(np.rint(frame[0, 0, :2] * 255).astype(int)) for frame in pair)
    return (*source, *driving)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "avi", "webm", "mkv", "gif"])
def test_video_files(tmp_path, suffix):
    original = frames()
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        write_video(tmp_path / split / f"a.{suffix}", original)
    data = dataset(tmp_path, "test")
    found = np.stack(list(data.video(0)))
    assert found.shape == original.shape and found.dtype == np.uint8
    assert np.abs(found.astype(int) - original).mean() < 12  # lossy codecs
    source, driving = dataset(tmp_path).sample(0, np.random.default_rng(0))
    assert source.shape == driving.shape == SHAPE and source.dtype == np.float32


def test_all_layouts_in_one_folder_agree(tmp_path):
    original = frames()
    for split in ("train", "test"):
        root = tmp_path / split
        write_folder(root / "a", original)
        write_strip(root / "b.png", original)
        # A .jpg that is a PNG with alpha: such datasets are about.
        alpha = np.full((*original.shape[:3], 1), 255, np.uint8)
        write_strip(root / "c.jpg", np.concatenate([original, alpha], -1), "PNG")
        write_video(root / "d.mp4", original, lossless=True)
    data = dataset(tmp_path)
    assert [clip.path.name for clip in data.clips] == ["a", "b.png", "c.jpg", "d.mp4"]
    assert len(data) == 4 and not data.broken
    for index in range(4):
        np.testing.assert_array_equal(np.stack(list(data.video(index))), original)
    pairs = [data.sample(index, np.random.default_rng(3)) for index in range(4)]
    for pair in pairs[1:]:
        np.testing.assert_array_equal(pair, pairs[0])


def test_hidden_and_other_files_are_passed_over(tmp_path):
    numbered(tmp_path, 2)
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / "._00.png").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    assert [path.name for path in list_videos(tmp_path)] == ["00.png", "01.png"]


def test_numbers_in_the_names_of_videos_count_as_numbers(tmp_path):
    numbered(tmp_path, 11, names="video{}.png")
    assert [path.stem for path in list_videos(tmp_path)] == [f"video{i}" for i in range(11)]


def test_pairs_are_in_order_of_time_and_may_repeat(tmp_path):
    numbered(tmp_path / "train", 2)
    numbered(tmp_path / "test", 1)
    found = [drawn(dataset(tmp_path), 1, seed) for seed in range(200)]
    assert {pair[0] for pair in found} == {pair[2] for pair in found} == {1}
    times = {(pair[1], pair[3]) for pair in found}
    assert times == {(a, b) for a in range(4) for b in range(a, 4)}


def test_pixels_are_floats_from_0_to_1(tmp_path):
    original = frames()
    original[0, 0, 0] = 255
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        write_strip(tmp_path / split / "a.png", original[:1].repeat(2, axis=0))
    source, _ = dataset(tmp_path).sample(0, np.random.default_rng(0))
    np.testing.assert_array_equal(source, original[0].astype(np.float32) / np.float32(255))


def test_augmentation_is_for_training_and_alike_for_both_frames(tmp_path):
    original = frames(1).repeat(2, axis=0)
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        write_strip(tmp_path / split / "a.png", original)
    flip = AugmentationParams(flip_param=FlipParam(horizontal_flip=True))
    results = {}
    for split in ("train", "test"):
        data = dataset(tmp_path, split, augmentation_params=flip)
        pairs = [data.sample(0, np.random.default_rng(seed)) for seed in range(20)]
        assert all(np.array_equal(*pair) for pair in pairs)
        results[split] = {pair[0].tobytes() for pair in pairs}
    assert len(results["train"]) == 2 and len(results["test"]) == 1


def test_augmentation_to_another_size_is_refused(tmp_path):
    numbered(tmp_path, 5)
    crop = AugmentationParams(crop_param=CropParam((16, 16)))
    with pytest.raises(ConfigError, match="crop_param"):
        dataset(tmp_path, augmentation_params=crop)


def test_only_rgb(tmp_path):
    with pytest.raises(ConfigError, match="RGB"):
        dataset(tmp_path, frame_shape=(32, 48, 1))


def test_identities(tmp_path):
    for split in ("train", "test"):
        numbered(tmp_path / split, 5, names="{:02}.png")
        names = ["ann#1#x", "ann#2#x", "ann#3#y", "bob#1", "carl"]
        for video, name in enumerate(names):
            (tmp_path / split / f"{video:02}.png").rename(tmp_path / split / f"{name}.png")
    data = dataset(tmp_path, id_sampling=True)
    assert len(data) == 3 and len(data.clips) == 5
    videos = [[drawn(data, index, seed)[0] for seed in range(60)] for index in range(3)]
    assert [set(found) for found in videos] == [{0, 1, 2}, {3}, {4}]
    assert min(videos[0].count(video) for video in (0, 1, 2)) > 8
    assert len(dataset(tmp_path, "test", id_sampling=True)) == 5
    assert len(dataset(tmp_path, id_sampling=False)) == 5


def test_random_split(tmp_path):
    numbered(tmp_path, 11)
    train, test = (split_videos(tmp_path, split) for split in ("train", "test"))
    assert len(test) == 3 and sorted(train + test) == list_videos(tmp_path)
    assert test == split_videos(tmp_path, "test") != list_videos(tmp_path)[:3]


def test_random_split_does_not_depend_on_what_can_be_read(tmp_path):
    numbered(tmp_path, 10)
    before = split_videos(tmp_path, "test")
    train = split_videos(tmp_path, "train")
    train[0].write_bytes(b"")
    data = dataset(tmp_path, "train")
    assert split_videos(tmp_path, "test") == before
    assert [clip.path for clip in data.clips] == train[1:]


def test_random_split_keeps_identities_apart(tmp_path):
    numbered(tmp_path, 20)
    for video in range(20):
        (tmp_path / f"{video:02}.png").rename(tmp_path / f"{video % 5}#{video}.png")
    splits = [split_videos(tmp_path, split, by_identity=True) for split in ("train", "test")]
    train, test = ({path.name[0] for path in split} for split in splits)
    assert len(test) == 1 and len(train) == 4 and not train & test


def test_lone_test_folder_is_enough_for_testing(tmp_path):
    numbered(tmp_path / "test", 2)
    assert len(dataset(tmp_path, "test")) == 2
    with pytest.raises(DataError, match="no train/"):
        dataset(tmp_path, "train")


@pytest.mark.parametrize("split", ["train", "test"])
def test_train_folder_needs_a_test_folder(tmp_path, split):
    numbered(tmp_path / "train", 2)
    with pytest.raises(DataError, match="no test/"):
        dataset(tmp_path, split)


def test_useless_roots(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        dataset(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no videos"):
        dataset(tmp_path)
    numbered(tmp_path, 1)
    with pytest.raises(DataError, match="only one video"):
        dataset(tmp_path)


def test_single_pictures_are_no_videos(tmp_path):
    numbered(tmp_path, 5, n=1)
    with pytest.raises(DataError, match="only one frame"):
        dataset(tmp_path)


def test_other_sizes_are_cropped_not_squashed(tmp_path, capsys):
    tall = np.zeros((3, 96, 48, 3), np.uint8)
    tall[:, 32:64] = 200  # the middle third is what a 32 x 48 frame shows
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        for name in "ab":
            write_video(tmp_path / split / f"{name}.mp4", tall, lossless=True)
    data = dataset(tmp_path)
    found = np.stack(list(data.video(0)))
    assert found.shape == (3, *SHAPE) and (found == 200).all()
    source, _ = data.sample(1, np.random.default_rng(0))
    assert source.shape == SHAPE
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "48x96" in told and "48x32" in told


def test_strip_of_another_height_is_resized(tmp_path):
    big = moving_square(3, 64, 96)
    numbered(tmp_path / "test", 1)
    write_strip(tmp_path / "test" / "big.png", big)
    assert np.stack(list(dataset(tmp_path, "test").video(1))).shape == (3, *SHAPE)


def test_broken_files_are_left_out_counted_and_named(tmp_path, capsys):
    for split in ("train", "test"):
        numbered(tmp_path / split, 3)
    root = tmp_path / "train"
    (root / "empty.mp4").write_bytes(b"")
    (root / "text.mp4").write_text("no video")
    (root / "web.gif").write_text("<html>not found</html>")
    (root / "text.png").write_text("no picture")
    cut = write_strip(root / "cut.png", frames())
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    write_strip(root / "odd.png", np.zeros((1, 32, 50, 3), np.uint8))
    data = dataset(tmp_path)
    broken = ["cut.png", "empty.mp4", "odd.png", "text.mp4", "text.png", "web.gif"]
    assert len(data) == 3
    assert sorted(path.name for path in data.broken) == broken
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 7 and all(line.startswith("warning: ") for line in lines)
    assert all(sum(name in line for line in lines) == 1 for name in broken)
    assert "6 of 9" in lines[-1]


def test_nothing_usable_is_an_error(tmp_path):
    numbered(tmp_path / "test", 1)
    (tmp_path / "train").mkdir()
    for name in "ab":
        (tmp_path / "train" / f"{name}.mp4").write_text("no video")
    with pytest.raises(DataError, match="none of its 2 videos can be read"):
        dataset(tmp_path)


@pytest.mark.parametrize("cache_bytes", [0, 1 << 20])
def test_a_file_that_breaks_later_is_replaced_by_the_next(tmp_path, capsys, cache_bytes):
    for split in ("train", "test"):
        numbered(tmp_path / split, 3)
    data = dataset(tmp_path, cache_bytes=cache_bytes)
    before = [drawn(data, 0, seed) for seed in range(5)]
    data = dataset(tmp_path, cache_bytes=cache_bytes)
    (tmp_path / "train" / "01.png").write_bytes(b"gone")
    found = [[drawn(data, index, seed) for seed in range(5)] for index in range(3)]
    assert found[0] == before
    assert {pair[0] for pair in found[1]} == {2}
    assert found[1] == [drawn(data, 1, seed) for seed in range(5)]
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "01.png" in told
    assert [path.name for path in data.broken] == ["01.png"]
    for path in (tmp_path / "train").iterdir():
        path.write_bytes(b"gone")
    data._cached.clear()
    with pytest.raises(DataError, match="can be read anymore"):
        data.sample(0, np.random.default_rng(0))


def test_a_video_cut_off_in_the_middle_gives_the_same_with_and_without_memory(tmp_path, capsys):
    for split in ("train", "test"):
        numbered(tmp_path / split, 2)
    noise = np.random.default_rng(0).integers(0, 256, (30, *SHAPE), np.uint8)
    cut = write_video(tmp_path / "train" / "cut.avi", noise)
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    cached, direct = (dataset(tmp_path, cache_bytes=size) for size in (1 << 20, 0))
    assert len(cached) == 3
    for seed in range(10):
        pairs = [data.sample(2, np.random.default_rng(seed)) for data in (cached, direct)]
        np.testing.assert_array_equal(*pairs)
    assert 5 < len(list(direct.video(2))) < 30
    assert "cut.avi" in capsys.readouterr().err


def test_memory_is_bounded_and_changes_nothing(tmp_path):
    for split in ("train", "test"):
        numbered(tmp_path / split, 4)
    size = 4 * np.prod(SHAPE)
    requests = [(i % 4, i) for i in range(40)]
    reference = dataset(tmp_path, cache_bytes=0)
    for videos in (0, 2, 9):
        data = dataset(tmp_path, cache_bytes=int(size * videos + size // 2))
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(partial(drawn, data), *zip(*requests, strict=True)))
        assert found == [drawn(reference, *request) for request in requests]
        assert sum(whole.nbytes for whole in data._cached.values()) == size * min(videos, 4)


def test_another_memory_needs_no_other_look_at_the_files(tmp_path, monkeypatch):
    for split in ("train", "test"):
        numbered(tmp_path / split, 2)
    data = dataset(tmp_path, cache_bytes=0)
    monkeypatch.setattr("fomm_tf.data.dataset.open_clip", lambda *args: pytest.fail("opened"))
    other = data.with_memory()
    assert drawn(other, 1, 5) == drawn(data, 1, 5)
    assert list(other._cached) == [tmp_path / "train" / "01.png"] and not data._cached
