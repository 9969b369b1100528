"""The web page as users use it, in Chromium: with the bundled model in int8."""

from __future__ import annotations

import re
from pathlib import Path

import av
import numpy as np
import pytest
from commands import ROOT
from PIL import Image
from sample_media import write_video
from web.pages import BLANK, opened, served
from web.pixels import animated_by_page, least_psnr

from export.conversion import convert
from fomm_tf.data.cartoon_faces import render_video
from fomm_tf.inference.animation import animate_frames
from fomm_tf.inference.loading import load_exported

SIDE = 128
# Generous, for machines that have other things to do.
PATIENCE = 120_000


@pytest.fixture(scope="module")
def int8_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "cartoon-faces"
    convert(ROOT / "models" / "cartoon-faces", folder, "int8")
    return folder


@pytest.fixture(scope="module")
def address(make_page, int8_dir):
    with served(make_page(int8_dir)) as address:
        yield address


@pytest.fixture(scope="module")
def faces():
    """A source picture, and two driving frames that differ clearly."""
    source = next(iter(render_video(31, 0, 1, SIDE)))
    driving = list(render_video(31, 1, 30, SIDE))
    return source, driving[0], driving[-1]


@pytest.fixture(scope="module")
def page(browser, address):
    """The page, when it has animated its example."""
    with opened(browser, address, accept_downloads=True) as page:
        page.set_default_timeout(PATIENCE)
        wait_for_frames(page)
        yield page


def wait_for_frames(page) -> None:
    page.locator("main:not([inert])").wait_for(timeout=PATIENCE)
    page.locator("#rate", has_text="frames/s").wait_for(timeout=PATIENCE)
    assert page.locator("#problem").is_hidden(), page.inner_text("#problem")


def sentence(page) -> str:
    """The problem that the page tells, which is then closed."""
    page.locator("#problem").wait_for()
    text = page.inner_text("#problem span")
    page.get_by_role("button", name="Close this message").click()
    return text


def pixels(page, name: str) -> np.ndarray:
    """What a canvas shows: uint8 [H, W, 3]."""
    flat = page.evaluate(
        """(name) => {
          const canvas = document.getElementById(name);
          const context = canvas.getContext("2d");
          return Array.from(context.getImageData(0, 0, canvas.width, canvas.height).data);
        }""",
        name,
    )
    return np.array(flat, np.uint8).reshape(SIDE, SIDE, 4)[..., :3]


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_int8_frames_are_pythons(browser, address, int8_dir, faces):
    source, *driving = faces
    with opened(browser, address + BLANK) as page:
        _, found = animated_by_page(page, source, driving)
    expected = list(animate_frames(load_exported(int8_dir), source, driving))
    assert np.abs(expected[0] - expected[1]).mean() > 0.02
    assert least_psnr(found, expected) >= 45


def test_it_shows_the_example_moving(page):
    source, driving, result = (pixels(page, name) for name in ("source", "driving", "result"))
    assert min(image.std() for image in (source, driving, result)) > 20
    assert "cartoon-faces" in page.inner_text("#model-facts")
    assert re.search(r"with [2-4] threads", page.inner_text("#model-facts"))


