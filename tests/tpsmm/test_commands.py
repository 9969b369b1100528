"""The whole way by the public commands: train, resume, AVD, animate, evaluate, export, verify."""

from __future__ import annotations

import json

import numpy as np
import pytest
from commands import newest_checkpoint
from PIL import Image
from sample_media import moving_square, write_video
from torch_files import write_arrays
from tpsmm.eager import eagerly
from tpsmm.tiny_tpsmm import tiny_config

import fomm_tf
from export import convert, verify
from fomm_tf import animate, convert_checkpoint, evaluate, train, train_avd
from fomm_tf.errors import ConfigError, ModelError
from fomm_tf.media.video_reader import open_video
from fomm_tf.weights.state_dict import state_dict


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("tpsmm") / "tiny.yaml"
    tiny_config(**{"model_params.common_params.bg": True}).save(path)
    return path


@pytest.fixture(scope="module")
def run(config, moving_squares):
    """Three epochs in two goes: dropout ends and the background starts on the way."""
    out = config.parent / "run"
    line = ["--config", config, "--data", moving_squares, "--out", out, "--checkpoint-every", 5]
    with eagerly():
        train.main([*map(str, line), "--steps", "1"])
        first = newest_checkpoint(out)
        train.main([*map(str, line), "--epochs", "3", "--resume"])
    after = newest_checkpoint(out)
    assert first.keys() == after.keys()
    assert (
        after["optimizer_kp_detector/iterations"] > after["optimizer_bg_predictor/iterations"] > 0
    )
    return out


@pytest.fixture(scope="module")
def with_avd(run, config, moving_squares):
    out = config.parent / "avd"
    line = ["--config", config, "--init", run, "--data", moving_squares, "--out", out]
    with eagerly():
        train_avd.main([*map(str, line), "--steps", "1"])
        train_avd.main([*map(str, line), "--steps", "2", "--resume"])
    return out


@pytest.fixture(scope="module")
def video(config):
    return write_video(config.parent / "talk.mp4", moving_square(16, 32, 32, seed=1), fps=10)


@pytest.fixture(scope="module")
def picture(config):
    Image.fromarray(moving_square(1, 32, 32, seed=2)[0]).save(config.parent / "me.png")
    return config.parent / "me.png"


def test_the_avd_network_is_trained_and_the_others_rest(run, with_avd):
    before, after = fomm_tf.load_model(run), fomm_tf.load_model(with_avd)
    assert before.avd_network is None and after.avd_network is not None
    for name, network in before.networks.items():
        for key, value in state_dict(network).items():
            np.testing.assert_array_equal(state_dict(after.networks[name])[key], value)
    assert newest_checkpoint(with_avd)["optimizer_avd_network/iterations"] == 2


def test_the_avd_network_needs_a_config_of_this_kind(run, tiny_model_dir, tmp_path):
    line = ["--init", str(run), "--data", str(tmp_path), "--out", str(tmp_path / "no")]
    with pytest.raises(ConfigError, match="is for a First Order Motion Model"):
        train_avd.main(["--config", str(tiny_model_dir / "config.yaml"), *line])


@pytest.mark.parametrize("options", [[], ["--mode", "standard"], ["--mode", "avd"]])
def test_modes_of_animation(with_avd, video, picture, options, tmp_path):
    line = ["--model", with_avd, "--source", picture, "--driving", video, "--out", tmp_path / "out"]
    with eagerly():
        animate.main([*map(str, line), *options, "--background"])
    assert len(list((tmp_path / "out").iterdir())) == 16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--mode", "avd"], "has no AVD network for --mode avd: train it"),
        (["--adapt-scale"], "is always scaled: omit --adapt-scale"),
    ],
)
def test_what_a_model_cannot_do(run, video, picture, options, message, tmp_path):
    line = ["--model", run, "--source", picture, "--driving", video, "--out", tmp_path / "out"]
    with pytest.raises(ModelError, match=message):
        animate.main([*map(str, line), *options])
    assert not (tmp_path / "out").exists()


