"""The evaluate command, end to end on encoded videos and a small model."""

from __future__ import annotations

import json
import subprocess
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from commands import assert_one_line_error, run_command
from PIL import Image
from sample_media import moving_square, write_video

from fomm_tf.data.cartoon_faces import write_dataset
from fomm_tf.evaluate import main
from fomm_tf.measure.metrics import Score, psnr
from fomm_tf.media.video_reader import open_video

LENGTHS = {"bird": 5, "cat": 7, "dog": 3}
KEYS = {f"{name}{kind}" for name in ("l1", "psnr", "ssim") for kind in ("", "_copy_source")}


run = partial(run_command, "evaluate")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("evaluate") / "data"
    (root / "test").mkdir(parents=True)
    for seed, (name, length) in enumerate(LENGTHS.items()):
        write_video(root / "test" / f"{name}.mp4", moving_square(length, 64, 64, seed), fps=12)
    (root / "test" / "fox.mp4").write_text("no video")
    return root


@pytest.fixture(scope="module")
def done(data, tiny_model_dir) -> tuple[Path, subprocess.CompletedProcess]:
    out = data.parent / "out"
    return out, run("--model", tiny_model_dir, "--data", data, "--out", out)


@pytest.fixture(scope="module")
def metrics(done) -> dict:
    return json.loads((done[0] / "metrics.json").read_text())


def test_ends_well_and_says_where_the_results_are(done):
    out, process = done
    assert process.returncode == 0, process.stderr
    assert f"{out / 'metrics.json'}: 15 frames of 3 videos" in process.stdout
    assert "fox.mp4" in process.stderr


def test_metrics_file(metrics):
    assert metrics.keys() >= KEYS | {"frames", "videos", "ms_per_frame", "per_video", "skipped"}
    assert metrics["frames"] == 15 and metrics["videos"] == 3
    assert metrics["ms_per_frame"] > 0
    assert list(metrics["skipped"]) == ["fox.mp4"]
    assert {name: video["frames"] for name, video in metrics["per_video"].items()} == LENGTHS
    assert all(video.keys() == KEYS | {"frames"} for video in metrics["per_video"].values())


def test_means_are_over_all_frames(metrics):
    videos = metrics["per_video"].values()
    for name in ("l1", "ssim", "l1_copy_source", "ssim_copy_source"):
        mean = sum(video[name] * video["frames"] for video in videos) / 15
        assert metrics[name] == pytest.approx(mean)
    for name in ("psnr", "psnr_copy_source"):
        mse = sum(10 ** (-video[name] / 10) * video["frames"] for video in videos) / 15
        assert metrics[name] == pytest.approx(psnr(mse))


def test_copy_source_is_the_first_frame_against_every_frame(metrics, data):

    frames = [frame.astype(np.float32) / 255 for frame in open_video(data / "test" / "cat.mp4")]
    score = Score()
    for frame in frames:
        score.add(frames[0], frame)
    found = metrics["per_video"]["cat"]
    assert found["l1_copy_source"] == pytest.approx(score.l1, abs=1e-6)
    assert found["psnr_copy_source"] == pytest.approx(score.psnr, abs=1e-3)
    assert found["ssim_copy_source"] == pytest.approx(score.ssim, abs=1e-5)
    # The model has not learned anything.
    assert metrics["l1"] > metrics["l1_copy_source"] > 0


def test_table(done):
    lines = done[1].stdout.splitlines()
    rows = {line.split()[0]: line for line in lines if line.startswith(tuple(LENGTHS))}
    assert rows.keys() == LENGTHS.keys()
    l1 = [float(line.split()[2]) for line in rows.values()]
    assert l1 == sorted(l1, reverse=True)
    assert any(line.startswith("all frames") for line in lines)


def test_strips_hold_the_reconstruction_cut_off_to_8_bit(done, data, tiny_model_dir):
    import fomm_tf
    from fomm_tf.measure.metrics import reconstruct

    strip = np.asarray(Image.open(done[0] / "png" / "bird.png")).astype(int)
    assert strip.shape == (64, 5 * 64, 3)
    model = fomm_tf.load_model(tiny_model_dir)
    for i, step in enumerate(reconstruct(model, open_video(data / "test" / "bird.mp4"))):
        expected = np.floor(255 * step.prediction)
        difference = strip[:, 64 * i : 64 * (i + 1)] - expected
        assert np.abs(difference).max() <= 1 and np.abs(difference).mean() < 0.02


def test_videos_show_both_side_by_side_at_their_speed(done):

    for name, length in LENGTHS.items():
        video = open_video(done[0] / f"{name}.mp4")
        assert (video.width, video.height, video.fps) == (128, 64, 12)
        assert len(list(video)) == length


def test_pictures_have_source_frame_and_reconstruction(done):
    for name, rows in (("cat", 4), ("dog", 2)):
        assert Image.open(done[0] / "pictures" / f"{name}.png").size == (3 * 64, rows * 64)
    picture = np.asarray(Image.open(done[0] / "pictures" / "cat.png"))
    sources = picture[:, :64].reshape(4, 64, 64, 3)
    assert (sources == sources[0]).all()
    strip = np.asarray(Image.open(done[0] / "png" / "cat.png")).astype(int)
    last = picture[-64:, 128:]
    assert np.abs(last - strip[:, -64:]).max() <= 1


