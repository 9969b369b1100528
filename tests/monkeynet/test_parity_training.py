"""Losses, gradients and optimizer trajectories equal the official training."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from monkeynet.golden import (
    ROOT,
    TOLERANCE,
    assert_close,
    assert_keypoints,
    flat,
    frames,
    keypoints,
    raw,
    zero_gradient_parameters,
)

from fomm_tf.inference.model import load_official_module
from fomm_tf.monkeynet.step import MonkeyNetTrainingStep
from fomm_tf.registry import load_config
from fomm_tf.training.checkpoints import training_state
from fomm_tf.training.trainer import Trainer
from fomm_tf.weights.state_dict import load_state_dict, named_weights, state_dict, without_time
from fomm_tf.weights.torch_checkpoint import read_checkpoint

CASES = sorted(path.parent.name for path in ROOT.glob("*/train.npz"))
# Five times what float32 and float64 differ by in the official code.
GRADIENT = 1.3e-4  # of the largest entry
OFF_SHARE = 8e-4  # of all entries may end more than a tenth of a step away


def make_step(case: str) -> MonkeyNetTrainingStep:
    step = MonkeyNetTrainingStep(load_config(ROOT / case / "config.yaml"))
    path = ROOT / case / "checkpoint.pth.tar"
    modules = read_checkpoint(path)
    for name, network in step.networks.items():
        load_official_module(network, modules, name, path)
    return step


def batch_of(stored, index: int) -> dict[str, tf.Tensor]:
    return {
        ours: tf.constant(frames(stored[f"batch{index}.{theirs}"]))
        for ours, theirs in (("source", "source"), ("driving", "video"))
    }


def schedule(stored) -> list[tuple[int, int]]:
    """(epoch, batch) of every step."""
    batches = len([name for name in stored if name.endswith(".source")])
    steps = len(stored["losses"])
    return [divmod(index, batches) for index in range(steps)]


@pytest.mark.parametrize("case", CASES)
def test_first_gradients(case):
    step, stored = make_step(case), raw(case, "train")
    batch = batch_of(stored, 0)
    recorded = {}
    for name, optimizer in step.optimizers.items():
        optimizer.apply = lambda gradients, name=name: recorded.update({name: gradients})
    step._replica_step(batch)
    skipped = zero_gradient_parameters(case)
    compared = 0
    for module, network in step.networks.items():
        pairs = zip(network.trainable_variables, recorded[module], strict=True)
        by_id = {id(variable): gradient for variable, gradient in pairs}
        for name, weight in named_weights(network).items():
            expected = stored.get(f"grad0.{module}.{name}")
            if expected is None:
                assert name.endswith(("running_mean", "running_var"))
                continue
            if f"{module}.{name}" in skipped:
                continue
            gradient = by_id[id(weight.variable)]
            difference = np.abs(gradient - weight.inward(without_time(expected)))
            assert difference.max() <= GRADIENT * np.abs(expected).max(), f"{module}.{name}"
            compared += 1
    assert compared > 40


@pytest.mark.parametrize("case", CASES)
def test_trajectory(case):
    step, stored = make_step(case), raw(case, "train")
    config = load_config(ROOT / case / "config.yaml")
    for index, (epoch, batch_index) in enumerate(schedule(stored)):
        batch = batch_of(stored, batch_index)
        check_outputs(step, batch, stored, index)
        # The trainer's own schedule.
        Trainer._set_learning_rates(
            SimpleNamespace(config=config, step=step, epoch_steps=1, done=epoch, total=1)
        )
        losses = step(batch)
        assert set(losses) == set(stored["loss_names"])
        for name, expected in zip(stored["loss_names"], stored["losses"][index], strict=True):
            assert abs(float(losses[name]) - expected) <= TOLERANCE["loss"], f"step {index}: {name}"
    check_final_state(case, step, stored)
    if (ROOT / case / "trained-checkpoint.pth.tar").exists():
        check_adam_moments(case, step)


def check_outputs(step, batch, stored, index: int) -> None:
    """What the networks say in training mode, without leaving a trace in them."""
    before = {name: state_dict(network) for name, network in step.networks.items()}
    _, out, (kp_source, kp_driving) = step.generator_losses(batch)
    for name, network in step.networks.items():
        load_state_dict(network, before[name], name)
    assert_keypoints(kp_source, flat(keypoints(stored, f"step{index}.kp_source")), "train kp")
    assert_keypoints(kp_driving, flat(keypoints(stored, f"step{index}.kp_driving")), "train kp")
    if f"step{index}.video_prediction" in stored:
        expected = frames(stored[f"step{index}.video_prediction"])
        assert_close(out["prediction"].numpy(), expected, "train video_prediction")


def final_state(case: str, stored) -> dict[str, dict[str, np.ndarray]]:
    path = ROOT / case / "trained-checkpoint.pth.tar"
    if path.exists():
        return read_checkpoint(path)
    modules: dict[str, dict[str, np.ndarray]] = {}
    for name, value in stored.items():
        if name.startswith("final."):
            _, module, parameter = name.split(".", 2)
            modules.setdefault(module, {})[parameter] = value
    return modules


def check_final_state(case: str, step, stored) -> None:
    rate, steps = (
        load_config(ROOT / case / "config.yaml").train_params.lr,
        len(stored["losses"]),
    )
    skipped, final = zero_gradient_parameters(case), final_state(case, stored)
    far, entries = 0, 0
    for module, network in step.networks.items():
        for name, value in state_dict(network).items():
            difference = np.abs(value - without_time(final[module][name]))
            if name.endswith(("running_mean", "running_var")):
                # A bias that Adam moves at random moves the mean that follows it.
                assert difference.max() <= max(rate * steps, 1e-5), f"{module}.{name}"
            elif f"{module}.{name}" not in skipped:
                far += (difference > 0.1 * rate).sum()
                entries += difference.size
    assert far <= OFF_SHARE * entries, f"{far} of {entries}"


def check_adam_moments(case: str, step) -> None:
    trained = read_checkpoint(ROOT / case / "trained-checkpoint.pth.tar")
    state, skipped = training_state(step), zero_gradient_parameters(case)
    for module in step.networks:
        # PyTorch numbers parameters in the order of the state dict, buffers left out.
        names = [name for name in trained[module] if "running_" not in name and "num_" not in name]
        slots = trained[f"optimizer_{module}"]["state"]
        assert len(names) == len(slots)
        for position, name in enumerate(names):
            if f"{module}.{name}" in skipped:
                continue
            for ours, theirs in (("m", "exp_avg"), ("v", "exp_avg_sq")):
                expected = without_time(slots[position][theirs])
                actual = state[f"optimizer_{module}/{ours}/{name}"]
                limit = 1e-3 * np.abs(expected).max()
                np.testing.assert_allclose(actual, expected, rtol=0, atol=limit, err_msg=name)


def test_frames_of_one_source_train_together():
    """The same driving frame twice is the same as once, but for the running variances' share."""
    step, stored = make_step("train-epochs"), raw("train-epochs", "train")
    batch = batch_of(stored, 0)
    twice = {"source": batch["source"], "driving": tf.repeat(batch["driving"], 2, axis=0)}
    doubled = {"source": tf.repeat(batch["source"], 2, axis=0), "driving": twice["driving"]}
    losses, out, (kp_source, kp_driving) = step.generator_losses(twice)
    assert out["prediction"].shape == (4, 32, 32, 3)
    assert kp_source.value.shape == kp_driving.value.shape == (4, 3, 2)
    np.testing.assert_array_equal(kp_source.value[0], kp_source.value[1])
    np.testing.assert_allclose(out["prediction"][0], out["prediction"][1], rtol=0, atol=1e-5)
    # The detector's norms see each source once here and twice there; nothing else differs.
    other, _, _ = step.generator_losses(doubled)
    for name, loss in losses.items():
        assert float(loss) == pytest.approx(float(other[name]), rel=0.05), name
