"""What can happen to a run: preemption, bad batches, validation, a dry run. With the toy model."""

from __future__ import annotations

import json
import os
import signal

import numpy as np
import pytest
import tensorflow as tf
from commands import assert_same_checkpoint, newest_checkpoint
from toy_kind import Toy
from toy_kind.step import ToyTrainingStep

from fomm_tf import plot, registry, train
from fomm_tf.errors import ConfigError, DataError, UserError
from fomm_tf.inference.loading import load_model

YAML = """\
model: toy
dataset_params: {root_dir: data, frame_shape: [32, 32, 3]}
model_params:
  num_kp: 3
  features: 8
  num_channels: 3
  detector_params: {block_expansion: 4, max_features: 8, num_blocks: 2}
train_params: {num_epochs: 1, num_repeats: 40, batch_size: 2, lr: 1.0e-3, ema: 0.9}
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
def begin(config, moving_squares):
    """Runs the command in this process."""

    def run(out, *options):
        line = ["--config", config, "--data", moving_squares, "--out", out, *options]
        train.main([str(word) for word in line])
        return out

    return run


@pytest.fixture(scope="module")
def undisturbed(begin, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "whole"
    options = ("--validate-every", 4, "--keep", 3)
    return begin(out, "--steps", 12, "--checkpoint-every", 3, *options)


def records(out) -> list[dict]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def disturb(monkeypatch, what):
    """Has `what(calls, batch, results)` after each step; its result replaces the step's."""
    calls = []
    original = ToyTrainingStep.run

    def run(self, batch):
        calls.append(batch)
        return what(len(calls), original(self, batch))

    monkeypatch.setattr(ToyTrainingStep, "run", run)
    return calls


def test_validation_is_in_the_log_and_keeps_the_best(undisturbed):
    found = [record for record in records(undisturbed) if "validation/l1" in record]
    assert [record["step"] for record in found] == [4, 8, 12]
    assert all(0 < record["validation/l1"] < 1 for record in found)
    assert all({"validation/psnr", "validation/ssim"} <= set(record) for record in found)
    load_model(undisturbed / "best")
    logged = next(record for record in records(undisturbed) if record["step"] == 10)
    assert {"loss/pixel", "size/gradients of encoder", "learning_rate/painter"} <= set(logged)


def test_as_many_checkpoints_as_asked_for(undisturbed):
    names = sorted(path.name for path in (undisturbed / "checkpoints").iterdir())
    assert names == ["step-00000006.npz", "step-00000009.npz", "step-00000012.npz"]


def test_the_model_holds_the_averages(undisturbed):
    checkpoint = newest_checkpoint(undisturbed)
    with np.load(undisturbed / "weights.npz") as weights:
        for name in (name for name in checkpoint if "/average/" in name):
            network = name.split("/")[0].removeprefix("optimizer_")
            weight = f"{network}/{name.split('/')[-1]}"
            np.testing.assert_array_equal(weights[weight], checkpoint[name], err_msg=weight)


def test_sigterm_saves_and_the_run_goes_on_as_if_nothing_had_been(
    begin, undisturbed, tmp_path, monkeypatch, capsys
):
    def terminate(call, results):
        if call == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return results

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        disturb(patch, terminate)
        begin(out, "--steps", 12, "--validate-every", 4)
    assert "ended by SIGTERM at step 5, saved" in capsys.readouterr().out
    assert (out / "checkpoints" / "step-00000005.npz").exists()
    begin(out, "--steps", 12, "--validate-every", 4, "--resume")
    assert_same_checkpoint(out, undisturbed)


def poison(step):
    """The results of a step become what a NaN in its batch would make of them."""

    def change(call, results):
        if call != step:
            return results
        losses, sizes = results
        return {name: value * np.nan for name, value in losses.items()}, sizes

    return change


def test_a_bad_batch_stops_the_run_and_is_kept(begin, tmp_path, monkeypatch):
    out = tmp_path / "run"
    calls = disturb(monkeypatch, poison(5))
    with pytest.raises(UserError, match=r"at step 5: pixel \(nan\); its batch is .*step-00000004"):
        begin(out, "--steps", 12, "--checkpoint-every", 4)
    with np.load(out / "bad-batches" / "step-00000005.npz") as kept:
        np.testing.assert_array_equal(kept["driving"], calls[4]["driving"])
    assert (out / "bad-batches" / "step-00000005.png").is_file()


