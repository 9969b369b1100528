"""Losses, gradients, running statistics and updates equal the official code over two steps."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from copart.golden import (
    ROOT,
    TRAINING,
    arrays,
    assert_close,
    assert_picture,
    checkpoint,
    meta,
    thinned,
)

from fomm_tf.copart.official import our_layout
from fomm_tf.copart.step import CoPartTrainingStep
from fomm_tf.layers.geometry import Warp
from fomm_tf.losses.vgg19 import VGG19Features, random_kernels
from fomm_tf.registry import load_config
from fomm_tf.training.initial_weights import read_initial_weights
from fomm_tf.weights.state_dict import named_weights, state_dict
from fomm_tf.weights.torch_checkpoint import read_checkpoint

# Five times the difference between float32 and float64 inside PyTorch.
TOLERANCE = {
    "prediction": 1e-4,
    "transformed_frame": 1e-5,
    "seg_source.shift": 5e-6,
    "seg_source.affine": 2e-6,
    "seg_target.shift": 1e-5,
    "seg_target.affine": 5e-6,
    "transformed_seg.shift": 5e-6,
    "transformed_seg.affine": 5e-6,
}
# The recorded segments, and what they are called here.
ROLES = {
    "seg_source": "seg_source",
    "seg_target": "seg_driving",
    "transformed_seg": "seg_warped",
}
# Per case: loss at each step, first gradient over the parameter's largest, final parameters.
LOSSES = {"train-step": (1.2e-4, 2.3e-3), "train-step-no-affine": (5e-6, 1e-5)}
GRADIENTS = {"train-step": 1.9e-2, "train-step-no-affine": 1.3e-3}
# Of the final parameters: how many may differ by more than a tenth of the learning rate.
FINAL = {"train-step": 0.14, "train-step-no-affine": 0.01}
RUNNING = 5e-4
RATE = 2e-4


def make_step(case: str, path=None) -> CoPartTrainingStep:
    config = load_config(ROOT / case / "config.yaml")
    config = replace(config, train_params=replace(config.train_params, vgg_weights="random"))
    step = CoPartTrainingStep(config)
    step.start_from(read_initial_weights(path or checkpoint(case)))
    return step


def batch_of(stored, index: int) -> dict[str, tf.Tensor]:
    batch = {"source": stored["batch.source"], "driving": stored["batch.target"]}
    for name in ("theta", "control_params"):
        value = stored.get(f"step{index}.transform.{name}")
        if value is not None:
            batch[name] = value
    return {name: tf.constant(value) for name, value in batch.items()}


def by_module(entries: dict, prefix: str = "") -> dict:
    """Entries `prefix + module.name` as modules in this project's layout."""
    modules = ("segmentation_module", "reconstruction_module")
    return our_layout(
        {
            module: {
                name.removeprefix(f"{prefix}{module}."): value
                for name, value in entries.items()
                if name.startswith(f"{prefix}{module}.")
            }
            for module in modules
        }
    )


def zero_gradients(case: str) -> dict:
    return by_module(dict.fromkeys(meta(case)["zero_gradient_parameters"]))


@pytest.mark.parametrize("case", TRAINING)
def test_first_step(case):
    step, stored = make_step(case), arrays(case, "train")
    batch = batch_of(stored, 0)

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            losses, out = step.losses(batch)
            total = tf.add_n(list(losses.values()))
        variables = {name: net.trainable_variables for name, net in step.networks.items()}
        return losses, out, tape.gradient(total, variables)

    losses, out, gradients = run()
    assert list(losses) == list(stored["loss_names"])
    values = [float(value) for value in losses.values()]
    np.testing.assert_allclose(values, stored["losses"][0], rtol=0, atol=LOSSES[case][0])
    assert_picture(
        *(thinned(out["prediction"]), stored["step0.prediction"]),
        *(TOLERANCE["prediction"], "prediction"),
    )
    assert_picture(
        *(thinned(out["warped"]), stored["step0.transformed_frame"]),
        *(TOLERANCE["transformed_frame"], "transformed_frame"),
    )
    names = {
        "seg_source": "seg_source",
        "seg_target": "seg_driving",
        "transformed_seg": "seg_warped",
    }
    checked = 0
    for role, ours in names.items():
        for field in ("shift", "affine"):
            value = stored.get(f"step0.{role}.{field}")
            if value is not None:
                name = f"{role}.{field}"
                assert_close(getattr(out[ours], field), value, TOLERANCE[name], name)
                checked += 1
    assert checked == (6 if case == "train-step" else 3)
    assert_gradients(case, step, stored, gradients)


