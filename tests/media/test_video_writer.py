"""Writing videos: read back with PyAV and Pillow, not with the reader under test."""

from __future__ import annotations

import os
import subprocess
import sys

import av
import numpy as np
import pytest
from av.video.reformatter import Interpolation
from commands import run_program
from PIL import Image
from sample_media import moving_square, write_sound, write_video

from fomm_tf.errors import DataError
from fomm_tf.media.video_reader import open_video
from fomm_tf.media.video_writer import VideoWriter

NAMES = ["2024-11-14T22:57:44", "http:a", "concat:a", "a%03d", "a%d b", "-y", "日本 🙂", "it's [1]"]


def write(path, frames, fps=25, times=None, audio_from=None):
    with VideoWriter(path, fps, audio_from) as writer:
        for i, frame in enumerate(frames):
            writer.write(frame, None if times is None else times[i])
    return writer


def decode(path):
    """Frames as arrays, and their (start, duration) in seconds."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    exact = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
    images = np.stack([f.to_ndarray(format="rgb24", interpolation=exact) for f in frames])
    return images, [(frame.time, float(frame.duration * frame.time_base)) for frame in frames]


def seconds_of_sound(path):
    """(codec, first and last moment of sound in seconds, loudness)."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        frames = list(container.decode(stream))
        samples = np.concatenate([f.to_ndarray().mean(axis=0) for f in frames]).astype(float)
        end = frames[-1].time + frames[-1].samples / frames[-1].sample_rate
        return stream.codec_context.name, frames[0].time, end, np.abs(samples).mean()


