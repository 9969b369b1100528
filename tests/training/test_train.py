"""The train command as users run it, and what it leaves behind."""

import json
import random
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
from commands import (
    ENVIRONMENT,
    ROOT,
    assert_one_line_error,
    command_line,
    newest_checkpoint,
    train,
)
from tiny import write_tiny_config

import fomm_tf


def assert_same_state(a, b) -> None:
    assert set(a) == set(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.fixture(scope="module")
def config(tiny_yaml):
    return tiny_yaml


@pytest.fixture(scope="module")
def finished(config, moving_squares, tmp_path_factory):
    """A run of twelve steps: past the first milestone, two checkpoints."""
    out = tmp_path_factory.mktemp("runs") / "finished"
    result = train(config, moving_squares, out, "--steps", 12, "--checkpoint-every", 4)
    assert result.returncode == 0, result.stderr
    return out, result


def test_a_run_ends_with_a_model_and_something_to_look_at(finished):
    out, result = finished
    assert f"model: {out}" in result.stdout and "images/s" in result.stderr
    model = fomm_tf.load_model(out)
    picture = np.zeros((1, 64, 64, 3), np.float32)
    kp = model.detect(picture)
    assert np.isfinite(model.generate(picture, kp, kp)["prediction"]).all()
    names = sorted(path.name for path in (out / "checkpoints").iterdir())
    assert names == ["step-00000008.npz", "step-00000012.npz"]
    # checkpoint_freq is one epoch, of eight steps: what is kept of it is never removed.
    assert [path.name for path in (out / "epochs").iterdir()] == ["0001"]
    assert fomm_tf.load_model(out / "epochs" / "0001").config == model.config
    assert sorted(path.name for path in (out / "pictures").iterdir())[-1] == "step-00000012.png"
    tags = scalar_tags(out / "logs")
    assert {"loss/pixel", "loss/equivariance_value", "images_per_second", "training"} <= tags


def scalar_tags(folder) -> set[str]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return set(events.Tags()["tensors"])


def test_the_learning_rate_falls_at_the_milestone(finished):
    # An epoch is eight steps, the milestone epoch 1: Adam's steps 9 to 12 are a tenth as long.
    out, _ = finished
    with np.load(out / "checkpoints" / "step-00000008.npz") as data:
        before = dict(data)
    after = newest_checkpoint(out)
    name = "generator/first.conv.bias"
    assert np.abs(after[name] - before[name]).max() <= 4 * 2e-5 * 1.5


def test_resuming_equals_never_having_stopped(finished, config, moving_squares, tmp_path):
    whole, _ = finished
    out = tmp_path / "run"
    assert train(config, moving_squares, out, "--steps", 5).returncode == 0
    result = train(config, moving_squares, out, "--steps", 12, "--resume")
    assert result.returncode == 0, result.stderr
    assert "step 5 of 12" in result.stdout
    assert_same_state(newest_checkpoint(whole), newest_checkpoint(out))


def test_another_seed_is_another_run(finished, config, moving_squares, tmp_path):
    whole, _ = finished
    result = train(config, moving_squares, tmp_path / "run", "--steps", 12, "--seed", 1)
    assert result.returncode == 0, result.stderr
    name = "generator/first.conv.weight"
    runs = [newest_checkpoint(out)[name] for out in (whole, tmp_path / "run")]
    assert np.abs(runs[0] - runs[1]).max() > 1e-2


def test_ten_kills_at_random_moments_change_nothing(config, moving_squares, tmp_path):
    out = tmp_path / "killed"
    rng = random.Random(5)
    # Every third step is saved, so that kills fall into saving, too.
    options = ["--checkpoint-every", 3]
    for kill in range(10):
        resume = ["--resume"] if out.exists() else []
        process = subprocess.Popen(
            command_line(
                "train",
                *("--config", config, "--data", moving_squares, "--out", out),
                *("--steps", 100_000, *options, *resume),
            ),
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if kill % 5:
            wait_for_progress(process, out)
        time.sleep(rng.uniform(0, 1.5))
        assert process.poll() is None, "it ended by itself"
        process.send_signal(signal.SIGKILL)
        process.wait()
    reached = done(out)
    assert reached >= 8 * 3
    steps = reached + 5
    result = train(config, moving_squares, out, "--steps", steps, *options, "--resume")
    assert result.returncode == 0, result.stderr
    whole = tmp_path / "whole"
    assert train(config, moving_squares, whole, "--steps", steps, *options).returncode == 0
    assert_same_state(newest_checkpoint(whole), newest_checkpoint(out))
    assert not list(out.rglob(".*")), "temporary files of killed runs are still there"


def wait_for_progress(process, out) -> None:
    before, deadline = done(out), time.monotonic() + 120
    while done(out) == before:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


def done(out) -> int:
    names = [path.stem for path in (out / "checkpoints").glob("step-*.npz")]
    return max((int(name.removeprefix("step-")) for name in names), default=0)


class TestBadInput:
    def test_a_folder_in_use_is_not_touched(self, finished, config, moving_squares):
        out, _ = finished
        before = sorted(path.stat().st_mtime_ns for path in out.rglob("*"))
        result = train(config, moving_squares, out, "--steps", 2)
        assert_one_line_error(result, "not empty", "--resume")
        assert sorted(path.stat().st_mtime_ns for path in out.rglob("*")) == before

    def test_resuming_with_other_settings(self, finished, config, moving_squares):
        out, _ = finished
        options = ("--steps", 20, "--resume")
        result = train(config, moving_squares, out, *options, "--seed", 3)
        assert_one_line_error(result, "seed = 0, not 3")
        result = train(config, moving_squares, out, *options, "--batch-size", 4)
        assert_one_line_error(result, "batch_size = 2, not 4")

    def test_a_finished_run_says_so(self, finished, config, moving_squares):
        out, _ = finished
        result = train(config, moving_squares, out, "--steps", 12, "--resume")
        assert_one_line_error(result, "already done 12 steps")

    def test_a_damaged_checkpoint(self, finished, config, moving_squares, tmp_path):
        out = shutil.copytree(finished[0], tmp_path / "run")
        path = sorted((out / "checkpoints").glob("*"))[-1]
        path.write_bytes(path.read_bytes()[:5000])
        result = train(config, moving_squares, out, "--steps", 20, "--resume")
        assert_one_line_error(result, path.name)

    def test_misspelt_key(self, moving_squares, tmp_path):
        path = tmp_path / "bad.yaml"
        write_tiny_config(path)
        path.write_text(path.read_text().replace("batch_size", "bach_size"))
        result = train(path, moving_squares, tmp_path / "run")
        assert_one_line_error(result, "bach_size", "batch_size")
        assert not (tmp_path / "run").exists()

    def test_no_data(self, config, tmp_path):
        result = train(config, tmp_path / "nowhere", tmp_path / "run")
        assert_one_line_error(result, "nowhere", "no such folder")
        (tmp_path / "empty").mkdir()
        result = train(config, tmp_path / "empty", tmp_path / "run")
        assert_one_line_error(result, "empty")
        assert not (tmp_path / "run").exists()

    def test_perceptual_loss_without_weights(self, moving_squares, tmp_path):
        path = tmp_path / "vgg.yaml"
        write_tiny_config(path, **{"train_params.loss_weights.perceptual": [10, 0, 0, 0, 0]})
        result = train(path, moving_squares, tmp_path / "run", "--vgg-weights", tmp_path / "no.pth")
        assert_one_line_error(result, "no.pth", "random")

    def test_a_loss_that_explodes_stops_the_run(self, finished, config, moving_squares, tmp_path):
        out = shutil.copytree(finished[0], tmp_path / "run")
        path = sorted((out / "checkpoints").glob("*"))[-1]
        state = newest_checkpoint(out)
        # Finite, but its product with anything is not.
        state["kp_detector/kp.weight"] = np.full_like(state["kp_detector/kp.weight"], 1e38)
        np.savez(path, **state)
        before = {p: p.stat().st_mtime_ns for p in out.rglob("*.npz")}
        result = train(config, moving_squares, out, "--steps", 20, "--resume")
        assert_one_line_error(result, "at step 13: ", "(nan)", str(path), "bad-batches")
        assert {p: p.stat().st_mtime_ns for p in before} == before
        assert len(list((out / "checkpoints").glob("*.npz"))) == 2


def test_perceptual_gan_and_init_from_an_official_checkpoint(moving_squares, tmp_path):
    from golden_files import FOMM

    case = FOMM / "training_adv"
    options = ("--vgg-weights", "random", "--steps", 2, "--init", case / "checkpoint-final.pth.tar")
    result = train(case / "config.yaml", moving_squares, tmp_path / "run", *options)
    assert result.returncode == 0, result.stderr
    assert int(newest_checkpoint(tmp_path / "run")["optimizer_discriminator/iterations"]) == 7
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["train_params"]["vgg_weights"] == "random"


def test_init_from_a_model_folder(finished, config, moving_squares, tmp_path):
    out, _ = finished
    result = train(config, moving_squares, tmp_path / "run", "--steps", 1, "--init", out)
    assert result.returncode == 0, result.stderr
    a = np.load(out / "weights.npz")["generator/first.conv.weight"]
    b = np.load(tmp_path / "run" / "weights.npz")["generator/first.conv.weight"]
    assert np.abs(a - b).max() < 1e-3
