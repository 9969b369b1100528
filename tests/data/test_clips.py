"""Videos of a dataset, whatever their form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sample_media import moving_square, write_video

from fomm_tf.data.clips import StripClip, VideoClip, list_videos, open_clip

# Two seconds at 30 frames per second, then two at 5.
TIMES = [*np.arange(60) / 30, *(2 + np.arange(10) / 5)]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".gif"])
def test_a_variable_frame_rate_is_kept(tmp_path, suffix):
    path = write_video(tmp_path / f"a{suffix}", moving_square(70), fps=5, times=TIMES)
    clip = open_clip(path, (64, 64))
    found = list(clip.timed())
    assert [frame.time for frame in found] == pytest.approx(TIMES, abs=6e-3)
    assert found[-1].time + found[-1].duration == pytest.approx(4, abs=0.21)
    np.testing.assert_array_equal(list(clip.frames()), [frame.image for frame in found])


def test_folders_and_strips_have_times_too(tmp_path):
    frames = moving_square(4, 16, 24)
    (tmp_path / "folder").mkdir()
    for i, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / "folder" / f"{i}.png")
    Image.fromarray(np.concatenate(frames, axis=1)).save(tmp_path / "strip.png")
    for name, kind in (("folder", VideoClip), ("strip.png", StripClip)):
        clip = open_clip(tmp_path / name, (16, 24))
        assert isinstance(clip, kind)
        found = list(clip.timed())
        assert [f.time for f in found] == pytest.approx([0, 0.04, 0.08, 0.12])
        assert [f.duration for f in found] == pytest.approx([0.04] * 4)
        np.testing.assert_array_equal([f.image for f in found], frames)
        np.testing.assert_array_equal(list(clip.frames()), frames)
        np.testing.assert_array_equal(np.stack(clip.read([3, 0])), frames[[3, 0]])
        assert (clip.count(), clip.fps(), clip.problem) == (4, 25, None)
        assert not clip.notices


@pytest.mark.parametrize("name", ["a.webp", "a.png", "a.apng"])
def test_an_animated_picture_is_no_strip(tmp_path, name):
    first, *others = [Image.fromarray(frame) for frame in moving_square(5)]
    kind = "PNG" if name != "a.webp" else "WEBP"
    options = {"lossless": True} if kind == "WEBP" else {}
    first.save(tmp_path / name, kind, save_all=True, append_images=others, duration=100, **options)
    assert list_videos(tmp_path) == [tmp_path / name]
    clip = open_clip(tmp_path / name, (64, 64))
    assert isinstance(clip, VideoClip) and clip.count() == 5
    np.testing.assert_array_equal([f.image for f in clip.timed()], moving_square(5))


def test_a_missing_file_is_told_when_it_is_read(tmp_path):
    assert isinstance(open_clip(Path(tmp_path / "missing.png"), (8, 8)), StripClip)