def test_evaluation(run, moving_squares, tmp_path):
    line = ["--model", run, "--data", moving_squares, "--out", tmp_path]
    with eagerly():
        evaluate.main([*map(str, line)])
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["videos"] == 2 and 0 < metrics["l1"] < 1


def test_official_checkpoints_with_and_without_optional_networks(with_avd, config, tmp_path):
    model = fomm_tf.load_model(with_avd)
    modules = {name: state_dict(network) for name, network in model.stored_networks.items()}
    write_arrays(tmp_path / "whole.pth.tar", modules)
    for name in ("bg_predictor", "avd_network"):
        del modules[name]
    write_arrays(tmp_path / "early.pth.tar", modules)
    for name in ("whole", "early"):
        line = ["--config", config, "--checkpoint", tmp_path / f"{name}.pth.tar"]
        convert_checkpoint.main([*map(str, line), "--out", str(tmp_path / name)])
    whole, early = (fomm_tf.load_model(tmp_path / name) for name in ("whole", "early"))
    assert whole.avd_network is not None and early.avd_network is None
    frame = np.zeros((1, 32, 32, 3), np.float32)
    moved = early.detect_driving(frame, frame + 0.5).background
    np.testing.assert_array_equal(moved, np.eye(3, dtype=np.float32)[None])


@pytest.fixture(scope="module")
def exported(with_avd, video):
    folders = {}
    for precision in ("float32", "int8"):
        out = folders[precision] = with_avd.parent / precision
        calibration = ["--calibration", str(video)] if precision == "int8" else []
        line = ["--model", str(with_avd), "--out", str(out), "--precision", precision]
        convert.main([*line, *calibration])
    return folders


def test_graphs_equal_the_model(with_avd, exported, video):
    model, graphs = fomm_tf.load_model(with_avd), fomm_tf.load_exported(exported["float32"])
    frames = [frame[None].astype(np.float32) / 255 for frame in open_video(video)]
    kp = [model.detect(frame) for frame in (frames[0], frames[7])]
    np.testing.assert_allclose(graphs.detect(frames[7]).value, kp[1].value, rtol=0, atol=2e-5)
    expected = model.decode(model.encode(frames[0]), *kp)
    found = graphs.decode(graphs.encode(frames[0]), *kp)
    np.testing.assert_allclose(found, expected, rtol=0, atol=5e-3)
    values = [one.value for one in kp]
    np.testing.assert_allclose(
        graphs.disentangle(*values), model.disentangle(*values), rtol=0, atol=1e-4
    )


def test_exports_are_verified(with_avd, exported, video, capsys):
    line = ["--model", with_avd, "--exported", exported["float32"], "--driving", video]
    verify.main([*map(str, line)])
    assert "thresholds" in capsys.readouterr().out


def test_int8_frames_of_equal_keypoints_are_close(with_avd, exported, video):
    """The thresholds of whole clips are for trained detectors; this one has random weights."""
    model, graphs = fomm_tf.load_model(with_avd), fomm_tf.load_exported(exported["int8"])
    frames = [frame[None].astype(np.float32) / 255 for frame in open_video(video)]
    kp = [model.detect(frame) for frame in (frames[0], frames[7])]
    expected = model.decode(model.encode(frames[0]), *kp)
    found = graphs.decode(graphs.encode(frames[0]), *kp)
    assert -10 * np.log10(np.square(found - expected).mean()) > 40


def test_exported_models_have_no_background_predictor(exported, video, picture, tmp_path):
    line = ["--model", exported["float32"], "--source", picture, "--driving", video]
    line += ["--out", tmp_path / "out"]
    with pytest.raises(ModelError, match="an exported model has no background predictor"):
        animate.main([*map(str, line), "--background"])
    animate.main([*map(str, line), "--mode", "avd"])
    assert len(list((tmp_path / "out").iterdir())) == 16