def left_behind(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("fps", [25, 30000 / 1001, 12.5])
def test_mp4_has_the_frames_rate_and_duration(tmp_path, fps):
    frames = moving_square(20, 48, 64)
    write(tmp_path / "video.mp4", frames, fps)
    images, times = decode(tmp_path / "video.mp4")
    assert images.shape == frames.shape
    # The colours of H.264 are stored at half the resolution: the square's edges may differ.
    difference = images.astype(int) - frames
    assert np.median(np.abs(difference)) <= 1
    assert np.abs(difference).mean() < 3
    starts, durations = np.transpose(times)
    np.testing.assert_allclose(starts, np.arange(20) / fps, atol=1e-4)
    np.testing.assert_allclose(durations, 1 / fps, atol=1e-4)
    with av.open(str(tmp_path / "video.mp4")) as container:
        stream = container.streams.video[0]
        assert float(stream.average_rate) == pytest.approx(fps, rel=1e-4)
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
    content = (tmp_path / "video.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert left_behind(tmp_path) == ["video.mp4"]


def test_floats_are_rounded_not_cut(tmp_path):
    levels = np.array([0, 0.5 / 255 + 1e-4, 1, 2, -1], np.float32)
    frame = np.repeat(levels[None, :, None], 3, axis=2)
    write(tmp_path / "frames", [frame])
    stored = np.asarray(Image.open(tmp_path / "frames" / "000000.png"))
    np.testing.assert_array_equal(stored[0, :, 0], [0, 1, 255, 255, 0])


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_variable_frame_rate_is_kept_with_the_last_duration(tmp_path, suffix):
    times, ends = [0, 0.1, 0.5, 0.56, 1.0], [0.1, 0.5, 0.56, 1.0, 1.7]
    path = tmp_path / f"video{suffix}"
    with VideoWriter(path, 4) as writer:
        for time, end, frame in zip(times, ends, moving_square(5), strict=True):
            writer.write(frame, time, end - time)
    _, found = decode(path)
    assert found == [pytest.approx((a, b - a), abs=1e-4) for a, b in zip(times, ends, strict=True)]


def test_gif_as_a_browser_reads_it(tmp_path):
    frames = moving_square(10, 33, 47)
    write(tmp_path / "video.gif", frames, fps=30)
    with Image.open(tmp_path / "video.gif") as picture:
        assert (picture.n_frames, picture.size, picture.info["loop"]) == (10, (47, 33), 0)
        delays = []
        for i in range(10):
            picture.seek(i)
            delays.append(picture.info["duration"])
            image = np.asarray(picture.convert("RGB"))
            assert np.abs(image.astype(int) - frames[i]).mean() < 8
    assert set(delays) <= {30, 40} and sum(delays) == pytest.approx(1000 / 3, abs=11)


def test_gif_of_a_fast_video_leaves_frames_out_and_keeps_its_duration(tmp_path):
    write(tmp_path / "video.gif", moving_square(120), fps=120)
    with Image.open(tmp_path / "video.gif") as picture:
        delays = []
        for i in range(picture.n_frames):
            picture.seek(i)
            delays.append(picture.info["duration"])
    assert min(delays) >= 20
    assert sum(delays) == pytest.approx(1000, abs=20)


@pytest.mark.parametrize(("height", "width"), [(33, 45), (32, 45), (33, 44)])
def test_odd_sizes_are_padded_with_their_edge_not_squashed(tmp_path, height, width):
    frames = moving_square(3, height, width)
    write(tmp_path / "video.mp4", frames)
    images, _ = decode(tmp_path / "video.mp4")
    assert images.shape[1:] == (height + height % 2, width + width % 2, 3)
    inner = images[:, :height, :width].astype(int)
    assert np.median(np.abs(inner - frames)) <= 2
    last = images[:, height - 1 :, : width - 8].astype(int)
    assert np.abs(last - last[:, :1]).max() < 8


def test_folder_has_every_frame_exactly(tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (12, 9, 7, 3), dtype=np.uint8)
    write(tmp_path / "new" / "frames", frames)
    assert left_behind(tmp_path / "new") == ["frames"]
    names = left_behind(tmp_path / "new" / "frames")
    assert names == [f"{i:06d}.png" for i in range(12)]
    stored = [np.asarray(Image.open(tmp_path / "new" / "frames" / name)) for name in names]
    np.testing.assert_array_equal(stored, frames)


def test_folder_may_exist_if_it_is_empty(tmp_path):
    (tmp_path / "frames.v1").mkdir()
    write(tmp_path / "frames.v1", moving_square(2))
    assert len(left_behind(tmp_path / "frames.v1")) == 2


@pytest.mark.parametrize(
    ("suffix", "audio", "expected"),
    [
        (".mp4", "aac", "aac"),
        (".mp4", "mp3", "mp3float"),
        (".webm", "libopus", "opus"),
        (".avi", "mp3", "mp3float"),
        (".mov", "pcm_s16le", "aac"),
        (".mkv", "flac", "aac"),
        (".avi", "pcm_s16le", "aac"),
    ],
)
def test_sound_is_carried_over(tmp_path, suffix, audio, expected):
    driving = write_video(tmp_path / f"driving{suffix}", moving_square(40), fps=20, audio=audio)
    writer = write(tmp_path / "video.mp4", moving_square(40), 20, audio_from=driving)
    codec, start, end, loudness = seconds_of_sound(tmp_path / "video.mp4")
    assert codec == expected
    assert start == pytest.approx(0, abs=0.05)
    assert end == pytest.approx(2, abs=0.05)
    assert loudness > (0.1 if codec != "pcm" else 3000)
    assert writer.problem is None
    _, times = decode(tmp_path / "video.mp4")
    assert sum(times[-1]) == pytest.approx(2, abs=1e-3)


@pytest.mark.parametrize("audio", ["aac", "pcm_s16le"])
def test_sound_ends_with_the_video(tmp_path, audio):
    driving = write_video(
        tmp_path / "driving.mov", moving_square(20), fps=20, audio=audio, audio_seconds=3
    )
    write(tmp_path / "video.mp4", moving_square(20), 20, audio_from=driving)
    assert seconds_of_sound(tmp_path / "video.mp4")[2] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("audio", ["aac", "pcm_s16le"])
def test_sound_starts_with_the_first_frame(tmp_path, audio):
    """The driving video's first frame comes a second after its sound begins."""
    driving = write_video(
        tmp_path / "driving.mkv",
        moving_square(20),
        fps=20,
        times=1 + np.arange(20) / 20,
        audio=audio,
        audio_seconds=2.5,
    )
    write(tmp_path / "video.mp4", moving_square(20), 20, audio_from=driving)
    _, start, end, _ = seconds_of_sound(tmp_path / "video.mp4")
    assert start == pytest.approx(0, abs=0.06)
    assert end == pytest.approx(1, abs=0.06)


def test_sound_is_interleaved_with_the_frames(tmp_path):
    driving = write_video(tmp_path / "driving.mp4", moving_square(100), fps=20, audio="aac")
    write(tmp_path / "video.mp4", moving_square(100), 20, audio_from=driving)
    with av.open(str(tmp_path / "video.mp4")) as container:
        order = [
            (p.pos, float(p.pts * p.time_base)) for p in container.demux() if p.pts is not None
        ]
    times = [time for _, time in sorted(order)]
    assert max(np.maximum.accumulate(times) - times) < 1.5


def test_sound_of_a_file_without_any_is_no_sound(tmp_path):
    driving = write_video(tmp_path / "driving.mp4", moving_square(5))
    write(tmp_path / "video.mp4", moving_square(5), audio_from=driving)
    with av.open(str(tmp_path / "video.mp4")) as container:
        assert not container.streams.audio


def test_sound_only_file_may_give_the_sound(tmp_path):
    sound = write_sound(tmp_path / "sound.m4a", seconds=2)
    write(tmp_path / "video.mp4", moving_square(25), audio_from=sound)
    assert seconds_of_sound(tmp_path / "video.mp4")[2] == pytest.approx(1, abs=0.05)


def test_damaged_sound_is_told_and_the_video_written(tmp_path):
    driving = write_video(tmp_path / "driving.mkv", moving_square(75), audio="flac")
    content = np.frombuffer(driving.read_bytes(), np.uint8).copy()
    content[len(content) // 3 :: 50] ^= 0x55
    driving.write_bytes(content.tobytes())
    writer = write(tmp_path / "video.mp4", moving_square(75), audio_from=driving)
    assert len(decode(tmp_path / "video.mp4")[0]) == 75
    assert "the sound is damaged" in writer.problem


@pytest.mark.parametrize("name", ["video.mp4", "video.gif", "frames"])
def test_an_exception_leaves_everything_as_it_was(tmp_path, name):
    if name != "frames":
        (tmp_path / name).write_text("what was there before")
    with pytest.raises(RuntimeError, match="in the middle"):
        with VideoWriter(tmp_path / name, 25) as writer:
            for frame in moving_square(30):
                writer.write(frame)
            raise RuntimeError("in the middle")
    assert left_behind(tmp_path) == ([name] if name != "frames" else [])
    if name != "frames":
        assert (tmp_path / name).read_text() == "what was there before"


@pytest.mark.parametrize("name", ["video.mp4", "video.gif", "frames"])
def test_no_frames_is_an_error(tmp_path, name):
    with pytest.raises(DataError, match="no frame"):
        with VideoWriter(tmp_path / name, 25):
            pass
    assert left_behind(tmp_path) == []


def test_nothing_appears_before_the_end(tmp_path):
    with VideoWriter(tmp_path / "video.mp4", 25) as writer:
        writer.write(moving_square(1)[0])
        assert not (tmp_path / "video.mp4").exists()
    assert left_behind(tmp_path) == ["video.mp4"]


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ""])
@pytest.mark.parametrize("name", NAMES)
def test_names_that_mean_something_to_the_library(tmp_path, monkeypatch, name, suffix):
    """As relative names: an absolute one cannot be mistaken for anything else."""
    monkeypatch.chdir(tmp_path)
    driving = write_video(tmp_path / "driving.mp4", moving_square(3), audio="aac")
    os.rename(driving, "driving:1%d.mp4")
    write(f"{name}{suffix}", moving_square(3), audio_from="driving:1%d.mp4")
    assert left_behind(tmp_path) == sorted([f"{name}{suffix}", "driving:1%d.mp4"])
    if suffix:
        assert len(decode(tmp_path / f"{name}{suffix}")[0]) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such video"), (b"", "the file is empty"), (b"no sound " * 99, "is no video")],
)
def test_sound_from_what_is_no_video_is_one_line_before_the_work(tmp_path, content, message):
    source = tmp_path / "sound.mp4"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(DataError, match=f"{source}: {message}"):
        with VideoWriter(tmp_path / "video.mp4", 25, audio_from=source):
            pytest.fail("must be refused before the work")
    assert left_behind(tmp_path) == (["sound.mp4"] if content is not None else [])


