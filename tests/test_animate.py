"""The animate command: end to end with a small model, and its ways and errors with a fake one."""

from __future__ import annotations

import os
import re

import av
import numpy as np
import pytest
from commands import assert_one_line_error, run_command
from PIL import Image
from sample_media import moving_square, write_video
from tiny import tiny_config

import fomm_tf
from fomm_tf.animate import main
from fomm_tf.data.dataset import split_videos
from fomm_tf.errors import DataError, ModelError
from fomm_tf.fomm.motion import FOMMMotion
from fomm_tf.keypoints import Keypoints
from fomm_tf.media.video_reader import open_video

SIZE = (64, 64)


class FakeModel(FOMMMotion):
    """Gives the source back, its blue channel being the driving keypoint's x as a level."""

    frame_size = SIZE

    def __init__(self, fail_after=None):
        self.config = tiny_config()
        self.seen = []
        self.left = fail_after

    def detect(self, images):
        assert images.shape[1:3] == SIZE
        self.seen.append(images[0])
        x = images[0, :, :, 0].argmax() % SIZE[1] / (SIZE[1] - 1) * 2 - 1
        return Keypoints(np.array([[[x, 0], [x + 0.1, 0], [x, 0.1]]], np.float32), None)

    def encode(self, source):
        return source

    def decode(self, encoded, kp_source, kp_driving):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise ModelError("the model gave up")
        result = encoded.copy()
        result[..., 2] = np.clip((kp_driving.value[0, 0, 0] + 1) / 2, 0, 1)
        return result


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """Makes the command load a FakeModel; the folder `tmp_path / "model"` has its config."""
    model = FakeModel()
    monkeypatch.setitem(fomm_tf.__dict__, "load_model", lambda path: model)
    (tmp_path / "model").mkdir()
    model.config.save(tmp_path / "model" / "config.yaml")
    return model


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.png"
    Image.fromarray(moving_square(1, *SIZE, seed=5)[0]).save(path)
    return path


@pytest.fixture
def driving(tmp_path):
    return write_video(tmp_path / "driving.mp4", moving_square(10, *SIZE), fps=20)


@pytest.fixture
def animate(tmp_path, source, driving):
    """Runs the command in this process, with the usual arguments unless others are given."""

    def run(*extra, out="result.mp4", source=source, driving=driving, model=tmp_path / "model"):
        arguments = ["--model", model, "--source", source, "--driving", driving]
        main([str(part) for part in (*arguments, "--out", tmp_path / out, *extra)])
        return tmp_path / out

    return run