def test_everything_can_be_reached_and_is_named(page):
    """By the keyboard, and for a screen reader."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    controls = page.locator("button:visible, input, summary, a").all()
    assert len(controls) > 20
    for control in controls:
        assert control.evaluate("(one) => one.tabIndex") == 0
    for name in (
        "Choose a picture",
        "Choose a video",
        "Open a model (ZIP)",
        "Zoom",
        "Drawn face 2",
    ):
        assert page.get_by_label(name).or_(page.get_by_role("button", name=name)).count(), name
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = false))")


def test_nothing_is_cut_off_at_phone_width(page):
    page.set_viewport_size({"width": 320, "height": 700})
    wider = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert not wider


def test_mistakes_are_told_in_sentences(page, tmp_path):
    text = tmp_path / "notes.mp4"
    text.write_text("This is a text, whatever its name says.")
    page.set_input_files("#video-file", text)
    assert "cannot play notes.mp4" in sentence(page)
    page.set_input_files("#picture-file", text)
    assert "cannot read this picture" in sentence(page)
    page.set_input_files("#model-zip", text)
    assert "not a ZIP file" in sentence(page)
    page.get_by_role("button", name="Use the camera").click()
    assert "No camera was found" in sentence(page)


def test_it_goes_on_after_a_mistake(page, faces, tmp_path):
    """With a picture and a video of the user's own; the sound goes into the recording."""
    Image.fromarray(faces[0]).save(tmp_path / "me.png")
    page.set_input_files("#picture-file", tmp_path / "me.png")
    video = write_video(tmp_path / "talk.mp4", faces[1:] * 5, fps=5, audio="aac")
    page.set_input_files("#video-file", video)
    wait_for_frames(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Record a video").click()
    recording = tmp_path / download.value.suggested_filename
    download.value.save_as(recording)
    with av.open(str(recording)) as container:
        assert {stream.type for stream in container.streams} == {"video", "audio"}
    assert frames_of(recording)[0].shape == (SIDE, SIDE, 3)


def test_a_picture_is_cropped_to_its_face(page, faces, tmp_path):
    """As the model's own pictures show faces."""
    picture = np.full((200, 256, 3), 128, np.uint8)
    picture[60 : 60 + SIDE, 110 : 110 + SIDE] = faces[0]
    Image.fromarray(picture).save(tmp_path / "far.png")
    expect = pytest.importorskip("playwright.sync_api").expect
    zoom = page.locator("#source-crop [name=zoom]")
    of_the_picture_before = zoom.input_value()
    page.set_input_files("#picture-file", tmp_path / "far.png")
    expect(zoom).not_to_have_value(of_the_picture_before, timeout=PATIENCE)
    expect(zoom).not_to_have_value("1", timeout=PATIENCE)
    assert 1.2 < float(zoom.input_value()) < 2.2
    assert float(page.locator("#source-crop [name=across]").input_value()) > 0.6
    assert float(page.locator("#source-crop [name=down]").input_value()) > 0.55


def test_a_still_is_what_is_shown(page, tmp_path):
    page.get_by_role("button", name="Pause").click()
    page.wait_for_timeout(500)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save this frame").click()
    download.value.save_as(tmp_path / "still.png")
    page.get_by_role("button", name="Play").click()
    assert Image.open(tmp_path / "still.png").size == (SIDE, SIDE)


def write_camera(path: Path, frames: list[np.ndarray]) -> Path:
    """A raw video that Chromium takes for a camera: 20 frames a second, each shown for a second."""
    with av.open(str(path), "w", format="yuv4mpegpipe") as container:
        stream = container.add_stream("wrapped_avframe", rate=20)
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "yuv420p"
        for image in frames:
            for _ in range(20):
                frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
                container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_the_camera_drives_and_is_recorded(chromium, address, faces, int8_dir, tmp_path):
    source, *driving = faces
    # The page mirrors the camera, as mirrors do; the file shows what a camera sees.
    camera = write_camera(tmp_path / "camera.y4m", [frame[:, ::-1] for frame in driving])
    browser = chromium(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
    )
    Image.fromarray(source).save(tmp_path / "me.png")
    with opened(browser, address, accept_downloads=True) as page:
        page.set_default_timeout(PATIENCE)
        wait_for_frames(page)
        page.get_by_label("Absolute").check()
        page.set_input_files("#picture-file", tmp_path / "me.png")
        page.get_by_role("button", name="Use the camera").click()
        page.locator("#camera[aria-pressed=true]").wait_for()
        page.get_by_role("button", name="Record a video").click()
        page.wait_for_timeout(3000)
        with page.expect_download() as download:
            page.get_by_role("button", name="Stop recording").click()
        shown = pixels(page, "source")
        recording = tmp_path / download.value.suggested_filename
        download.value.save_as(recording)
    model = load_exported(int8_dir)
    motion = model.default_motion.__class__(relative=False)
    expected = [255 * frame for frame in animate_frames(model, shown, driving, motion)]
    nearest = [
        np.argmin([np.abs(one - e).mean() for e in expected]) for one in frames_of(recording)
    ]
    assert set(nearest) == {0, 1}
    apart = np.abs(expected[0] - expected[1]).mean()
    closest = [min(np.abs(one - e).mean() for one in frames_of(recording)) for e in expected]
    assert max(closest) < apart / 3


def test_one_file_needs_no_server(browser, make_page, int8_dir):
    path = make_page(int8_dir, "page.html", "--single-file")
    with opened(browser, path.as_uri()) as page:
        wait_for_frames(page)
        assert "one thread" in page.inner_text("#model-facts")
        assert pixels(page, "result").std() > 20
