"""Raw videos become clips of one face each."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from portraits import astronaut
from sample_media import moving_square, write_video

from fomm_tf.data.crop_videos import main
from fomm_tf.errors import DataError
from fomm_tf.face import detect_faces
from fomm_tf.media.video_reader import open_video


def scene(x: int | None) -> np.ndarray:
    """A wall, with a person at x."""
    wall = Image.new("RGB", (480, 200), (120, 130, 140))
    if x is not None:
        wall.paste(Image.fromarray(astronaut()).resize((200, 200)), (x, 0))
    return np.array(wall)


@pytest.fixture
def raw(tmp_path):
    """A person who stays, walks out and is elsewhere afterwards; no person; no video."""
    (tmp_path / "raw").mkdir()
    places = [20] * 10 + [None] * 5 + [260] * 15 + [None] * 5
    write_video(tmp_path / "raw" / "talk.mp4", np.stack([scene(x) for x in places]), fps=10)
    write_video(tmp_path / "raw" / "empty.mp4", moving_square(6), fps=10)
    (tmp_path / "raw" / "broken.mp4").write_text("no video")
    return tmp_path / "raw"


def crop(raw, *extra):
    out = raw.parent / "clips"
    main(["--videos", str(raw), "--out", str(out), "--size", "96", *extra])
    return out


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_clips_are_cropped_to_a_face_and_end_where_it_leaves(raw, capfd, jobs):
    out = crop(raw, "--seconds", "0.8", "--jobs", jobs)
    assert sorted(path.name for path in out.iterdir()) == ["talk#000.mp4", "talk#001.mp4"]
    for name, length in (("talk#000.mp4", 10), ("talk#001.mp4", 15)):
        video = open_video(out / name)
        frames = list(video.timed())
        assert (video.width, video.height, video.fps) == (96, 96, pytest.approx(10))
        assert len(frames) == length and frames[-1].time == pytest.approx((length - 1) / 10)
        for frame in (frames[0], frames[-1]):
            enlarged = np.array(Image.fromarray(frame.image).resize((256, 256)))
            assert 0.4 < detect_faces(enlarged)[0].box[2] / 256 < 0.6
    told = capfd.readouterr()
    assert "clips: 2 clips of 3 videos" in told.out
    assert "warning: skipped: " in told.err and "broken.mp4" in told.err
    assert "empty.mp4: no face stays in place for 0.8 seconds" in told.err


def test_short_clips_are_left_out(raw):
    assert len(list(crop(raw, "--seconds", "1.2").iterdir())) == 1


def test_without_a_clip_there_is_no_folder(raw):
    with pytest.raises(DataError, match="raw: no face stays in place for 9 seconds"):
        crop(raw, "--seconds", "9")
    assert not (raw.parent / "clips").exists()


def test_a_filled_folder_stays(raw):
    (raw.parent / "clips").mkdir()
    (raw.parent / "clips" / "mine.txt").touch()
    with pytest.raises(DataError, match="not an empty folder"):
        crop(raw)


def test_odd_sizes(raw, capsys):
    with pytest.raises(SystemExit):
        crop(raw, "--size", "95")
    assert "--size must be even" in capsys.readouterr().err
