"""Cameras, the three threads, and results into files."""

from __future__ import annotations

import time

import av
import numpy as np
import pytest
from PIL import Image
from portraits import astronaut
from sample_media import moving_square, write_video
from test_animate import FakeModel

import fomm_tf
from fomm_tf.errors import DataError, ModelError
from fomm_tf.face import detect_faces
from fomm_tf.face.crop import MARGIN
from fomm_tf.live import camera as cameras
from fomm_tf.live.__main__ import main
from fomm_tf.live.camera import list_cameras, open_camera, play
from fomm_tf.live.newest import Newest
from fomm_tf.live.puppet import Controls, Puppet, Source
from fomm_tf.live.session import Meter, Session
from fomm_tf.media.video_reader import open_video

TEST_PICTURE = "lavfi:testsrc2=size=96x64:rate=25:duration=0.4"


def driven(camera, model=None, **options):
    """A session of one grey picture with a fake model."""
    source = Source(np.full((64, 64, 3), 100, np.uint8))
    return Session(camera, Puppet(model or FakeModel(), [source], Controls(), **options))


def results_of(session):
    session.start()
    while (animated := session.results.take(timeout=20)) is not None:
        yield animated


def test_the_newest_wins():
    newest: Newest[int] = Newest()
    for number in (1, 2, 3):
        newest.put(number)
    assert (newest.take(), newest.dropped) == (3, 2)
    assert newest.take(timeout=0) is None and not newest.closed
    newest.put(4)
    newest.close()
    assert not newest.closed and newest.take() == 4
    assert newest.take() is None and newest.closed


def test_what_ended_the_camera_reaches_the_taker():
    newest: Newest[int] = Newest()
    newest.put(1)
    newest.close(DataError("gone"))
    assert newest.take() == 1
    with pytest.raises(DataError, match="gone"):
        newest.take()


def test_a_slow_model_leaves_frames_out_and_falls_behind_by_no_more_than_its_time():
    class Slow(FakeModel):
        def decode(self, *arguments):
            time.sleep(0.1)
            return super().decode(*arguments)

    made = []

    def camera():
        for number in range(60):
            time.sleep(0.01)
            made.append(time.monotonic())
            yield np.full((64, 64, 3), number, np.uint8)

    session = driven(camera(), Slow())
    shown = [
        (int(item.driving[0, 0, 0]), time.monotonic() - item.captured)
        for item in results_of(session)
    ]
    numbers = [number for number, _ in shown]
    assert len(numbers) < 20 and numbers == sorted(numbers)
    assert numbers[-1] == 59, "the last frame is shown, and it is the newest"
    assert session.dropped == 60 - len(numbers)
    # A queue would be a second behind at the end; one frame waits for the one before at most.
    assert shown[-1][1] < 0.6


def test_a_model_s_failure_ends_the_session():
    session = driven(iter(moving_square(5)), FakeModel(fail_after=0))
    with pytest.raises(ModelError, match="gave up"):
        list(results_of(session))


def test_a_file_is_played_in_real_time(tmp_path):
    path = write_video(tmp_path / "talk.mp4", moving_square(6), fps=10)
    start = time.monotonic()
    assert len(list(play(path))) == 6
    assert 0.45 < time.monotonic() - start < 2


def test_a_generated_camera():
    frames = list(open_camera(TEST_PICTURE))
    assert len(frames) == 10 and frames[0].shape == (64, 96, 3) and frames[0].std() > 20


def test_controls():
    model, controls = FakeModel(), Controls()
    sources = [Source(np.full((64, 64, 3), level, np.uint8)) for level in (50, 200)]
    puppet = Puppet(model, sources, controls)
    encodings = len(model.seen)
    frame = moving_square(2, 64, 64)
    first = puppet.animate(puppet.fitted(frame[0]))
    assert first[0, 0, 0] == pytest.approx(50 / 255)
    controls.source = 1
    assert puppet.animate(puppet.fitted(frame[1]))[0, 0, 0] == pytest.approx(200 / 255)
    controls.mirror = True
    assert np.array_equal(puppet.fitted(frame[0]), frame[0][:, ::-1])
    assert len(model.seen) == encodings + 2, "sources are encoded in advance"
    # Relative motion is none in the first frame; with `restart` any frame is the first.
    still = puppet.animate(frame[1])
    controls.restart = True
    assert not np.array_equal(puppet.animate(frame[1]), still)
    relative = puppet.animate(frame[1])
    controls.absolute = True
    assert not np.array_equal(puppet.animate(frame[1]), relative)


def test_the_face_is_followed_when_it_leaves():
    wall = np.full((300, 900, 3), 128, np.uint8)
    left, right = wall.copy(), wall.copy()
    portrait = np.array(Image.fromarray(astronaut()).resize((300, 300)))
    left[:, :300], right[:, 600:] = portrait, portrait
    controls = Controls(restart=False)
    puppet = Puppet(FakeModel(), [Source(left[:64, :64])], controls, follow_face=True)
    assert puppet.fitted(wall) is None
    assert np.array_equal(puppet.idle(), left[:64, :64])
    first = puppet.fitted(left)
    assert controls.restart, "the crop is new, and so is the first frame"
    controls.restart = False
    seen = [puppet.fitted(frame) for frame in (left, left, wall, wall, wall, wall)]
    assert np.array_equal(seen[0], first) and not controls.restart
    followed = [puppet.fitted(right) for _ in range(5)]
    enlarged = np.array(Image.fromarray(followed[-1]).resize((256, 256)))
    assert detect_faces(enlarged)[0].box[2] / 256 == pytest.approx(1 / MARGIN, abs=0.15)
    assert controls.restart