def test_rewinding_goes_on_without_the_batch(begin, tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    calls = disturb(monkeypatch, poison(5))
    begin(out, "--steps", 12, "--checkpoint-every", 4, "--on-nan", "rewind")
    assert "back to step 4, going on without it" in capsys.readouterr().err
    assert json.loads((out / "skipped.json").read_text()) == [4]
    # Steps 1 to 4, those up to the fetch at 10, and again from 5 on, with the batch of step 6.
    assert len(calls) == 10 + 8 or len(calls) == 8 + 8
    again = calls[-8]
    np.testing.assert_array_equal(again["source"], calls[5]["source"])
    for value in newest_checkpoint(out).values():
        assert np.isfinite(value).all()


def test_without_a_checkpoint_there_is_nothing_to_go_back_to(begin, tmp_path, monkeypatch):
    disturb(monkeypatch, poison(2))
    with pytest.raises(UserError, match="stopped. Nothing was saved yet"):
        begin(tmp_path / "run", "--steps", 3, "--on-nan", "rewind")


def test_gradients_that_explode_are_named(begin, tmp_path, monkeypatch):
    def explode(call, results):
        losses, sizes = results
        return losses, {name: value * 1e30 for name, value in sizes.items()}

    disturb(monkeypatch, explode)
    with pytest.raises(UserError, match=r"exploded at step 1: gradients of detector \(.*e\+"):
        begin(tmp_path / "run", "--steps", 3)


def test_patience(begin, tmp_path, monkeypatch, capsys):
    figures = iter([0.5, 0.4, 0.45, 0.41, 0.3])
    monkeypatch.setattr(
        "fomm_tf.training.trainer.validate",
        lambda *_: {"validation/l1": next(figures)},
    )
    out = tmp_path / "run"
    begin(out, "--steps", 12, "--validate-every", 1, "--patience", 2)
    assert records(out)[-1]["step"] == 4
    assert "no better validation for 2 times" in capsys.readouterr().out


def test_a_dry_run_writes_nothing(begin, tmp_path, capsys):
    out = tmp_path / "run"
    begin(out, "--dry-run", "--steps", 1000)
    told = capsys.readouterr().out
    for word in ("images/s", "1000 steps", "hours", "memory", "MiB a checkpoint"):
        assert word in told
    assert not out.exists()


def test_frozen_parts_stay(begin, tmp_path):
    out = begin(tmp_path / "a", "--steps", 1, "--freeze", "detector", "encoder")
    begin(tmp_path / "b", "--steps", 3, "--freeze", "detector", "encoder")
    one, three = newest_checkpoint(out), newest_checkpoint(tmp_path / "b")
    for name, value in one.items():
        if name.startswith(("detector/", "encoder/")):
            np.testing.assert_array_equal(three[name], value, err_msg=name)
    moved = [name for name in one if name.startswith("painter/") and "weight" in name]
    assert any(np.any(one[name] != three[name]) for name in moved)
    with pytest.raises(ConfigError, match="there is no encodr; the networks are detector, encoder"):
        begin(tmp_path / "c", "--steps", 1, "--freeze", "encodr")


def test_accumulated_gradients_are_those_of_the_parts(begin, config, tmp_path):
    """Two parts of one sample each: with the same sample in both, the gradients are those of one
    such part."""
    from fomm_tf.config.base import with_overrides

    base = registry.load_config(config)
    rng = np.random.default_rng(0)
    frames = {name: rng.random((1, 32, 32, 3), np.float32) for name in ("source", "driving")}
    states = []
    for repeats in (1, 2):
        tf.keras.utils.set_random_seed(0)
        step = ToyTrainingStep(with_overrides(base, batch_size=repeats, accumulation_steps=repeats))
        step({name: np.repeat(frame, repeats, 0) for name, frame in frames.items()})
        assert all(int(one.iterations) == 1 for one in step.optimizers.values())
        # Adam's momentum: after one step the gradient, while the step is as long for any gradient.
        states.append([moment.numpy() for moment in step.optimizers["painter"]._momentums])
    for one, two in zip(*states, strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-3 * np.abs(one).max() + 1e-8)
    with pytest.raises(ConfigError, match="accumulation_steps: 3 parts do not divide a batch of 2"):
        begin(tmp_path / "run", "--accumulate", 3)


def test_options_that_need_another(begin, tmp_path):
    with pytest.raises(ConfigError, match="give --validate-every"):
        begin(tmp_path / "run", "--patience", 2)
    with pytest.raises(ConfigError, match="train_params.vgg_weights: this kind .* no such key"):
        begin(tmp_path / "run", "--vgg-weights", "random")
    with pytest.raises(ConfigError, match="neither TF_CONFIG nor Slurm's variables"):
        begin(tmp_path / "run", "--strategy", "multiworker")


class TestPlot:
    def test_runs_in_one_picture(self, undisturbed, tmp_path):
        out = tmp_path / "curves.png"
        plot.main([str(undisturbed), str(undisturbed), "--out", str(out)])
        from PIL import Image

        assert Image.open(out).size[0] > 1000

    def test_a_folder_that_is_no_run(self, tmp_path):
        with pytest.raises(DataError, match="is not a training run"):
            plot.main([str(tmp_path)])

    def test_a_damaged_log(self, tmp_path):
        (tmp_path / "metrics.jsonl").write_text('{"step": 1}\nnonsense\n{"step": 2}\n')
        with pytest.raises(DataError, match="metrics.jsonl, line 2: is not a record"):
            plot.main([str(tmp_path)])
        (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"st')
        with pytest.raises(DataError, match="no losses yet"):
            plot.main([str(tmp_path)])
