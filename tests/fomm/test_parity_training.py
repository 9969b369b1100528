"""Losses, gradients, running statistics and optimizer trajectories equal the official code."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from golden_files import FOMM, arrays, keypoints, load_json, raw

from fomm_tf.fomm.discriminator import MultiScaleDiscriminator
from fomm_tf.fomm.generator import OcclusionAwareGenerator
from fomm_tf.fomm.keypoint_detector import KeypointDetector
from fomm_tf.fomm.step import FOMMTrainingStep
from fomm_tf.losses.vgg19 import VGG19Features, random_kernels
from fomm_tf.registry import load_config
from fomm_tf.training.initial_weights import read_initial_weights
from fomm_tf.weights.state_dict import load_state_dict, named_weights, state_dict

LOSSES = sorted(path.name for path in FOMM.glob("losses_*"))
TRAINING = sorted(path.name for path in FOMM.glob("training_*"))


def make_step(case: str, checkpoint: str = "checkpoint.pth.tar") -> FOMMTrainingStep:
    config = load_config(FOMM / case / "config.yaml")
    config = replace(config, train_params=replace(config.train_params, vgg_weights="random"))
    step = FOMMTrainingStep(config)
    step.start_from(read_initial_weights(FOMM / case / checkpoint))
    return step


def batch_of(inputs, warp) -> dict[str, tf.Tensor]:
    pictures = {name: np.moveaxis(inputs[name], 1, -1) for name in ("source", "driving")}
    return {name: tf.constant(value) for name, value in (pictures | warp).items()}


def relative(actual: float, expected: float) -> float:
    return abs(actual - expected) / abs(expected)


@pytest.fixture(params=LOSSES)
def recorded(request):
    """A case, its step after one generator pass, and everything the pass gave."""
    case = request.param
    step = make_step(case)
    batch = batch_of(raw(case, "inputs"), raw(case, "transform"))

    @tf.function
    def run():
        with tf.GradientTape(persistent=True) as tape:
            losses, prediction, kp = step.generator_losses(batch)
            total = tf.add_n(list(losses.values()))
        networks = {name: step.networks[name] for name in ("generator", "kp_detector")}
        variables = {n: net.trainable_variables for n, net in networks.items()}
        return losses, prediction, kp, tape.gradient(total, variables)

    return case, step, batch, run()


def test_losses_gradients_and_statistics(recorded):
    case, step, batch, (losses, prediction, kp_driving, gradients) = recorded
    stored = load_json(case, "losses")["float32"]
    assert set(losses) == set(stored["losses"])
    for name, value in losses.items():
        assert relative(float(value), stored["losses"][name]) < 1e-4, name
    np.testing.assert_allclose(
        prediction, arrays(case, "generated")["prediction"], rtol=0, atol=2e-3
    )
    expected = keypoints(case, "kp_driving")
    np.testing.assert_allclose(kp_driving.value, expected.value, rtol=0, atol=1e-4)
    assert_buffers(step, raw(case, "buffers_after_generator"))
    assert_gradients(case, step, gradients)

    loss = step.discriminator_loss(batch["driving"], prediction, kp_driving)
    assert relative(float(loss), stored["losses_discriminator"]["disc_gan"]) < 1e-4
    if (FOMM / case / "buffers_after_discriminator.npz").exists():
        assert_buffers(step, raw(case, "buffers_after_discriminator"))


def assert_buffers(step, stored) -> None:
    entries = {
        f"{module}.{name}": value
        for module, network in step.networks.items()
        for name, value in state_dict(network).items()
    }
    for name, value in stored.items():
        np.testing.assert_allclose(entries[name], value, rtol=0, atol=1e-4, err_msg=name)


def assert_gradients(case, step, gradients) -> None:
    stored = load_json(case, "grad_norms")
    full = raw(case, "gradients") if (FOMM / case / "gradients.npz").exists() else {}
    for module in ("generator", "kp_detector"):
        network = step.networks[module]
        by_id = {
            id(variable): gradient
            for variable, gradient in zip(
                network.trainable_variables, gradients[module], strict=True
            )
        }
        named = {
            f"{module}.{name}": (weight, by_id[id(weight.variable)])
            for name, weight in named_weights(network).items()
            if id(weight.variable) in by_id
        }
        largest = max(stored[name]["l2_f32"] for name in named)
        for name, (weight, gradient) in named.items():
            norm = stored[name]["l2_f32"]
            if norm < 1e-3 * largest:
                continue
            assert relative(float(tf.norm(gradient)), norm) < 5e-2, name
            if name in full:
                inward = weight.inward(full[name])
                assert np.linalg.norm(gradient - inward) < 5e-2 * norm, name


@pytest.mark.parametrize("case", TRAINING)
def test_trajectory(case):
    step = make_step(case)
    inputs, warps = raw(case, "inputs"), raw(case, "transforms")
    losses = load_json(case, "losses")
    # Three times what float32 itself differs by: from float64, and between two sets of kernels.
    for index, stored in enumerate(losses["float32"][:5]):
        others = [losses[run][index] for run in ("float64", "float32_other_kernels")]
        own = max(relative(stored[name], other[name]) for other in others for name in stored)
        actual = step(
            batch_of(
                {k: v[index] for k, v in inputs.items()}, {k: v[index] for k, v in warps.items()}
            )
        )
        assert set(actual) == set(stored)
        limit = max(1e-4, 3 * own)
        for name, value in stored.items():
            assert relative(float(actual[name]), value) < limit, f"step {index + 1}: {name}"

    out = step.model.generate(
        arrays(case, "eval_inputs")["source"],
        keypoints(case, "eval_kp_source"),
        keypoints(case, "eval_kp_driving"),
    )
    difference = np.abs(out["prediction"] - arrays(case, "eval_generator")["prediction"])
    assert difference.mean() < 3e-2


def test_resuming_from_an_official_checkpoint_with_optimizers():
    case = "training_adv"
    step = make_step(case, "checkpoint-final.pth.tar")
    inputs, warps = raw(case, "inputs"), raw(case, "transforms")
    stored = load_json(case, "losses")["float32"][5]
    actual = step(
        batch_of({k: v[5] for k, v in inputs.items()}, {k: v[5] for k, v in warps.items()})
    )
    for name, value in stored.items():
        assert relative(float(actual[name]), value) < 1e-4, name
    for optimizer in step.optimizers.values():
        assert int(optimizer.iterations) == 6


def test_vgg_features():
    stored = arrays("vgg", "vgg_features")
    features = VGG19Features(random_kernels())(tf.constant(stored.pop("input")))
    assert len(features) == len(stored) == 5
    for actual, (name, expected) in zip(features, stored.items(), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("name", ["vox-256", "vox-adv-256", "fashion-256", "mgif-256"])
def test_full_size_networks_have_the_official_layout(name):
    config = load_config(FOMM.parents[2] / "configs" / f"{name}.yaml")
    common = config.model_params.common_params
    networks = {
        "kp_detector": KeypointDetector(common, config.model_params.kp_detector_params),
        "generator": OcclusionAwareGenerator(common, config.model_params.generator_params),
        "discriminator": MultiScaleDiscriminator(common, config.model_params.discriminator_params),
    }
    text = (FOMM / "official_state_dict_keys" / f"{name}.txt").read_text()
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    for module, network in networks.items():
        entries = {
            key: np.broadcast_to(
                np.float32(1), () if shape == "scalar" else tuple(map(int, shape.split("x")))
            )
            for owner, key, shape, _ in rows
            if owner == module
        }
        load_state_dict(network, entries, name)