def test_the_meter_counts_seconds(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    meter = Meter()
    assert str(meter) == "0 frames/s, 0 ms behind the camera"
    for _ in range(30):
        meter.add(captured=now[0] - 0.04)
        now[0] += 0.1
    assert str(meter) == "10 frames/s, 40 ms behind the camera"


@pytest.fixture
def live(tmp_path, monkeypatch):
    """Runs the command with a fake model in a folder with a picture and a video."""
    monkeypatch.setitem(fomm_tf.__dict__, "load_model", lambda path: FakeModel())
    (tmp_path / "model").mkdir()
    Image.fromarray(moving_square(1, 48, 64)[0]).save(tmp_path / "me.png")
    write_video(tmp_path / "talk.mp4", moving_square(8, 64, 64), fps=20)
    monkeypatch.chdir(tmp_path)

    def run(*extra):
        main(["--model", "model", "--source", "me.png", *extra])

    return run


def test_a_file_as_camera_into_a_file(live, capsys):
    live("--driving", "talk.mp4", "--out", "live.mp4", "--paste-back")
    result = open_video("live.mp4")
    assert (result.width, result.height) == (64, 48)
    times = [frame.time for frame in result.timed()]
    assert 2 <= len(times) <= 8
    assert times[-1] == pytest.approx(0.35, abs=0.15), "at the times of the camera"
    out = capsys.readouterr().out
    assert f"live.mp4: {len(times)} frames, {8 - len(times)} left out" in out


def test_an_unplugged_camera_keeps_what_was_recorded(live, monkeypatch, tmp_path):
    def unplugged(name):
        yield from moving_square(3, 64, 64)
        time.sleep(0.3)
        raise DataError("camera x: it was unplugged")

    monkeypatch.setattr("fomm_tf.live.__main__.open_camera", unplugged)
    with pytest.raises(DataError, match="unplugged"):
        live("--out", "live.mp4")
    assert len(list(open_video(tmp_path / "live.mp4"))) >= 1


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (2, "there is no such camera"),
        (16, "it is in use by another program"),
        (13, r"it may not be used \(permission denied\)"),
        (19, "it was unplugged"),
    ],
)
def test_cameras_that_cannot_be_opened(live, monkeypatch, tmp_path, number, reason):
    def refuse(*arguments, **options):
        raise av.error.OSError(number, "?", "/dev/video0")

    monkeypatch.setattr(cameras.av, "open", refuse)
    with pytest.raises(DataError, match=f"^camera /dev/video7: {reason}; --list-cameras"):
        open_camera("/dev/video7")


def test_a_camera_that_is_unplugged_while_it_runs(monkeypatch):
    class Container:
        streams = None

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def decode(self, video):
            yield av.VideoFrame(32, 32, "rgb24")
            if self.fails:
                raise av.error.OSError(19, "No such device")

    monkeypatch.setattr(cameras.av, "open", lambda *arguments, **options: Container())
    for Container.fails, reason in ((True, "it was unplugged"), (False, "gives no more pictures")):
        pictures = open_camera("/dev/video0")
        assert next(pictures).shape == (32, 32, 3)
        with pytest.raises(DataError, match=reason):
            next(pictures)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (("--camera", "lavfi:nosuch=1"), "camera lavfi:nosuch=1: it is no camera"),
        (("--driving", "no.mp4"), "no.mp4: no such video"),
        (("--virtual-camera", "no-device"), "no-device: cannot be used as virtual camera"),
        (("--folder", "nowhere"), "nowhere: no such folder"),
        (("--driving", "talk.mp4", "--out", "talk.mp4"), "is the input talk.mp4"),
    ],
)
def test_other_mistakes(live, tmp_path, extra, message):
    out = () if "--out" in extra else ("--out", "live.mp4")
    with pytest.raises(DataError, match=message):
        live(*extra, *out)
    assert not (tmp_path / "live.mp4").exists()


def test_arguments_that_are_missing(capsys):
    for arguments in (["--source", "x.png"], ["--model", "m"]):
        with pytest.raises(SystemExit):
            main(arguments)
        assert "give --model and --source" in capsys.readouterr().err


def test_cameras_are_listed(capsys, monkeypatch):
    main(["--list-cameras"])
    assert capsys.readouterr().out == ("\n".join(list_cameras()) or "no camera was found") + "\n"

    class Device:
        name, description = "/dev/video3", "Camera of this test"

    monkeypatch.setattr(cameras.av.device, "enumerate_input_devices", lambda kind: [Device()])
    main(["--list-cameras"])
    assert capsys.readouterr().out == "/dev/video3  Camera of this test\n"
