"""The commands with a Monkey-Net, as users run them: what each does, and what it cannot do."""

import copy
import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from commands import (
    assert_evaluates,
    assert_one_line_error,
    assert_same_checkpoint,
    run_command,
    train,
    trained,
)
from copart.tiny_copart import tiny_copart_config
from monkeynet.golden import ROOT, assert_keypoints, flat, frames, keypoints, raw
from monkeynet.tiny_monkeynet import tiny_monkeynet_config
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import fomm_tf
from fomm_tf.animate import main as animate
from fomm_tf.errors import ModelError
from fomm_tf.fomm import FOMM
from fomm_tf.inference.loading import load_model
from fomm_tf.inference.motion import MotionOptions
from fomm_tf.monkeynet import MonkeyNet
from fomm_tf.monkeynet.config import NormalizationParams
from fomm_tf.monkeynet.model import MonkeyNetModel
from fomm_tf.monkeynet.motion import transfer_motion
from fomm_tf.monkeynet.step import MonkeyNetTrainingStep
from fomm_tf.registry import load_config
from fomm_tf.training.checkpoints import training_state
from fomm_tf.training.initial_weights import read_initial_weights
from fomm_tf.weights.state_dict import without_time
from fomm_tf.weights.torch_checkpoint import read_checkpoint

CASE = ROOT / "train-3steps"


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "monkey.yaml"
    tiny_monkeynet_config().save(path)
    return path


@pytest.fixture(scope="module")
def finished(config, moving_squares, tmp_path_factory):
    """A run of nine steps: more than an epoch, two checkpoints."""
    out = tmp_path_factory.mktemp("runs") / "monkey"
    return trained(config, moving_squares, out, "--steps", 9, "--checkpoint-every", 5)


def gif_frames(path) -> np.ndarray:
    with Image.open(path) as gif:
        pictures = []
        for index in range(gif.n_frames):
            gif.seek(index)
            pictures.append(np.array(gif.convert("RGB")))
    return np.stack(pictures)


def test_training_ends_with_a_model_and_something_to_look_at(finished):
    model = fomm_tf.load_model(finished)
    assert isinstance(model, MonkeyNetModel)
    names = sorted(path.name for path in (finished / "checkpoints").iterdir())
    assert names == ["step-00000005.npz", "step-00000009.npz"]
    # Kept after every epoch, as log_params says.
    assert fomm_tf.load_model(finished / "epochs" / "0001").config == model.config
    with Image.open(sorted((finished / "pictures").iterdir())[-1]) as picture:
        # Source, driving, deformed, prediction, four masks and all in one; a batch of two.
        assert picture.size == (9 * 32, 2 * 32)
    events = EventAccumulator(str(finished / "logs"))
    events.Reload()
    assert "training" in events.Tags()["tensors"]


def test_resuming_equals_never_having_stopped(finished, config, moving_squares, tmp_path):
    out = trained(config, moving_squares, tmp_path / "run", "--steps", 4)
    trained(config, moving_squares, out, "--steps", 9, "--resume")
    whole = assert_same_checkpoint(finished, out)
    assert {name.partition("/")[0] for name in whole} >= {"discriminator", "optimizer_generator"}


def test_training_starts_from_a_model_folder(finished, config, moving_squares, tmp_path):
    result = train(config, moving_squares, tmp_path / "run", "--steps", 1, "--init", finished)
    assert result.returncode == 0, result.stderr
    with np.load(finished / "weights.npz") as old, np.load(tmp_path / "run/weights.npz") as new:
        assert set(old.files) == set(new.files)
        for name in old.files:
            if "running" not in name:
                # One step of Adam, whose first goes as far as the learning rate.
                np.testing.assert_allclose(old[name], new[name], rtol=0, atol=2.5e-4, err_msg=name)


