"""Reading real encoded videos."""

from __future__ import annotations

import itertools
import os

import numpy as np
import pytest
from PIL import Image
from sample_media import moving_square, write_sound, write_video

from fomm_tf.errors import DataError
from fomm_tf.media.video_reader import count_frames, open_video, read_frames

# As recorders and people name files; what FFmpeg might take for a protocol, a pattern, an option.
NAMES = ["2024-11-14T22:57:44", "http:a", "concat:a", "a%03d", "a%d b", "-y", "日本 🙂", "it's [1]"]
SUFFIXES = [".mp4", ".mov", ".mkv", ".webm", ".avi", ".gif"]


def noisy(n, h=48, w=64):
    """Frames that do not compress, so that a file's length is spread evenly over its frames."""
    return np.random.default_rng(0).integers(0, 255, (n, h, w, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_gives_all_frames_in_order(tmp_path, suffix):
    frames = moving_square(12, 48, 64)
    video = open_video(write_video(tmp_path / f"video{suffix}", frames, fps=20))
    assert (video.height, video.width, video.frame_count) == (48, 64, 12)
    assert video.fps == pytest.approx(20)
    assert not video.has_audio
    decoded = np.stack(list(video))
    assert decoded.dtype == np.uint8 and decoded.shape == frames.shape
    assert np.abs(decoded.astype(int) - frames).mean() < 8
    assert video.problem is None
    assert count_frames(video.path) == 12


def test_colours_are_exact_where_the_codec_is(tmp_path):
    frames = noisy(3)
    path = write_video(tmp_path / "video.mp4", frames, lossless=True)
    np.testing.assert_array_equal(np.stack(list(open_video(path))), frames)


def test_a_video_can_be_read_again_and_only_as_far_as_wanted(tmp_path):
    frames = moving_square(30)
    video = open_video(write_video(tmp_path / "video.mp4", frames, lossless=True))
    first = list(itertools.islice(video, 3))
    np.testing.assert_array_equal(first, frames[:3])
    assert len(list(video)) == len(list(video)) == 30


def test_frames_come_lazily(tmp_path):
    """A file whose second half is missing gives its first frames without noticing."""
    path = write_video(tmp_path / "video.avi", noisy(40))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    video = open_video(path)
    assert len(list(itertools.islice(video, 5))) == 5
    assert video.problem is None
    assert 15 <= len(list(video)) < 25
    assert "damaged" in video.problem


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_metadata_is_honoured(tmp_path, rotation):
    frames = moving_square(3, 32, 64)
    path = write_video(tmp_path / "video.mp4", frames, rotation=rotation, lossless=True)
    upright = np.rot90(frames, rotation // 90, axes=(1, 2))
    video = open_video(path)
    assert (video.height, video.width) == upright.shape[1:3]
    np.testing.assert_array_equal(np.stack(list(video)), upright)
    np.testing.assert_array_equal(read_frames(path, [2]), upright[2:])


def test_a_phone_s_upright_video_is_turned_clockwise(tmp_path):
    """The matrix that phones write, put into the file by hand."""
    frames = moving_square(3, 32, 64)
    path = write_video(tmp_path / "video.mp4", frames, lossless=True)
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40
    quarter = np.array([0, 1 << 16, 0, -(1 << 16), 0, 0, 32 << 16, 0, 1 << 30], ">i4")
    content[matrix : matrix + 36] = quarter.tobytes()
    path.write_bytes(content)
    np.testing.assert_array_equal(next(iter(open_video(path))), np.rot90(frames[0], -1))


def test_mirrored_video_is_shown_mirrored(tmp_path):
    frames = moving_square(2, 32, 64)
    path = write_video(tmp_path / "video.mp4", frames, lossless=True)
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40
    mirror = np.array([-(1 << 16), 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30], ">i4")
    content[matrix : matrix + 36] = mirror.tobytes()
    path.write_bytes(content)
    np.testing.assert_array_equal(next(iter(open_video(path))), frames[0, :, ::-1])


@pytest.mark.parametrize(("height", "width"), [(33, 45), (1, 1), (7, 64)])
def test_odd_sizes(tmp_path, height, width):
    frames = noisy(3, height, width)
    path = write_video(tmp_path / "video.mkv", frames, codec="ffv1", pixel_format="bgr0")
    video = open_video(path)
    assert (video.height, video.width) == (height, width)
    np.testing.assert_array_equal(np.stack(list(video)), frames)


def test_variable_frame_rate_keeps_its_times(tmp_path):
    times = [0, 0.1, 0.5, 0.55, 1.0]
    path = write_video(tmp_path / "video.mp4", moving_square(5), fps=4, times=times)
    frames = list(open_video(path).timed())
    assert [frame.time for frame in frames] == pytest.approx(times)
    assert [frame.duration for frame in frames] == pytest.approx([0.1, 0.4, 0.05, 0.45, 0.25])


def test_time_counts_from_the_first_frame(tmp_path):
    times = [3.0, 3.1, 3.2]
    path = write_video(tmp_path / "video.mkv", moving_square(3), fps=10, times=times)
    assert [f.time for f in open_video(path).timed()] == pytest.approx([0, 0.1, 0.2])


def test_gif_delays_and_transparency(tmp_path):
    pictures = [Image.new("RGBA", (8, 6), (0, 0, 0, 0)) for _ in range(2)]
    pictures[0].paste((0, 0, 255, 255), (0, 0, 4, 6))
    pictures[1].paste((0, 0, 255, 255), (3, 0, 7, 6))
    path = tmp_path / "video.gif"
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], duration=[70, 330], disposal=2
    )
    frames = list(open_video(path).timed())
    assert [frame.time for frame in frames] == pytest.approx([0, 0.07])
    assert frames[1].duration == pytest.approx(0.33)
    blue, white = [(0, 0, 255)], [(255, 255, 255)]
    np.testing.assert_array_equal(frames[0].image[0], blue * 4 + white * 4)
    np.testing.assert_array_equal(frames[1].image[0], white * 3 + blue * 4 + white)


@pytest.mark.parametrize(
    ("suffix", "audio"), [(".mp4", "aac"), (".avi", "mp3"), (".webm", "libopus")]
)
def test_sound_is_seen_and_does_not_disturb(tmp_path, suffix, audio):
    path = write_video(tmp_path / f"video{suffix}", moving_square(10), audio=audio)
    video = open_video(path)
    assert video.has_audio
    assert len(list(video)) == 10


def test_folder_of_pictures_in_the_order_of_names(tmp_path):
    frames = noisy(12)
    for i, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / f"{i:03d}.png")
    (tmp_path / "notes.txt").write_text("not a frame")
    (tmp_path / ".hidden.png").write_text("not a frame")
    video = open_video(tmp_path)
    assert (video.height, video.width, video.frame_count, video.fps) == (48, 64, 12, 25)
    np.testing.assert_array_equal(np.stack(list(video)), frames)
    assert [f.time for f in video.timed()] == pytest.approx(np.arange(12) / 25)
    assert count_frames(tmp_path) == 12
    np.testing.assert_array_equal(read_frames(tmp_path, [3, 0, 3]), frames[[3, 0, 3]])