def picture_of(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_a_picture_by_a_phone_s_video_with_sound(tmp_path, tiny_model_dir):
    """Rotated, of another aspect, 12.5 frames per second, with sound: all of it is kept."""
    Image.fromarray(moving_square(1, 90, 70)[0]).save(tmp_path / "source.jpg")
    driving = write_video(
        tmp_path / "driving.mov",
        moving_square(15, 72, 100),
        fps=12.5,
        rotation=90,
        audio="aac",
    )
    out = tmp_path / "results" / "result.mp4"
    done = run_command(
        "animate", "--model", tiny_model_dir, "--source", tmp_path / "source.jpg",
        "--driving", driving, "--out", out, "--threads", 1, "--side-by-side",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert str(out) in done.stdout and "15 frames" in done.stdout
    assert "70x90 is cropped" in done.stderr and "72x100 is cropped" in done.stderr
    assert "frame/s" in done.stderr
    video = open_video(out)
    assert (video.width, video.height, video.has_audio) == (192, 64, True)
    times = [(frame.time, frame.duration) for frame in video.timed()]
    assert times == [pytest.approx((i * 0.08, 0.08), abs=1e-4) for i in range(15)]
    with av.open(str(out)) as container:
        frames = list(container.decode(audio=0))
    assert frames[-1].time + frames[-1].samples / 48000 == pytest.approx(1.2, abs=0.08)


def test_the_result_is_the_model_s(tmp_path, tiny_model_dir, animate, source, driving):
    """The command adds nothing to `animate_frames` but reading, fitting and writing."""
    out = animate("--absolute", out="frames", model=tiny_model_dir)
    model = fomm_tf.load_model(tiny_model_dir)
    image = np.asarray(Image.open(source))
    absolute = fomm_tf.MotionOptions(relative=False)
    expected = list(fomm_tf.animate_frames(model, image, open_video(driving), absolute))
    stored = [np.asarray(Image.open(path)) for path in sorted(out.iterdir())]
    np.testing.assert_allclose(stored, np.stack(expected) * 255, atol=0.51)


def test_variable_frame_rate_is_kept(tmp_path, fake, animate):
    times = [0, 0.1, 0.5, 0.56, 1.0]
    driving = write_video(tmp_path / "v.mp4", moving_square(5, *SIZE), fps=4, times=times)
    for out in ("result.mp4", "result.gif"):
        frames = list(open_video(animate(driving=driving, out=out)).timed())
        assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-3)
        assert frames[-1].duration == pytest.approx(0.25, abs=1e-3)


def test_motion_is_relative_unless_told(fake, animate, source):
    start = np.asarray(Image.open(source))[..., 0].argmax() % SIZE[1] / (SIZE[1] - 1)
    relative = picture_of(animate())
    absolute = picture_of(animate("--absolute"))
    assert relative[0][20, 20, 2] / 255 == pytest.approx(start, abs=0.05)
    assert absolute[9][20, 20, 2] > relative[0][20, 20, 2] + 100


def test_best_frame_is_told_and_used(fake, animate, capsys):
    animate("--best-frame", "--adapt-scale")
    output = capsys.readouterr()
    assert "best frame: 0" in output.out
    assert "searching for the best frame" in output.err


def test_side_by_side_is_source_driving_result(fake, animate, source, driving):
    out = animate("--side-by-side", out="frames")
    row = np.asarray(Image.open(out / "000004.png"))
    assert row.shape == (64, 192, 3)
    np.testing.assert_array_equal(row[:, :64], np.asarray(Image.open(source)))
    np.testing.assert_array_equal(row[:, 64:128], list(open_video(driving))[4])
    np.testing.assert_array_equal(row[:, 128:, :2], row[:, :64, :2])


def test_boxes_choose_the_parts(tmp_path, fake, animate):
    wide = moving_square(4, 64, 200)
    Image.fromarray(wide[3]).save(tmp_path / "wide.png")
    driving = write_video(tmp_path / "wide.mp4", wide, lossless=True)
    animate(
        *("--box", "130,0,64,64", "--driving-box", "10,0,64,64"),
        **{"source": tmp_path / "wide.png", "driving": driving, "out": "frames"},
    )
    np.testing.assert_allclose(fake.seen[0] * 255, wide[3][:, 130:194], atol=1e-3)
    np.testing.assert_allclose(fake.seen[1] * 255, wide[0][:, 10:74], atol=1e-3)


def test_letterbox_keeps_all_and_says_so(tmp_path, fake, animate, capsys):
    driving = write_video(tmp_path / "wide.mp4", np.full((2, 64, 128, 3), 255, np.uint8))
    animate("--fit", "letterbox", driving=driving)
    assert "black bars" in capsys.readouterr().err
    assert not fake.seen[1][:16].any() and fake.seen[1][17:47].min() > 0.9


def test_driving_may_be_a_gif_or_a_folder(tmp_path, fake, animate):
    gif = write_video(tmp_path / "driving.gif", moving_square(6, *SIZE), fps=10)
    assert len(picture_of(animate(driving=gif))) == 6
    (tmp_path / "frames").mkdir()
    for i, frame in enumerate(moving_square(5, *SIZE)):
        Image.fromarray(frame).save(tmp_path / "frames" / f"{i}.png")
    result = open_video(animate(driving=tmp_path / "frames"))
    assert (result.fps, result.frame_count) == (25, 5)


def test_cut_off_driving_gives_what_it_has_with_a_warning(tmp_path, fake, animate, capsys):
    noise = np.random.default_rng(0).integers(0, 255, (20, *SIZE, 3), dtype=np.uint8)
    driving = write_video(tmp_path / "cut.mkv", noise)
    driving.write_bytes(driving.read_bytes()[: driving.stat().st_size // 2])
    assert 5 < len(picture_of(animate(driving=driving))) < 15
    assert f"warning: {driving}: damaged" in capsys.readouterr().err


def test_threads_are_set_before_the_model_is_loaded(fake, animate, monkeypatch):
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "9")
    animate("--threads", 3)
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == os.environ["OMP_NUM_THREADS"] == "3"


# Datasets


@pytest.fixture
def dataset(tmp_path):
    for split in ("train", "test"):
        (tmp_path / "data" / split).mkdir(parents=True)
    for name, count in (("a", 4), ("b", 6)):
        path = tmp_path / "data" / "test" / f"{name}.mp4"
        write_video(path, moving_square(count, *SIZE, seed=count), fps=10)
    return tmp_path / "data"


def run_dataset(tmp_path, dataset, *extra):
    main(
        [
            *("--model", str(tmp_path / "model"), "--data", str(dataset)),
            *("--out", str(tmp_path / "results"), *extra),
        ]
    )
    return {path.name: len(picture_of(path)) for path in (tmp_path / "results").iterdir()}


def test_dataset_animates_pairs_of_its_test_videos(tmp_path, fake, dataset, capsys):
    fake.config = tiny_config(**{"animate_params.num_pairs": 10})
    fake.config.save(tmp_path / "model" / "config.yaml")
    found = run_dataset(tmp_path, dataset)
    # The driving video is the second, and gives the length.
    assert found == {"a-a.mp4": 4, "a-b.mp4": 6, "b-a.mp4": 4, "b-b.mp4": 6}
    assert "4 videos" in capsys.readouterr().out
    assert open_video(tmp_path / "results" / "a-b.mp4").fps == pytest.approx(10)


def test_dataset_detects_the_keypoints_of_a_driving_video_once(tmp_path, fake, dataset):
    fake.config = tiny_config(**{"animate_params.num_pairs": 10})
    fake.config.save(tmp_path / "model" / "config.yaml")
    run_dataset(tmp_path, dataset)
    # Two driving videos of 4 and 6 frames, each with two sources.
    assert len(fake.seen) == 4 + 6 + 2 * 2


def test_dataset_by_a_list_in_the_config_s_format(tmp_path, fake, dataset, capsys):
    (tmp_path / "pairs.csv").write_text("source,driving\na,b\na,nobody\n")
    changes = {
        "dataset_params.pairs_list": str(tmp_path / "pairs.csv"),
        "animate_params.format": ".gif",
    }
    tiny_config(**changes).save(tmp_path / "model" / "config.yaml")
    assert run_dataset(tmp_path, dataset) == {"a-b.gif": 6}
    assert "1 pairs name videos that do not exist" in capsys.readouterr().err


def test_dataset_with_a_broken_video_goes_on(tmp_path, fake, dataset, capsys):
    fake.config = tiny_config(**{"animate_params.num_pairs": 10})
    fake.config.save(tmp_path / "model" / "config.yaml")
    (dataset / "test" / "b.mp4").write_text("no video")
    assert run_dataset(tmp_path, dataset) == {"a-a.mp4": 4}
    assert capsys.readouterr().err.count("warning: skipped: ") == 3
    (dataset / "test" / "a.mp4").write_text("no video")
    with pytest.raises(DataError, match="no pair"):
        run_dataset(tmp_path, dataset)


def test_dataset_without_splits_gives_the_videos_that_evaluate_takes(tmp_path, fake, capsys):
    fake.config = tiny_config(**{"animate_params.num_pairs": 10})
    fake.config.save(tmp_path / "model" / "config.yaml")
    (tmp_path / "videos").mkdir()
    for name in "abcdef":
        write_video(tmp_path / "videos" / f"{name}.mp4", moving_square(2, *SIZE))
    first, second = (path.stem for path in split_videos(tmp_path / "videos", "test"))
    found = run_dataset(tmp_path, tmp_path / "videos")
    assert set(found) == {f"{a}-{b}.mp4" for a in (first, second) for b in (first, second)}
    assert "has no test/: using the fifth" in capsys.readouterr().out


def test_dataset_with_equal_names(tmp_path, fake, dataset):
    fake.config = tiny_config(**{"animate_params.num_pairs": 10})
    fake.config.save(tmp_path / "model" / "config.yaml")
    (dataset / "test" / "b.mp4").rename(dataset / "test" / "a.mov")
    found = run_dataset(tmp_path, dataset)
    assert found == {
        **{"a.mp4-a.mp4.mp4": 4, "a.mov-a.mp4.mp4": 4},
        **{"a.mp4-a.mov.mp4": 6, "a.mov-a.mov.mp4": 6},
    }


# Errors


def test_everything_is_checked_before_the_model_is_loaded(tmp_path, animate, monkeypatch):
    monkeypatch.setitem(fomm_tf.__dict__, "load_model", lambda path: pytest.fail("was loaded"))
    (tmp_path / "model").mkdir()
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.png").touch()
    for message, extra in [
        ("no such picture", {"source": tmp_path / "missing.png"}),
        ("is no picture", {"source": tmp_path / "text.png"}),
        ("no such video", {"driving": tmp_path / "missing.mp4"}),
        ("is no video", {"driving": tmp_path / "text.mp4"}),
        ("cannot write .avi", {"out": "result.avi"}),
        ("cannot be written", {"out": "text.png/result.mp4"}),
        ("not empty", {"out": "full"}),
    ]:
        with pytest.raises(DataError, match=message):
            animate(**extra)
    for flag in ("--box", "--driving-box"):
        with pytest.raises(DataError, match="does not lie inside the 64x64"):
            animate(flag, "0,0,65,64")
    with pytest.raises(ModelError, match="no such model folder"):
        animate(model=tmp_path / "nowhere")
    assert not (tmp_path / "result.mp4").exists()


@pytest.mark.parametrize("out", ["result.mp4", "result.gif"])
def test_a_failure_in_the_middle_leaves_what_was_there(tmp_path, monkeypatch, animate, out):
    monkeypatch.setitem(fomm_tf.__dict__, "load_model", lambda path: FakeModel(fail_after=5))
    (tmp_path / "model").mkdir()
    (tmp_path / out).write_text("what was there before")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ModelError, match="gave up"):
        animate(out=out)
    assert (tmp_path / out).read_text() == "what was there before"
    assert sorted(tmp_path.iterdir()) == before


def test_bad_input_is_one_line_and_exit_code_2(tmp_path, tiny_model_dir, source):
    """As a user meets it; without TensorFlow being loaded, or it would take seconds."""
    (tmp_path / "driving.mp4").write_text("no video")
    done = run_command(
        "animate", "--model", tiny_model_dir, "--source", source,
        "--driving", tmp_path / "driving.mp4", "--out", tmp_path / "result.mp4",
    )  # fmt: skip
    assert_one_line_error(done, f"error: {tmp_path / 'driving.mp4'}: is no video")
    assert done.stderr.count("\n") == 1 and not done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model", "m", "--out", "o.mp4"],
        ["--model", "m", "--out", "o.mp4", "--source", "a.png"],
        ["--model", "m", "--out", "o", "--data", "d", "--source", "a.png"],
        ["--model", "m", "--out", "o", "--data", "d", "--absolute"],
        ["--model", "m", "--out", "o", "--data", "d", "--crop", "face"],
        ["--model", "m", "--out", "o", "--source", "a", "--driving", "b", "--jobs", "2"],
        ["--model", "m", "--out", "o", "--source", "a", "--driving", "b", "--box", "1,2,3"],
        ["--model", "m", "--out", "o", "--source", "a", "--driving", "b", "--threads", "0"],
        ["--model", "m", "--out", "o", "--source", "a", "--driving", "b", "--fit", "squash"],
        ["--model", "m", "--out", "o", "--source", "a", "--driving", "b", "--seed", "1"],
        ["--model", "m", "--out", "o", "--data", "d", "--seed", "-1"],
        ["--source", "a.png", "--driving", "b.mp4"],
    ],
)
def test_bad_command_lines(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "--best-frame" in capsys.readouterr().out


# Places and kinds of files


def test_an_input_is_never_replaced(tmp_path, fake, animate, source, driving):
    before = source.read_bytes(), driving.read_bytes()
    (tmp_path / "link.mp4").symlink_to(driving)
    for out in ("driving.mp4", "link.mp4"):
        with pytest.raises(DataError, match="is the input .*driving.mp4: give the result another"):
            animate(out=out)
    gif = write_video(tmp_path / "talk.gif", moving_square(3, *SIZE), fps=10)
    with pytest.raises(DataError, match="is the input"):
        animate(driving=gif, out="talk.gif")
    assert (source.read_bytes(), driving.read_bytes()) == before


@pytest.mark.parametrize("name", ["2024-11-14T22:57:44.gif", "22:57.mp4", "http:x.mp4"])
def test_a_colon_in_a_relative_name_is_no_address(tmp_path, fake, animate, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    line = ["--model", "model", "--source", "source.png", "--driving", "driving.mp4"]
    main([*line, "--out", name])
    assert open_video(tmp_path / name).frame_count == 10


def test_large_photos_are_read_by_an_option(tmp_path, fake, animate, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5000)
    picture = tmp_path / "large.png"
    Image.fromarray(moving_square(1, 80, 120)[0]).save(picture)
    with pytest.raises(DataError, match="--max-pixels"):
        animate(source=picture)
    animate("--max-pixels", "9600", source=picture)
    assert fake.seen[0].shape == (*SIZE, 3)


def test_transparent_parts_are_put_on_a_ground(tmp_path, fake, animate):
    clear = tmp_path / "clear.png"
    Image.new("RGBA", SIZE[::-1], (0, 0, 0, 0)).save(clear)
    for options, level in (((), 1), (("--ground", "#000000"), 0)):
        fake.seen.clear()
        animate(*options, source=clear)
        assert (fake.seen[0] == level).all()
    with pytest.raises(SystemExit):
        animate("--ground", "no colour", source=clear)


def test_the_result_says_what_made_it_unless_told_not_to(fake, animate):
    for options, expected in (
        ((), f"Generated by fomm_tf {fomm_tf.__version__}"),
        (("--no-metadata",), None),
    ):
        with av.open(str(animate(*options))) as container:
            assert container.metadata.get("comment") == expected


def test_one_picture_drives_one_picture(fake, animate, source):
    assert len(list(animate(driving=source, out="frames").iterdir())) == 1


def test_the_time_of_the_best_frame_is_the_video_s_own(tmp_path, fake, animate, capsys):
    """Not its number by an average rate."""
    uneven = write_uneven(tmp_path / "uneven.mp4")
    animate("--best-frame", driving=uneven)
    index, time = re.search(r"best frame: (\d+), at ([\d.]+) s", capsys.readouterr().out).groups()
    times = [frame.time for frame in open_video(uneven).timed()]
    assert float(time) == pytest.approx(times[int(index)], abs=0.01)


def test_a_dataset_keeps_a_variable_frame_rate(tmp_path, fake):
    (tmp_path / "data" / "test").mkdir(parents=True)
    uneven = write_uneven(tmp_path / "data" / "test" / "a.mp4")
    run_dataset(tmp_path, tmp_path / "data")
    expected = [frame.time for frame in open_video(uneven).timed()]
    found = [frame.time for frame in open_video(tmp_path / "results" / "a-a.mp4").timed()]
    assert found == pytest.approx(expected, abs=1e-3)
    assert found[-1] > 1.5


def test_every_pair_has_a_file_of_its_own(tmp_path, fake):
    (tmp_path / "data" / "test").mkdir(parents=True)
    for name in ("a", "a-b", "b-c", "c"):
        write_video(tmp_path / "data" / "test" / f"{name}.mp4", moving_square(2, *SIZE), fps=10)
    fake.config = tiny_config(**{"animate_params.num_pairs": 16})
    fake.config.save(tmp_path / "model" / "config.yaml")
    assert len(run_dataset(tmp_path, tmp_path / "data")) == 16


def write_uneven(path):
    """Ten frames at 30 frames per second, then ten at 5."""
    times = [*(i / 30 for i in range(10)), *(1 / 3 + i / 5 for i in range(10))]
    return write_video(path, moving_square(20, *SIZE), fps=30, times=times)