def test_what_the_library_refuses_is_one_line(tmp_path):
    with pytest.raises(DataError, match="video.mp4: cannot be written"):
        write(tmp_path / "video.mp4", [np.zeros((2, 30_000, 3), np.uint8)])
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ""])
def test_the_longest_names(tmp_path, suffix):
    path = tmp_path / ("n" * (255 - len(suffix)) + suffix)
    write(path, moving_square(2))
    assert left_behind(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", [".avi", ".mpg", ".png"])
def test_unknown_suffix_names_the_known_ones(tmp_path, suffix):
    with pytest.raises(DataError, match=r"\.mp4 or \.gif, or a folder"):
        VideoWriter(tmp_path / f"video{suffix}", 25)


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "holiday.png").write_text("mine")
    (tmp_path / "folder.mp4").mkdir()
    for name in ("file/video.mp4", "file/video.gif", "file/frames", "file", "full", "folder.mp4"):
        with pytest.raises(DataError, match=str(tmp_path / name)):
            with VideoWriter(tmp_path / name, 25):
                pytest.fail("must be refused before the work")
    assert left_behind(tmp_path) == ["file", "folder.mp4", "full"]
    assert left_behind(tmp_path / "full") == ["holiday.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(DataError, match="cannot be written"):
        with VideoWriter(tmp_path / "video.mp4", 25):
            pass


@pytest.mark.parametrize("name", ["video.mp4", "video.gif", "frames"])
def test_full_disk_is_one_line_and_leaves_nothing(tmp_path, name):
    code = f"""
import resource, signal, numpy as np
from fomm_tf.media.video_writer import VideoWriter
from fomm_tf.cli import run_command
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
def main():
    with VideoWriter({str(tmp_path / name)!r}, 25) as writer:
        for i in range(100):
            writer.write(np.random.default_rng(i).integers(0, 255, (128, 128, 3), dtype=np.uint8))
run_command(main)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.strip() == f"error: {tmp_path / name}: cannot be written (File too large)"
    assert left_behind(tmp_path) == []


def test_frames_of_another_size_are_refused(tmp_path):
    with pytest.raises(ValueError, match="shape"):
        with VideoWriter(tmp_path / "video.mp4", 25) as writer:
            writer.write(np.zeros((32, 32, 3), np.uint8))
            writer.write(np.zeros((32, 34, 3), np.uint8))
    assert left_behind(tmp_path) == []


def test_reading_and_writing_keeps_what_was_read(tmp_path):
    frames = moving_square(30)
    driving = write_video(tmp_path / "driving.mp4", frames, fps=24, rotation=90, audio="aac")
    video = open_video(driving)
    with VideoWriter(tmp_path / "video.mp4", video.fps, audio_from=driving) as writer:
        for time, duration, image in video.timed():
            writer.write(image, time, duration)
    copy = open_video(tmp_path / "video.mp4")
    assert (copy.fps, copy.width, copy.height, copy.frame_count, copy.has_audio) == (
        pytest.approx(video.fps),
        video.width,
        video.height,
        30,
        True,
    )
    assert np.abs(np.stack(list(copy)).astype(int) - np.stack(list(video))).mean() < 4


@pytest.mark.parametrize("name", ["video.mp4", "video.gif"])
def test_memory_does_not_grow_with_the_video(tmp_path, name):
    """1,200 more frames of 48 KB are 57 MB if they are held."""
    code = f"""
import resource, numpy as np
from fomm_tf.media.video_writer import VideoWriter
frames = np.random.default_rng(0).integers(0, 40, (8, 128, 128, 3), dtype=np.uint8)
peaks = []
with VideoWriter({str(tmp_path / name)!r}, 25) as writer:
    for i in range(1500):
        writer.write(frames[i % 8])
        if i in (300, 1499):
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(peaks[1] - peaks[0])
"""
    done = run_program(code)
    kilobytes = int(done.stdout) // (1024 if sys.platform == "darwin" else 1)
    assert kilobytes < 8_000
