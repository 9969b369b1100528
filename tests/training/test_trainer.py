"""The training loop from inside: one trace, its random draws, what a resumed run must share."""

import json

import numpy as np
import pytest
from tiny import tiny_config

from fomm_tf.config.base import with_overrides
from fomm_tf.data.dataset import FramesDataset
from fomm_tf.errors import ConfigError, ModelError
from fomm_tf.fomm.step import FOMMTrainingStep
from fomm_tf.training.run_file import check_same_run
from fomm_tf.training.trainer import RunOptions, Trainer
from fomm_tf.training.warps import warp_batches


def test_the_step_is_traced_once_and_restores_exactly(moving_squares, tmp_path):
    config = tiny_config()
    dataset = FramesDataset(config.dataset_params, "train", root=moving_squares)
    step = FOMMTrainingStep(config)
    trainer = Trainer(config, step, dataset, RunOptions(tmp_path / "run", steps=9))
    assert trainer.epoch_steps == 8
    trainer.run()
    assert trainer.done == 9
    assert step.run.experimental_get_tracing_count() == 1

    other = FOMMTrainingStep(config)
    again = Trainer(config, other, dataset, RunOptions(tmp_path / "run", steps=9))
    again.resume()
    assert again.done == 9
    for name, network in step.networks.items():
        for a, b in zip(network.weights, other.networks[name].weights, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
    for name, optimizer in step.optimizers.items():
        for a, b in zip(optimizer.variables, other.optimizers[name].variables, strict=True):
            if not a.path.endswith("learning_rate"):  # Set from the config at every step.
                np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=a.path)


def test_warps_depend_on_seed_and_step_alone():
    config = tiny_config()

    def first(seed, start, count):
        return [
            {name: value.numpy() for name, value in warp.items()}
            for warp in warp_batches(config, seed, start).take(count)
        ]

    whole, rest = first(0, 0, 5), first(0, 3, 2)
    for a, b in zip(whole[3:], rest, strict=True):
        assert set(a) == {"theta", "control_params"}
        np.testing.assert_array_equal(a["theta"], b["theta"])
        np.testing.assert_array_equal(a["control_params"], b["control_params"])
    assert np.abs(whole[0]["theta"] - whole[1]["theta"]).max() > 1e-3
    assert np.abs(whole[0]["theta"] - first(1, 0, 1)[0]["theta"]).max() > 1e-3


def test_affine_only_warps_have_no_spline():
    config = tiny_config(**{"train_params.transform_params": {"sigma_affine": 0.05}})
    assert set(next(iter(warp_batches(config, 0, 0)))) == {"theta"}


def test_overrides_replace_only_what_is_given():
    config = with_overrides(tiny_config(), batch_size=3, num_epochs=None)
    assert config.train_params.batch_size == 3
    assert config.train_params.num_epochs == tiny_config().train_params.num_epochs
    with pytest.raises(ConfigError, match="train_params.hurry: this kind of model has no such key"):
        with_overrides(tiny_config(), hurry=True)


def test_a_resumed_run_names_the_first_difference(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"seed": 0, "model_params": {"common_params": {"num_kp": 4}}}))
    check_same_run(path, {"seed": 0, "model_params": {"common_params": {"num_kp": 4}}})
    with pytest.raises(ModelError, match="model_params.common_params.num_kp = 4, not 5"):
        check_same_run(path, {"seed": 0, "model_params": {"common_params": {"num_kp": 5}}})
    path.write_text("[")
    with pytest.raises(ModelError, match="damaged"):
        check_same_run(path, {"seed": 0})