def test_training_starts_from_an_official_checkpoint_with_its_optimizers():
    path = CASE / "trained-checkpoint.pth.tar"
    step = MonkeyNetTrainingStep(load_config(CASE / "config.yaml"))
    assert step.start_from(read_initial_weights(path)) is None
    stored, state = read_checkpoint(path), training_state(step)
    for module in ("generator", "kp_detector", "discriminator"):
        assert state[f"optimizer_{module}/iterations"] == 3
        names = [name for name in stored[module] if name.endswith("weight")]
        assert stored[module][names[0]].ndim == 5
        for name in names:
            np.testing.assert_array_equal(
                state[f"{module}/{name}"], without_time(stored[module][name]), err_msg=name
            )
    # The first parameter that PyTorch counts.
    first = next(iter(stored["generator"]))
    moment = stored["optimizer_generator"]["state"][0]["exp_avg"]
    np.testing.assert_array_equal(state[f"optimizer_generator/m/{first}"], without_time(moment))


def test_evaluation(finished, moving_squares, tmp_path):
    assert_evaluates(finished, moving_squares, tmp_path / "evaluation", ".gif")


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """A model folder made of an official checkpoint, by the command."""
    out = tmp_path_factory.mktemp("official") / "taichi"
    result = run_command(
        "convert_checkpoint",
        *("--config", ROOT / "taichi" / "config.yaml"),
        *("--checkpoint", ROOT / "taichi" / "checkpoint.pth.tar", "--out", out),
    )
    assert result.returncode == 0, result.stderr
    assert "  kp_detector: " in result.stdout and "  discriminator: " in result.stdout
    return out


def test_converting_an_official_checkpoint(official):
    inputs, outputs = raw("taichi", "inputs"), raw("taichi", "outputs")
    joined = np.concatenate([inputs["source"], inputs["video"]], axis=2)
    found = fomm_tf.load_model(official).detect(frames(joined))
    assert_keypoints(found, flat(keypoints(outputs, "kp_joined")), "kp_joined")


def test_animating_a_picture(official, small_clip, tmp_path):
    line = ("--model", official, *small_clip, "--out")
    result = run_command("animate", *line, tmp_path / "relative.gif", "--adapt-scale")
    assert result.returncode == 0, result.stderr
    animate([*map(str, line), str(tmp_path / "absolute.gif"), "--absolute"])
    animate([*map(str, line), str(tmp_path / "best.gif"), "--best-frame"])
    relative, absolute = (gif_frames(tmp_path / f"{n}.gif") for n in ("relative", "absolute"))
    assert relative.shape == absolute.shape == (3, 40, 48, 3)
    assert np.abs(relative.astype(int) - absolute).max() > 20


def test_relative_motion_begins_with_the_source_as_it_is(official):
    model = fomm_tf.load_model(official)
    source = frames(raw("taichi", "inputs")["source"])[0]
    driving = [np.roll(source[:, ::-1], 5 * index, axis=1) for index in range(3)]
    results = list(fomm_tf.animate_frames(model, source, driving))
    kp = model.detect(source[None])
    still = model.generate(source[None], kp, kp)["prediction"][0]
    # The source's variances are not taken over, unless the config says so.
    initial = kp._replace(variance=model.detect(driving[0][None]).variance)
    first = model.generate(source[None], kp, initial)["prediction"][0]
    np.testing.assert_allclose(results[0], first, rtol=0, atol=1e-5)
    assert np.abs(results[2] - first).max() > 1e-2 and np.abs(first - still).max() > 1e-3
    adapting = with_normalization(model, adapt_variance=True)
    results = list(fomm_tf.animate_frames(adapting, source, driving))
    np.testing.assert_allclose(results[0], still, rtol=0, atol=1e-4)


def with_normalization(model: MonkeyNetModel, **changes: bool) -> MonkeyNetModel:
    """The same model with another `normalization_params`."""
    params = model.config.transfer_params
    params = replace(params, normalization_params=NormalizationParams(**changes))
    other = copy.copy(model)
    other.config = replace(model.config, transfer_params=params)
    return other