def test_pictures_show_the_keypoints(done):
    picture = np.asarray(Image.open(done[0] / "pictures" / "cat.png"))[:64]
    with_keypoints, plain = picture[:, :128], moving_square(7, 64, 64, 1)[0]
    assert (np.abs(with_keypoints[:, :64] - plain.astype(int)).max(-1) > 60).sum() > 4


def test_the_worst_and_the_best_frames_are_shown(done, metrics):
    sheet = np.array(Image.open(done[0] / "worst.png"))
    # Four rows each, of source, frame and reconstruction below a line of text.
    assert sheet.shape[0] == 4 * (64 + 18) and sheet.shape[1] == 2 * 3 * 64 + 8


def test_landmarks_of_faces(tiny_model_dir, tmp_path, capsys):
    """An untrained model loses each face; the source unchanged has it in another place."""
    write_dataset(tmp_path / "faces", videos=2, frames=3, size=64, seed=5)
    arguments = ["--model", tiny_model_dir, "--data", tmp_path / "faces", "--out", tmp_path / "out"]
    main([*map(str, arguments), "--videos", "1", "--metrics", "akd"])
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["akd"] is None and metrics["mkr"] == 1
    assert 0 < metrics["akd_copy_source"] < 10 and metrics["mkr_copy_source"] == 0
    assert "reconstruction: AKD nan pixels, MKR 100.0 %" in capsys.readouterr().out


def test_fewer_videos(data, tiny_model_dir, tmp_path, capsys):
    main(f"--model {tiny_model_dir} --data {data} --out {tmp_path} --videos 1".split())
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert (
        list(metrics["per_video"]) == ["bird"]
        and metrics["l1"] == metrics["per_video"]["bird"]["l1"]
    )


def test_layouts_sizes_and_equal_names(tiny_model_dir, tmp_path, capsys):
    root = tmp_path / "data"
    frames = moving_square(2, 48, 80)
    for i in range(4):
        folder = root / f"video{i}"
        folder.mkdir(parents=True)
        for j, frame in enumerate(frames):
            Image.fromarray(frame).save(folder / f"{j}.png")
    test = root / "test"
    test.mkdir()
    strip = np.concatenate(list(moving_square(3, 64, 64)), axis=1)
    Image.fromarray(strip).save(test / "same.png")
    write_video(test / "same.gif", frames)
    (root / "video0").rename(test / "folder")
    out = tmp_path / "out"
    main(f"--model {tiny_model_dir} --data {root} --out {out}".split())
    metrics = json.loads((out / "metrics.json").read_text())
    lengths = {name: video["frames"] for name, video in metrics["per_video"].items()}
    assert lengths == {"folder": 2, "same.gif": 2, "same.png": 3}
    assert {path.name for path in (out / "png").iterdir()} == {f"{name}.png" for name in lengths}
    assert "80x48" in capsys.readouterr().err


def test_a_folder_without_splits_is_split_aloud(tiny_model_dir, tmp_path, capsys):
    for i in range(6):
        write_video(tmp_path / f"{i}.mp4", moving_square(2, 64, 64))
    main(f"--model {tiny_model_dir} --data {tmp_path} --out {tmp_path / 'out'}".split())
    assert "has no test/" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["videos"] == 2


def test_a_video_that_breaks_on_the_way_is_skipped(tiny_model_dir, tmp_path, capsys):
    test = tmp_path / "test"
    write_video(_made(test) / "good.mp4", moving_square(2, 64, 64))
    folder = _made(test / "bad")
    for j, frame in enumerate(moving_square(3, 64, 64)):
        Image.fromarray(frame).save(folder / f"{j}.png")
    (folder / "1.png").write_text("no picture")
    out = tmp_path / "out"
    main(f"--model {tiny_model_dir} --data {tmp_path} --out {out}".split())
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["frames"] == 2 and list(metrics["skipped"]) == ["bad"]
    assert "1.png" in capsys.readouterr().err
    assert not list(out.glob("*bad*"))


def _made(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        ("nowhere", None, "no such model folder"),
        (None, "nowhere", "no such folder"),
        (None, "empty", "holds no videos"),
    ],
)
def test_bad_input_is_one_line(tiny_model_dir, data, tmp_path, model, message, request):
    given = request.node.callspec.params["data"]
    (tmp_path / "empty").mkdir()
    process = run(
        *("--model", tmp_path / model if model else tiny_model_dir),
        *("--data", tmp_path / given if given else data),
        *("--out", tmp_path / "out"),
    )
    assert_one_line_error(process, message)
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file_stays(tiny_model_dir, data, tmp_path):
    out = tmp_path / "out"
    out.write_text("mine")
    process = run("--model", tiny_model_dir, "--data", data, "--out", out)
    assert_one_line_error(process, out)
    assert out.read_text() == "mine"


def test_a_variable_frame_rate_is_kept(tiny_model_dir, tmp_path):
    (tmp_path / "data" / "test").mkdir(parents=True)
    times = [0, 0.1, 0.5, 0.56, 1.0]
    video = tmp_path / "data" / "test" / "a.mp4"
    write_video(video, moving_square(5, 64, 64), fps=4, times=times)
    out = tmp_path / "out"
    main(["--model", str(tiny_model_dir), "--data", str(tmp_path / "data"), "--out", str(out)])
    found = [frame.time for frame in open_video(out / "a.mp4").timed()]
    assert found == pytest.approx(times, abs=1e-3)
