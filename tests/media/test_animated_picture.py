"""Pictures as videos."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sample_media import DISPLAY_P3, color_profile, moving_square

from fomm_tf.errors import DataError
from fomm_tf.media.pictures import read_picture
from fomm_tf.media.video_reader import count_frames, open_video, read_frames

EXACT = {"webp": {"lossless": True}, "png": {}, "apng": {}, "avif": {"quality": 95}}


def animation(path, frames, durations, **options):
    first, *others = [Image.fromarray(frame) for frame in frames]
    options = {**EXACT[path.suffix[1:]], "loop": 0, **options}
    if path.suffix == ".apng":
        options["format"] = "PNG"
    first.save(path, save_all=True, append_images=others, duration=durations, **options)
    return path


@pytest.mark.parametrize("suffix", list(EXACT))
def test_animated_pictures_are_videos(tmp_path, suffix):
    frames, durations = moving_square(5, 48, 64), [40, 100, 500, 40, 320]
    path = animation(tmp_path / f"a.{suffix}", frames, durations)
    video = open_video(path)
    assert (video.height, video.width, video.frame_count) == (48, 64, 5)
    assert video.fps == pytest.approx(5) and not video.has_audio and video.notices == []
    for _ in range(2):
        found = list(video.timed())
        assert [f.time for f in found] == pytest.approx([0, 0.04, 0.14, 0.64, 0.68])
        assert [f.duration * 1000 for f in found] == pytest.approx(durations)
        difference = np.stack([f.image for f in found]).astype(int) - frames
        assert np.abs(difference).mean() < 2 and (suffix == "avif" or not difference.any())
    assert video.problem is None
    assert count_frames(path) == 5
    np.testing.assert_array_equal(read_frames(path, [4, 1, 4])[0], found[4].image)
    with pytest.raises(DataError, match="frame 5 was asked for, but it has 5 frames"):
        read_frames(path, [5])
    np.testing.assert_array_equal(read_picture(path), found[0].image)


@pytest.mark.parametrize("suffix", ["webp", "png"])
def test_what_is_transparent_is_put_on_the_ground(tmp_path, suffix):
    frames = np.zeros((3, 8, 12, 4), np.uint8)
    for i, frame in enumerate(frames):
        frame[:, 4 * i : 4 * i + 4] = (200, 40, 60, 255)
    # All frames whole: else the encoder keeps the opaque parts only, and no word of the others.
    options = {"disposal": 1} if suffix == "png" else {"kmin": 0, "kmax": 1}
    path = animation(tmp_path / f"a.{suffix}", frames, 100, **options)
    for ground in ((255, 255, 255), (0, 90, 180)):
        for i, image in enumerate(open_video(path, ground=ground)):
            row = [list(ground)] * 12
            row[4 * i : 4 * i + 4] = [[200, 40, 60]] * 4
            assert image[0].tolist() == row


def test_colours_go_by_the_profile(tmp_path):
    frames, profile = moving_square(3), color_profile(DISPLAY_P3, 2.2)
    path = animation(tmp_path / "a.webp", frames, 100, icc_profile=profile)
    Image.fromarray(frames[2]).save(tmp_path / "b.png", icc_profile=profile)
    np.testing.assert_array_equal(list(open_video(path))[2], read_picture(tmp_path / "b.png"))


def test_the_picture_for_programs_without_animations_is_no_frame(tmp_path):
    first, *others = [Image.fromarray(frame) for frame in moving_square(4)]
    path = tmp_path / "a.png"
    first.save(path, save_all=True, append_images=others, duration=100, default_image=True)
    found = list(open_video(path))
    np.testing.assert_array_equal(found, moving_square(4)[1:])
    assert count_frames(path) == 3
    np.testing.assert_array_equal(read_frames(path, [2])[0], found[2])


def test_frames_too_short_to_show_last_as_long_as_browsers_show_them(tmp_path):
    path = animation(tmp_path / "a.webp", moving_square(3), [0, 10, 20])
    assert [f.duration for f in open_video(path).timed()] == pytest.approx([0.1, 0.1, 0.02])


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tif", "ppm", "gif", "avif"])
def test_one_picture_is_one_frame(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(moving_square(1, 40, 60)[0]).save(path)
    video = open_video(path)
    assert (video.height, video.width, video.frame_count) == (40, 60, 1)
    (frame,) = video.timed()
    assert frame.time == 0 and frame.duration > 0
    np.testing.assert_allclose(frame.image.astype(int), read_picture(path), atol=2)
    assert count_frames(path) == 1


def test_pages_and_depth_maps_are_no_frames(tmp_path):
    pictures = [Image.fromarray(frame) for frame in moving_square(3)]
    pictures[0].save(tmp_path / "pages.tif", save_all=True, append_images=pictures[1:])
    pictures[0].save(tmp_path / "phone.jpg", "MPO", save_all=True, append_images=pictures[1:])
    for name in ("pages.tif", "phone.jpg"):
        assert len(list(open_video(tmp_path / name))) == 1


def test_a_turned_photo_is_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = moving_square(1, 40, 60)[0]
    Image.fromarray(image).save(tmp_path / "a.png", exif=exif)
    video = open_video(tmp_path / "a.png")
    assert (video.height, video.width) == (60, 40)
    np.testing.assert_array_equal(next(iter(video)), np.rot90(image, -1))


@pytest.mark.parametrize("suffix", ["webp", "png"])
def test_a_cut_off_animation_is_one_line(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 255, (6, 48, 64, 3), dtype=np.uint8)
    path = animation(tmp_path / f"a.{suffix}", noise, 100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=f"a.{suffix}: ") as caught:
        open_video(path)
    assert "\n" not in str(caught.value)
