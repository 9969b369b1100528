"""The window under Xvfb, by its own events."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sample_media import moving_square
from test_animate import FakeModel

from fomm_tf.errors import DataError, UserError
from fomm_tf.live.puppet import Controls, Puppet, Source
from fomm_tf.live.session import Session
from fomm_tf.live.window import HEIGHT, Window
from fomm_tf.media.video_reader import open_video


@pytest.fixture(scope="module")
def display():
    """A display of its own, so that no window opens on a developer's screen."""
    program = shutil.which("Xvfb")
    if program is None:
        if "CI" in os.environ:
            pytest.fail("install xvfb")
        pytest.skip("Xvfb is not installed")
    read, write = os.pipe()
    server = subprocess.Popen(
        [program, "-displayfd", str(write), "-screen", "0", "1280x800x24"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait()


@pytest.fixture
def opened(display, monkeypatch, tmp_path):
    """A window of an endless camera; its keys are pressed one after the other, then it ends."""
    monkeypatch.setenv("DISPLAY", display)
    frames = moving_square(8, 64, 64)

    def endless():
        while True:
            yield from frames

    def run(*keys, camera=None, size=(64, 64)):
        controls = Controls()
        sources = [Source(np.full((*size, 3), level, np.uint8)) for level in (60, 180)]
        session = Session(camera or endless(), Puppet(FakeModel(), sources, controls))
        window = Window(session, controls, len(sources), tmp_path, comment=None)
        pressed = iter([*keys, "q"])
        states = []

        def press():
            if window._last is None or window._root.focus_get() is None:
                window._root.focus_force()
                window._root.after(50, press)
                return
            states.append((window._status.cget("text"), window._photo.width()))
            window._root.event_generate(f"<Key-{next(pressed)}>", when="now")
            window._root.after(250, press)

        window._root.after(50, press)
        session.start()
        window.run()
        return controls, states

    return run


def test_the_window_shows_both_pictures_and_how_fast(opened):
    _, states = opened("x")
    text, width = states[1]
    assert "frames/s" in text and "behind the camera" in text and "left out" in text
    assert width == 2 * HEIGHT


def test_keys(opened):
    controls, states = opened("m", "a", "n", "space")
    assert controls.mirror and controls.absolute and controls.source == 1
    texts = [text for text, _ in states]
    assert "mirrored" in texts[1] and "absolute" in texts[2] and "picture 2" in texts[3]
    controls, _ = opened("2", "1", "a", "a", "9")
    assert (controls.source, controls.absolute) == (0, False)


def test_a_still_and_a_recording(opened, tmp_path):
    _, states = opened("s", "r", "n", "n", "r")
    (still,) = tmp_path.glob("live-*.png")
    (video,) = tmp_path.glob("live-*.mp4")
    assert Image.open(still).size == (64, 64)
    assert len(list(open_video(video))) >= 3
    assert "RECORDING" in states[3][0] and "RECORDING" not in states[-1][0]
    assert f"{video}: " in states[-1][0]


def test_closing_the_window_finishes_a_recording(opened, tmp_path):
    opened("r", "x")
    (video,) = tmp_path.glob("live-*.mp4")
    assert len(list(open_video(video))) >= 1
    assert [path.name for path in tmp_path.iterdir()] == [video.name]


def test_an_unplugged_camera_ends_the_window_with_its_reason(opened):
    def unplugged():
        yield from moving_square(2, 64, 64)
        raise DataError("camera x: it was unplugged")

    with pytest.raises(DataError, match="unplugged"):
        opened(camera=unplugged())


def test_a_file_that_ends_closes_the_window(opened):
    opened(*["x"] * 50, camera=iter(moving_square(3, 64, 64)))


def test_a_folder_that_cannot_be_written(opened, tmp_path, monkeypatch):
    monkeypatch.setattr("fomm_tf.live.window.new_path", lambda *_: Path("/proc/no/live.mp4"))
    with pytest.raises(DataError, match="/proc/no/live.mp4: cannot be written"):
        opened("r")


def test_no_display(monkeypatch, tmp_path):
    monkeypatch.setenv("DISPLAY", ":9999")
    with pytest.raises(UserError, match="no window can be opened .*; give --out FILE"):
        Window(None, Controls(), 1, tmp_path, None)