def assert_gradients(case, step, stored, gradients) -> None:
    expected, zero = by_module(stored, "grad0."), zero_gradients(case)
    for module, network in step.networks.items():
        by_id = {
            id(variable): gradient
            for variable, gradient in zip(
                network.trainable_variables, gradients[module], strict=True
            )
        }
        named = {n: w for n, w in named_weights(network).items() if id(w.variable) in by_id}
        assert set(named) == set(expected[module])
        for name, weight in named.items():
            if name in zero[module]:
                continue
            value = weight.inward(expected[module][name])
            difference = np.abs(by_id[id(weight.variable)] - value).max() / np.abs(value).max()
            assert difference < GRADIENTS[case], f"{module}.{name}"


@pytest.mark.parametrize("case", TRAINING)
def test_two_steps(case):
    step, stored = make_step(case), arrays(case, "train")
    for index in range(2):
        losses = step(batch_of(stored, index))
        values = [float(losses[name]) for name in stored["loss_names"]]
        atol = LOSSES[case][index]
        np.testing.assert_allclose(values, stored["losses"][index], rtol=0, atol=atol)
    trained = ROOT / case / "trained-checkpoint.pth.tar"
    final = (
        our_layout(read_checkpoint(trained)) if trained.exists() else by_module(stored, "final.")
    )
    zero = zero_gradients(case)
    for module, network in step.networks.items():
        parameters = []
        for name, value in state_dict(network).items():
            difference = np.abs(value - final[module][name])
            if "running" in name:
                assert difference.max() < RUNNING, f"{module}.{name}"
            elif name not in zero[module]:
                # Two steps of Adam move no parameter by more than twice the rate.
                assert difference.max() < 4 * RATE + 1e-6, f"{module}.{name}"
                parameters.append(difference.ravel())
        assert np.mean(np.concatenate(parameters) > 0.1 * RATE) < FINAL[case], module


def test_going_on_from_an_official_checkpoint_with_optimizers():
    """Adam's states are read: the next update is that of the run which wrote the file."""
    case = "train-step"
    stored = arrays(case, "train")
    whole, resumed = make_step(case), make_step(case, ROOT / case / "trained-checkpoint.pth.tar")
    for index in range(2):
        whole(batch_of(stored, index))
    for module, optimizer in resumed.optimizers.items():
        assert int(optimizer.iterations) == 2
        zero = zero_gradients(case)[module]
        variables = whole.networks[module].trainable_variables
        names = {id(w.variable): n for n, w in named_weights(whole.networks[module]).items()}
        for moments in ("_momentums", "_velocities"):
            pairs = zip(
                getattr(whole.optimizers[module], moments), getattr(optimizer, moments), strict=True
            )
            for variable, (a, b) in zip(variables, pairs, strict=True):
                name = names[id(variable)]
                if name in zero:
                    continue
                scale = np.abs(a.numpy()).max()
                difference = np.abs(a.numpy() - b.numpy()).max()
                assert difference < 0.1 * scale, f"{moments} {module}.{name}"


@pytest.mark.parametrize("case", TRAINING)
def test_the_warp_and_its_jacobian(case):
    stored = arrays(case, "train")
    batch = batch_of(stored, 0)
    warp = Warp(batch["theta"], batch.get("control_params"))
    points = tf.constant(stored["step0.transformed_seg.shift"])
    assert_close(warp.coordinates(points), stored["step0.warped_shift"], 1e-6, "warped_shift")
    assert_close(warp.jacobian(points), stored["step0.warp_jacobian"], 1e-6, "warp_jacobian")


def test_vgg_features():
    stored = arrays("train-step", "train")
    features = VGG19Features(random_kernels())(tf.constant(stored["batch.target"]))
    for index, feature in enumerate(features):
        feature = feature.numpy()
        np.testing.assert_allclose(feature.mean(), stored["vgg_check.mean"][index], atol=1e-5)
        np.testing.assert_allclose(feature.std(ddof=1), stored["vgg_check.std"][index], atol=1e-5)
        first = feature[0, 0, 0, :8]
        np.testing.assert_allclose(first, stored["vgg_check.first8"][index], rtol=0, atol=1e-4)
