"""Distillation: every distance to the teacher falls, runs resume exactly, pictures are enough."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from fomm.tiny_mobile import tiny_mobile_config
from monkeynet.tiny_monkeynet import tiny_monkeynet_config
from PIL import Image
from sample_media import moving_square
from tiny import save_random_model, tiny_config

import fomm_tf
from fomm_tf.data.dataset import FramesDataset
from fomm_tf.distill import main as distill
from fomm_tf.errors import ConfigError, ModelError
from fomm_tf.files import write_json
from fomm_tf.fomm.distillation import FOMMDistillationStep
from fomm_tf.losses import imitation
from fomm_tf.training.trainer import RunOptions, Trainer

# The distance to the teacher's picture is by `pixel`; all other usual losses are off.
ALONE = {
    "train_params.loss_weights.equivariance_value": 0,
    "train_params.loss_weights.equivariance_jacobian": 0,
}
FAST = {"train_params.lr_generator": 5e-3, "train_params.lr_kp_detector": 5e-3}


@pytest.fixture(scope="module")
def teacher_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teacher") / "model"
    save_random_model(folder, tiny_config(), seed=3, gain=2, spread=0.05)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Four still pictures that are no strips of frames."""
    folder = tmp_path_factory.mktemp("pictures")
    for index, frame in enumerate(moving_square(4, 40, 50, seed=2)):
        Image.fromarray(frame).save(folder / f"{index}.png")
    return folder


def batch() -> dict[str, tf.Tensor]:
    frames = np.stack(moving_square(4, 64, 64)).astype(np.float32) / 255
    return {"source": tf.constant(frames[:2]), "driving": tf.constant(frames[2:])}


def distances(step: FOMMDistillationStep, inputs: dict) -> dict[str, float]:
    return {name: float(loss) for name, loss in step.generator_losses(inputs)[0].items()}


def weights_of(teacher) -> list[np.ndarray]:
    return [one.numpy() for network in teacher.networks.values() for one in network.weights]


def test_every_distance_falls(teacher_dir):
    keras.utils.set_random_seed(0)
    teacher = fomm_tf.load_model(teacher_dir)
    before = weights_of(teacher)
    step = FOMMDistillationStep(tiny_mobile_config(**ALONE | FAST), None, teacher)
    inputs = batch() | next(iter(step.extra_batches(0, 0)))
    first = distances(step, inputs)
    of_keypoints = ("value", "jacobian", "heatmap")
    assert set(first) == {
        "pixel",
        *(f"teacher_{name}_{role}" for name in of_keypoints for role in ("source", "driving")),
        *(f"teacher_{name}" for name in ("deformation", "occlusion", "pixel")),
    }
    for _ in range(60):
        step(inputs)
    last = distances(step, inputs)
    for name in first:
        assert last[name] < 0.8 * first[name], name
    for old, new in zip(before, weights_of(teacher), strict=True):
        np.testing.assert_array_equal(old, new)


def test_weights_of_zero_leave_distances_out(teacher_dir):
    weights = dict.fromkeys(("value", "jacobian", "heatmap", "occlusion", "prediction"), 0)
    config = tiny_mobile_config(**{"train_params.distillation_params": weights})
    step = FOMMDistillationStep(config, None, fomm_tf.load_model(teacher_dir))
    losses = distances(step, batch() | next(iter(step.extra_batches(0, 0))))
    found = {name for name in losses if name.startswith("teacher_")}
    assert found == {"teacher_deformation"}


def test_the_distances_of_equal_maps_are_zero_and_of_others_are_not():
    rng = np.random.default_rng(0)
    heatmaps = rng.random((1, 6, 6, 2), np.float32)
    heatmaps /= heatmaps.sum(axis=(1, 2), keepdims=True)
    assert imitation.heatmap_distance(heatmaps, heatmaps) < 1e-6
    corners = np.zeros((2, 1, 6, 6, 1), np.float32)
    corners[0, 0, 0, 0], corners[1, 0, 5, 5] = 1, 1
    np.testing.assert_allclose(imitation.heatmap_distance(*corners), 1)
    # Another size, the same place.
    larger = np.zeros((1, 11, 11, 1), np.float32)
    larger[0, 0, 0] = 1
    np.testing.assert_allclose(imitation.heatmap_distance(corners[0], larger), 0, atol=1e-6)


def test_made_frames_from_still_pictures_and_resume_exactly(teacher_dir, pictures, tmp_path):
    config = tmp_path / "config.yaml"
    tiny_mobile_config(**{"train_params.loss_weights.pixel": 1}).save(config)
    shared = ["--teacher", str(teacher_dir), "--config", str(config), "--data", str(pictures)]
    shared += ["--made-frames", "--checkpoint-every", "2"]
    distill([*shared, "--out", str(tmp_path / "whole"), "--steps", "4"])
    for more in (["--steps", "2"], ["--steps", "4", "--resume"]):
        distill([*shared, "--out", str(tmp_path / "halves"), *more])
    whole, halves = (np.load(tmp_path / name / "weights.npz") for name in ("whole", "halves"))
    for name in whole.files:
        np.testing.assert_array_equal(whole[name], halves[name], err_msg=name)
    assert fomm_tf.load_model(tmp_path / "whole").config.model_params.architecture == "mobile"


def test_a_teacher_that_does_not_fit(teacher_dir, tmp_path):
    teacher = fomm_tf.load_model(teacher_dir)
    config = tiny_mobile_config(**{"model_params.common_params.num_kp": 5})
    with pytest.raises(ConfigError, match="num_kp: is 5, but the teacher's is 4"):
        FOMMDistillationStep(config, None, teacher)
    shallow = {
        "dataset_params.frame_shape": [64, 60, 3],
        "model_params.kp_detector_params.num_blocks": 1,
        "model_params.generator_params.dense_motion_params.num_blocks": 1,
    }
    config = tiny_mobile_config(**shallow)
    with pytest.raises(ConfigError, match="must be multiples of 8 for the teacher, is 64x60"):
        FOMMDistillationStep(config, None, teacher)


def test_other_kinds_and_missing_teachers(teacher_dir, pictures, tiny_yaml, tmp_path):
    tiny_monkeynet_config().save(tmp_path / "monkey.yaml")
    shared = ["--data", str(pictures), "--made-frames", "--out", str(tmp_path / "run")]
    with pytest.raises(ConfigError, match="none: no such model folder"):
        distill([*shared, "--teacher", str(tmp_path / "none"), "--config", str(tiny_yaml)])
    monkey = str(tmp_path / "monkey.yaml")
    with pytest.raises(ConfigError, match="a Monkey-Net cannot be distilled"):
        distill([*shared, "--teacher", str(teacher_dir), "--config", monkey])
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_resumed_with_another_teacher(teacher_dir, pictures, tmp_path):
    config = tiny_mobile_config()
    other = save_random_model(tmp_path / "other", tiny_config(), seed=4, gain=2, spread=0.05)
    dataset = FramesDataset(config.dataset_params, root=pictures, stills=True)
    options = RunOptions(tmp_path / "run", steps=1)
    step = FOMMDistillationStep(config, None, fomm_tf.load_model(teacher_dir), True)
    options.out.mkdir()
    write_json(options.out / "run.json", Trainer(config, step, dataset, options)._identity)
    again = Trainer(config, FOMMDistillationStep(config, None, other, True), dataset, options)
    with pytest.raises(ModelError, match="this run was started with teacher = "):
        again.resume()