def test_numbers_in_the_names_of_pictures_count_as_numbers(tmp_path):
    for i, name in enumerate(["0b", "1", "2", "10", "a2x9", "a2x10", "a10x1"]):
        Image.new("RGB", (4, 4), (i, i, i)).save(tmp_path / f"{name}.png")
    assert [frame[0, 0, 0] for frame in open_video(tmp_path)] == list(range(7))
    assert read_frames(tmp_path, [3, 2])[:, 0, 0, 0].tolist() == [3, 2]


def test_folder_of_different_sizes_names_the_odd_one(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "0.png")
    Image.new("RGB", (8, 9)).save(tmp_path / "1.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "2.png")
    with pytest.raises(DataError, match="1.png: is 8x9, but 0.png is 8x8"):
        list(open_video(tmp_path))
    with pytest.raises(DataError, match="2.png: is 8x8, but 1.png is 8x9"):
        read_frames(tmp_path, [2, 1])
    assert read_frames(tmp_path, [2, 0]).shape == (2, 8, 8, 3)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_read_frames_gives_what_iterating_gives(tmp_path, suffix):
    path = write_video(tmp_path / f"video{suffix}", moving_square(12))
    frames = np.stack(list(open_video(path)))
    np.testing.assert_array_equal(read_frames(path, [7, 2, 2, 11]), frames[[7, 2, 2, 11]])


def test_read_frames_beyond_the_end_says_how_many_there_are(tmp_path):
    path = write_video(tmp_path / "video.mp4", moving_square(5))
    with pytest.raises(DataError, match="video.mp4: frame 5 was asked for, but it has 5 frames"):
        read_frames(path, [0, 5])


@pytest.mark.parametrize("codec", ["libx264", "libvpx", "libvpx-vp9", "mpeg4", "mjpeg", "ffv1"])
def test_counting_agrees_with_decoding(tmp_path, codec):
    path = write_video(tmp_path / "video.mkv", noisy(23), codec=codec)
    assert count_frames(path) == len(list(open_video(path))) == 23


@pytest.mark.parametrize("suffix", [".avi", ".mkv", ".webm"])
def test_cut_off_video_gives_the_frames_it_has(tmp_path, suffix):
    path = write_video(tmp_path / f"video{suffix}", noisy(40))
    whole = np.stack(list(open_video(path)))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6) - 7])
    video = open_video(path)
    frames = np.stack(list(video))
    assert 15 <= len(frames) <= 30
    np.testing.assert_array_equal(frames[:-1], whole[: len(frames) - 1])
    assert video.problem.startswith(f"{path}: damaged (")
    assert "\n" not in video.problem
    assert count_frames(path) == len(frames)


