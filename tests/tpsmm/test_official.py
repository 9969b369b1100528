"""Official checkpoints: names and shapes of the published configurations, and their optimizer."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tpsmm.golden import FOLDER
from tpsmm.tiny_tpsmm import tiny_config

from fomm_tf.inference.loading import official_model
from fomm_tf.registry import load_config
from fomm_tf.tpsmm.official import our_layout
from fomm_tf.tpsmm.step import TPSMMTrainingStep
from fomm_tf.training.optimizer_state import moments_of
from fomm_tf.training.step import InitialWeights
from fomm_tf.weights.state_dict import state_dict

KEYS = json.loads((FOLDER / "official_state_dict_keys.json").read_text())


@pytest.mark.parametrize("name", ["vox-256", "mgif-256"])
def test_a_checkpoint_of_the_published_shapes_is_converted(name):
    config = load_config(FOLDER.parents[2] / "configs" / f"tpsmm-{name}.yaml")
    modules = {
        module: {key: np.broadcast_to(np.float32(0.5), shape) for key, shape, *_ in rows}
        for module, rows in KEYS[name]["modules"].items()
    }
    model = official_model(config, modules, f"{name}.pth.tar")
    assert set(model.stored_networks) == set(modules)
    for module, network in model.stored_networks.items():
        count = sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)
        assert count == KEYS[name]["parameter_counts"][module]


def test_training_continues_with_the_official_optimizer():
    """One Adam for three networks there, one for each here."""
    config = tiny_config()
    step = TPSMMTrainingStep(config)
    modules = {name: state_dict(network) for name, network in step.networks.items()}
    order = [
        (name, key)
        for name in ("inpainting_network", "dense_motion_network", "kp_detector")
        for key in modules[name]
        if "running" not in key
    ]
    state = {
        index: {
            "step": 7,
            "exp_avg": np.full_like(modules[name][key], index),
            "exp_avg_sq": np.ones_like(modules[name][key]),
        }
        for index, (name, key) in enumerate(order)
    }
    modules["optimizer"] = {"state": state, "param_groups": []}
    step.start_from(InitialWeights(FOLDER, modules, None))
    for index, (name, key) in enumerate(order):
        first, _ = moments_of(step.networks[name], step.optimizers[name])[key]
        assert np.all(first.read() == index)
    assert {int(optimizer.iterations) for optimizer in step.optimizers.values()} == {7}


def test_without_an_optimizer_nothing_is_split():
    assert our_layout({"kp_detector": {}, "epoch": 3}) == {"kp_detector": {}, "epoch": 3}
