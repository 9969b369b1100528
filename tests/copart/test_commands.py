"""The commands with a co-part model, as users run them: what each does, and what it cannot do."""

import json

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
from copart.golden import ROOT, arrays, checkpoint
from copart.tiny_copart import save_fomm, tiny_copart_config
from PIL import Image

import fomm_tf
from fomm_tf.animate import main as animate
from fomm_tf.copart.model import CoPartModel
from fomm_tf.errors import UserError


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "parts.yaml"
    tiny_copart_config().save(path)
    return path


@pytest.fixture(scope="module")
def finished(config, moving_squares, tmp_path_factory):
    """A run of nine steps: more than an epoch, two checkpoints."""
    out = tmp_path_factory.mktemp("runs") / "parts"
    return trained(config, moving_squares, out, "--steps", 9, "--checkpoint-every", 5)


def test_training_ends_with_a_model_and_something_to_look_at(finished):
    model = fomm_tf.load_model(finished)
    assert isinstance(model, CoPartModel)
    names = sorted(path.name for path in (finished / "checkpoints").iterdir())
    assert names == ["step-00000005.npz", "step-00000009.npz"]
    assert fomm_tf.load_model(finished / "epochs" / "0001").config == model.config
    with Image.open(sorted((finished / "pictures").iterdir())[-1]) as picture:
        # Source, driving, deformed, prediction, visibility; a batch of two.
        assert picture.size == (5 * 32, 2 * 32)


def test_resuming_equals_never_having_stopped(finished, config, moving_squares, tmp_path):
    out = trained(config, moving_squares, tmp_path / "run", "--steps", 4)
    trained(config, moving_squares, out, "--steps", 9, "--resume")
    assert_same_checkpoint(finished, out)


def test_training_starts_from_a_fomm(config, moving_squares, tmp_path):
    folder = save_fomm(tmp_path / "fomm")
    options = ("--steps", 1, "--init", folder, "--vgg-weights", "random")
    result = train(config, moving_squares, tmp_path / "run", *options)
    assert result.returncode == 0, result.stderr
    assert f"{folder} is a FOMM" in result.stdout
    fomm, parts = (np.load(path / "weights.npz") for path in (folder, tmp_path / "run"))
    for theirs, ours in (("kp_detector", "segmentation"), ("generator", "reconstruction")):
        name = {"segmentation": "kp.weight", "reconstruction": "first.conv.weight"}[ours]
        difference = np.abs(fomm[f"{theirs}/{name}"] - parts[f"{ours}_module/{name}"])
        assert difference.max() < 1e-3


def test_evaluation(finished, moving_squares, tmp_path):
    assert_evaluates(finished, moving_squares, tmp_path / "evaluation", ".mp4")


def test_converting_an_official_checkpoint(tmp_path):
    case = "vox-10segments"
    result = run_command(
        "convert_checkpoint",
        *("--config", ROOT / case / "config.yaml"),
        *("--checkpoint", checkpoint(case), "--out", tmp_path / "model"),
    )
    assert result.returncode == 0, result.stderr
    assert "  kp_detector: " in result.stdout and "not converted" not in result.stdout
    segments = fomm_tf.load_model(tmp_path / "model").detect(arrays(case, "inputs")["source"])
    expected = arrays(case, "outputs")["seg_source.shift"]
    np.testing.assert_allclose(segments.shift, expected, atol=1e-4)


def test_relative_motion_is_refused_and_absolute_motion_works(finished, small_clip, tmp_path):
    line = ("--model", finished, *small_clip, "--out")
    result = run_command("animate", *line, tmp_path / "out.mp4", "--side-by-side")
    assert_one_line_error(result, "does not support relative motion", "--absolute")
    with pytest.raises(UserError, match="does not support a best frame"):
        animate([*map(str, line), str(tmp_path / "out.mp4"), "--absolute", "--best-frame"])
    assert not list(tmp_path.iterdir())
    animate([*map(str, line), str(tmp_path / "frames"), "--absolute"])
    assert len(list((tmp_path / "frames").iterdir())) == 3


def test_what_a_command_cannot_do_with_parts(finished, tiny_yaml, moving_squares, tmp_path):
    out = str(tmp_path / "out")
    parts = "is a co-part segmentation model, not a First Order Motion Model"
    kind = "--data: .* is a co-part segmentation model; it has no animate_params"
    with pytest.raises(UserError, match=kind):
        animate(["--model", str(finished), "--data", str(moving_squares), "--out", out])
    result = train(tiny_yaml, moving_squares, out, "--init", finished)
    assert_one_line_error(result, finished, parts)
    assert not list(tmp_path.iterdir())


def test_the_benchmark(config, moving_squares, tmp_path):
    out = tmp_path / "times.json"
    options = ("--batch-size", 2, "--rounds", 1, "--data", moving_squares, "--json", out)
    result = run_command("benchmark", "--config", config, *options)
    assert result.returncode == 0, result.stderr
    (timed,) = json.loads(out.read_text())["results"]
    assert {"step", "detect", "decode", "generate"} <= timed["rounds"].keys()