def test_cut_off_gif_gives_the_frames_it_has(tmp_path):
    """A GIF does not say how many frames it has, so that some are missing may go unnoticed."""
    path = write_video(tmp_path / "video.gif", noisy(40))
    whole = np.stack(list(open_video(path)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames = np.stack(list(open_video(path)))
    assert 15 <= len(frames) <= 25
    np.testing.assert_array_equal(frames[:-1], whole[: len(frames) - 1])
    assert count_frames(path) == len(frames)


def test_cut_off_mp4_with_its_index_in_front(tmp_path):
    path = write_video(tmp_path / "video.mp4", noisy(40), faststart=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    video = open_video(path)
    count = len(list(video))
    assert 10 <= count <= 25
    assert "damaged" in video.problem
    assert count_frames(path) == count


def test_cut_off_mp4_without_an_index_is_an_error(tmp_path):
    path = write_video(tmp_path / "video.mp4", noisy(40))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match="video.mp4: is no video.*or it was cut off"):
        open_video(path)


def bad_files(folder):
    (folder / "text.mp4").write_text("This is no video. " * 500)
    (folder / "empty.mp4").touch()
    (folder / "picture.mp4").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    (folder / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(1000))
    (folder / "playlist.mp4").write_text("#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n")
    other = write_video(folder / "other.mp4", moving_square(2))
    (folder / "list.mp4").write_text(f"ffconcat version 1.0\nfile '{other}'\n")
    write_sound(folder / "sound.mp4")
    (folder / "folder.mp4").mkdir()
    (folder / "short.gif").write_bytes(b"GIF89a")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("text.mp4", "is no video"),
        ("empty.mp4", "the file is empty"),
        ("picture.mp4", "is no video"),
        ("photo.heic", "is a HEIC, which cannot be read; save it as JPEG or PNG"),
        ("playlist.mp4", "is no video"),
        ("list.mp4", "is no video"),
        ("sound.mp4", "has no picture track, only sound"),
        ("folder.mp4", "the folder has no pictures"),
        ("short.gif", "is no video"),
        ("missing.mp4", "no such video"),
    ],
)
def test_what_is_no_video_is_one_clear_line(tmp_path, name, message):
    bad_files(tmp_path)
    for read in (open_video, count_frames, lambda path: read_frames(path, [0])):
        with pytest.raises(DataError, match=message) as caught:
            read(tmp_path / name)
        text = str(caught.value)
        assert text.startswith(str(tmp_path / name)) and "\n" not in text


def test_names_that_mean_something_to_the_library(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frames = moving_square(3)
    base = write_video(tmp_path / "base.mp4", frames, audio="aac")
    for name in NAMES:
        os.link(base, tmp_path / f"{name}.mp4")
        assert len(list(open_video(f"{name}.mp4"))) == count_frames(f"{name}.mp4") == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_that_may_not_be_read(tmp_path):
    path = write_video(tmp_path / "video.mp4", moving_square(2))
    path.chmod(0)
    with pytest.raises(DataError, match="permission denied"):
        open_video(path)
