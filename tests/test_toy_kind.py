"""A kind of model with three networks goes through every public command, registered from here."""

from __future__ import annotations

import json

import numpy as np
import pytest
from commands import newest_checkpoint
from PIL import Image
from sample_media import moving_square, write_video
from torch_files import write_arrays
from toy_kind import Toy

import fomm_tf
from export import benchmark as export_benchmark
from export import convert, layer_groups, verify
from fomm_tf import animate, benchmark, convert_checkpoint, evaluate, registry, train
from fomm_tf.errors import ModelError
from fomm_tf.media.video_reader import open_video
from fomm_tf.weights.state_dict import state_dict

YAML = """\
model: toy
dataset_params: {root_dir: data, frame_shape: [32, 32, 3]}
model_params:
  num_kp: 3
  features: 8
  num_channels: 3
  detector_params: {block_expansion: 4, max_features: 8, num_blocks: 2}
train_params: {num_epochs: 1, num_repeats: 4, batch_size: 2, lr: 1.0e-3}
"""


@pytest.fixture(scope="module", autouse=True)
def registered():
    registry.KINDS.append(Toy())
    yield
    registry.KINDS.pop()


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("toy") / "toy.yaml"
    path.write_text(YAML)
    return path


@pytest.fixture(scope="module")
def run(config, moving_squares):
    """Two steps, and two more after a resume."""
    out = config.parent / "run"
    line = ["--config", config, "--data", moving_squares, "--out", out, "--checkpoint-every", 1]
    train.main([*map(str, line), "--steps", "2"])
    first = newest_checkpoint(out)
    train.main([*map(str, line), "--steps", "4", "--resume"])
    after = newest_checkpoint(out)
    assert first.keys() == after.keys()
    for name in ("detector", "encoder", "painter"):
        assert first[f"optimizer_{name}/iterations"] == 2
        assert after[f"optimizer_{name}/iterations"] == 4
        moved = [key for key in first if key.startswith(f"{name}/") and key.endswith("weight")]
        assert any(np.any(first[key] != after[key]) for key in moved)
    return out


@pytest.fixture(scope="module")
def video(config):
    return write_video(config.parent / "talk.mp4", moving_square(20, 32, 32, seed=1), fps=10)


@pytest.fixture(scope="module")
def exported(run, video):
    folders = {}
    for precision in ("float32", "int8"):
        out = folders[precision] = run.parent / precision
        calibration = ["--calibration", str(video)] if precision == "int8" else []
        line = ["--model", str(run), "--out", str(out), "--precision", precision]
        convert.main([*line, *calibration])
    return folders


def test_a_folder_is_read_back_as_it_was_saved(run, tmp_path):
    model = fomm_tf.load_model(run)
    assert type(model).__name__ == "ToyModel" and len(model.networks) == 3
    model.save(tmp_path)
    again = fomm_tf.load_model(tmp_path)
    assert again.config == model.config
    for name, network in model.networks.items():
        for key, value in state_dict(network).items():
            np.testing.assert_array_equal(state_dict(again.networks[name])[key], value)


def test_it_animates_and_evaluates(run, video, moving_squares, tmp_path):
    picture = tmp_path / "frames"
    line = ["--model", run, "--source", tmp_path / "me.png", "--driving", video]
    Image.fromarray(moving_square(1, 32, 32, seed=2)[0]).save(tmp_path / "me.png")
    animate.main([*map(str, line), "--out", str(picture), "--best-frame"])
    assert len(list(picture.iterdir())) == 20
    with pytest.raises(ModelError, match="a toy model does not support scale adaptation"):
        animate.main([*map(str, line), "--out", str(tmp_path / "other"), "--adapt-scale"])
    evaluate.main(
        ["--model", str(run), "--data", str(moving_squares), "--out", str(tmp_path / "results")]
    )
    metrics = json.loads((tmp_path / "results" / "metrics.json").read_text())
    assert metrics["videos"] == 2 and 0 < metrics["l1"] < 1


def test_it_starts_from_its_own_weights_and_no_others(run, config, tiny_model_dir, moving_squares):
    line = ["--config", str(config), "--data", str(moving_squares), "--steps", "1"]
    train.main([*line, "--out", str(run.parent / "again"), "--init", str(run)])
    with pytest.raises(ModelError, match="is a First Order Motion Model, not a toy model"):
        train.main([*line, "--out", str(run.parent / "no"), "--init", str(tiny_model_dir)])


def test_a_checkpoint_of_its_own_names_is_converted(run, config, tmp_path, capsys):
    model = fomm_tf.load_model(run)
    modules = {name: state_dict(network) for name, network in model.networks.items()}
    write_arrays(tmp_path / "toy.pth.tar", modules)
    line = ["--config", config, "--checkpoint", tmp_path / "toy.pth.tar", "--out", tmp_path / "m"]
    convert_checkpoint.main([*map(str, line)])
    told = capsys.readouterr().out
    assert "painter: " in told and "not converted" not in told
    again = fomm_tf.load_model(tmp_path / "m")
    for name, network in again.networks.items():
        for key, value in modules[name].items():
            np.testing.assert_array_equal(state_dict(network)[key], value)


def test_graphs_are_equal_and_read_back(run, exported, video):
    model, graphs = fomm_tf.load_model(run), fomm_tf.load_exported(exported["float32"])
    assert graphs.config == model.config
    frames = [frame[None].astype(np.float32) / 255 for frame in open_video(video)]
    kp = [model.detect(frame) for frame in (frames[0], frames[7])]
    np.testing.assert_allclose(graphs.detect(frames[7]).value, kp[1].value, rtol=0, atol=2e-5)
    expected = model.decode(model.encode(frames[0]), *kp)
    np.testing.assert_allclose(
        graphs.decode(graphs.encode(frames[0]), *kp), expected, rtol=0, atol=2e-4
    )
    quantized = fomm_tf.load_exported(exported["int8"])
    found = quantized.decode(quantized.encode(frames[0]), *kp)
    assert 0 < np.abs(found - expected).max() < 0.1


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_exports_are_verified(run, exported, video, precision, capsys):
    line = ["--model", run, "--exported", exported[precision], "--driving", video]
    verify.main([*map(str, line)])
    assert "thresholds" in capsys.readouterr().out


def test_it_is_measured(run, config, video, moving_squares, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("fomm_tf.measure.timing.LEAST_SECONDS", 1e-3)
    line = ["--config", str(config), "--data", str(moving_squares), "--rounds", "1"]
    benchmark.main([*line, "--batch-size", "2"])
    assert "training step, batch 2" in capsys.readouterr().out
    line = ["--model", str(run), "--precisions", "float32", "--rounds", "1", "--threads", "1"]
    export_benchmark.main(line)
    assert "| float32 |" in capsys.readouterr().out
    line = ["--model", run, "--calibration", video, "--test", video, "--out", tmp_path / "study"]
    layer_groups.main([*map(str, line)])
    assert "| hourglass | static |" in capsys.readouterr().out