def test_the_commands_options_reach_the_transfer(official):
    picture = frames(raw("taichi", "inputs")["source"])
    model = fomm_tf.load_model(official)
    kp = [model.detect(np.roll(picture, 7 * index, axis=2)) for index in range(3)]
    kp[1] = kp[1]._replace(value=3 * kp[1].value)
    for relative, adapt_scale, clip_mean in itertools.product((False, True), repeat=3):
        clipping = with_normalization(model, clip_mean=clip_mean)
        options = MotionOptions(relative=relative, adapt_scale=adapt_scale)
        moved = clipping.transfer(*kp, options)
        expected = transfer_motion(
            *kp, move_location=relative, movement_mult=adapt_scale, clip_mean=clip_mean
        )
        np.testing.assert_array_equal(moved.value, expected.value)
        assert clip_mean or np.abs(moved.value).max() > 1


def test_animating_a_dataset(finished, moving_squares, tmp_path):
    """By the pairs and the motion of transfer_params."""
    animate(["--model", str(finished), "--data", str(moving_squares), "--out", str(tmp_path)])
    (result,) = tmp_path.iterdir()
    assert result.suffix == ".gif" and gif_frames(result).shape[1:] == (32, 32, 3)


def test_what_a_command_cannot_do(
    finished, config, tiny_model_dir, small_clip, moving_squares, tmp_path, tmp_path_factory
):
    out = str(tmp_path / "out")
    monkey = "is a Monkey-Net,"
    picture, video = small_clip[1], small_clip[3]
    result = run_command(
        *("swap_parts", "--model", finished, "--source", picture, "--target", video),
        *("--parts", "1", "--out", out),
    )
    assert_one_line_error(result, finished, f"{monkey} not a co-part segmentation model")
    data = moving_squares
    result = train(config, data, out, "--vgg-weights", "random")
    assert_one_line_error(result, "vgg_weights", "this kind of model has no such key")
    parts = tmp_path_factory.mktemp("parts") / "parts.yaml"
    tiny_copart_config().save(parts)
    result = train(parts, data, out, "--init", finished)
    assert_one_line_error(result, f"{monkey} neither a co-part segmentation model nor a FOMM")
    for kind, folder in ((MonkeyNet(), tiny_model_dir), (FOMM(), finished)):
        name = kind.config().KIND
        with pytest.raises(ModelError, match=f"{folder} is a .*, not a {name}$"):
            load_model(folder, kind)
    assert not list(tmp_path.iterdir())


def test_bad_input_in_one_line(config, moving_squares, tiny_model_dir, tmp_path):
    out = tmp_path / "out"
    text = config.read_text()
    bad = tmp_path / "bad.yaml"
    bad.write_text(text.replace("kp_variance: matrix", "kp_variance: round"))
    result = train(bad, moving_squares, out)
    assert_one_line_error(result, bad, "kp_variance: must be 'matrix', 'single' or a number")
    result = train(config, moving_squares, out, "--init", tiny_model_dir)
    assert_one_line_error(result, tiny_model_dir, "First Order Motion Model, not a Monkey-Net")
    result = run_command(
        "convert_checkpoint",
        *("--config", config, "--checkpoint", ROOT / "taichi" / "checkpoint.pth.tar", "--out", out),
    )
    assert_one_line_error(result, "taichi", "does not fit the config")
    assert not out.exists()


def test_the_benchmark(config, moving_squares, tmp_path):
    out = tmp_path / "times.json"
    options = ("--batch-size", 2, "--rounds", 1, "--data", moving_squares, "--json", out)
    result = run_command("benchmark", "--config", config, *options)
    assert result.returncode == 0, result.stderr
    (timed,) = json.loads(out.read_text())["results"]
    assert {"step", "detect", "decode", "generate"} <= timed["rounds"].keys()
