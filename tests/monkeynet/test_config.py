"""Monkey-Net configs: the official files load, mistakes are named in one line."""

from pathlib import Path

import pytest
import yaml
from monkeynet.golden import ROOT

from fomm_tf.config.bases import load_with_bases
from fomm_tf.errors import ConfigError
from fomm_tf.monkeynet import MonkeyNet
from fomm_tf.monkeynet.config import MonkeyNetConfig
from fomm_tf.registry import load_config

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("monkeynet-*.yaml"))
GOLDEN = sorted(ROOT.glob("*/config.yaml"))
VOX = next(path for path in CONFIGS if path.stem == "monkeynet-vox")


def changed(changes: dict) -> dict:
    """The vox config as a dict, with values set by their dotted path; None removes a key."""
    data, _ = load_with_bases(VOX)
    for path, value in changes.items():
        *parents, key = path.split(".")
        group = data
        for parent in parents:
            group = group[parent]
        group[key] = value
        if value is None:
            del group[key]
    return data


def test_there_are_all_official_configs_and_a_small_one():
    official = {"actions", "bair", "moving-gif", "nemo", "shapes", "taichi", "vox", "vox-full"}
    assert {path.stem.removeprefix("monkeynet-") for path in CONFIGS} == official | {"actions-64"}


@pytest.mark.parametrize("path", CONFIGS + GOLDEN, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_every_config_loads_and_round_trips(path, tmp_path):
    config = load_config(path)
    written = yaml.safe_load(path.read_text())
    if "base" in written:
        written, _ = load_with_bases(path)
    dataset = written["dataset_params"]
    dataset["frame_shape"] = dataset.pop("image_shape")
    assert config.to_dict() == written
    config.save(tmp_path / "config.yaml")
    assert load_config(tmp_path / "config.yaml") == config


def test_typed_values():
    config = load_config(VOX)
    generator = config.model_params.generator_params
    assert config.model_params.common_params.kp_variance == "matrix"
    assert generator.dense_motion_params.mask_embedding_params.norm_const == 100
    assert generator.interpolation_mode == "trilinear"
    assert config.train_params.loss_weights.layers == (10, 10, 10, 10, 1)
    assert config.train_params.learning_rate("kp_detector") == config.train_params.lr == 2e-4
    assert max(one.downsampling for one in config.model_params.networks().values()) == 128


@pytest.mark.parametrize(("value", "variance"), [(0.01, 0.01), (1, 1), ("single", "single")])
def test_a_variance_is_a_word_or_a_number(value, variance):
    path = "model_params.common_params.kp_variance"
    config = MonkeyNetConfig.from_dict(changed({path: value}))
    assert config.model_params.common_params.kp_variance == variance
    assert config.to_dict()["model_params"]["common_params"]["kp_variance"] == value


def test_defaults_are_the_official_ones():
    embedding = "model_params.discriminator_params.kp_embedding_params"
    data = changed({embedding: {}, "dataset_params.image_shape": None})
    data["model_params"]["generator_params"]["interpolation_mode"] = "nearest"
    data["model_params"]["generator_params"]["num_blocks"] = 5
    for group in ("kp_detector_params", "generator_params"):
        data["model_params"][group].pop("scale_factor", None)
    data["model_params"]["generator_params"]["dense_motion_params"].pop("scale_factor")
    config = MonkeyNetConfig.from_dict(data)
    params = config.model_params.discriminator_params.kp_embedding_params
    assert (params.heatmap_type, params.norm_const, params.use_heatmap) == ("gaussian", "sum", True)
    assert config.dataset_params.frame_shape == (64, 64, 3)
    assert config.model_params.generator_params.dense_motion_params.bg_init == 2


def test_kinds_of_configs_are_told_apart():
    assert all(MonkeyNet().recognises(load_with_bases(path)[0]) for path in CONFIGS + GOLDEN)
    assert not MonkeyNet().recognises(load_with_bases(VOX.with_name("vox-256.yaml"))[0])
    assert not MonkeyNet().recognises({}) and not MonkeyNet().recognises({"model_params": None})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "fomm"}, "model: must be one of 'monkey-net'"),
        ({"model_params.common_params.kp_variance": "matrices"}, "kp_variance: must be 'matrix'"),
        ({"model_params.common_params.kp_variance": 0}, "kp_variance: must be more than 0"),
        (
            {"model_params.common_params.kp_variance": True},
            "kp_variance: must be 'matrix', 'single' or a number",
        ),
        ({"model_params.discriminator_params.kp_embedding_params": {"norm": 1}}, "'norm_const'"),
        ({"model_params.generator_params.interpolation_mode": "area"}, "interpolation_mode: must"),
        ({"dataset_params.image_shape": [192, 192, 3]}, "multiples of 128"),
        ({"model_params.kp_detector_params.max_features": 8}, "at least block_expansion"),
        (
            {"model_params.generator_params.kp_embedding_params": {"use_heatmap": False}},
            "kp_embedding_params.use_heatmap: this embedding is empty",
        ),
        (
            {"model_params.discriminator_params.kp_embedding_params": {"scale_factor": 0.5}},
            "scale_factor: must be 1 here",
        ),
        (
            {
                "model_params.generator_params.dense_motion_params.use_mask": False,
                "model_params.generator_params.dense_motion_params.use_correction": False,
            },
            "use_mask: .* no motion",
        ),
        ({"train_params.loss_weights.reconstruction": [10, 10]}, "needs 5 weights"),
        ({"train_params.loss_weights.reconstruction": 3}, "reconstruction: must be at most 0"),
        ({"prediction_params.init_frames": 32}, "leaves nothing to predict"),
        (
            {
                "model_params.common_params.kp_variance": "single",
                "transfer_params.normalization_params.adapt_variance": True,
            },
            "adapt_variance: needs .* 'matrix'",
        ),
    ],
)
def test_mistakes_are_named(changes, words):
    with pytest.raises(ConfigError, match=words) as caught:
        MonkeyNetConfig.from_dict(changed(changes), "my.yaml")
    assert str(caught.value).startswith("my.yaml: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_params.common_params.num_channels": 1}, "frame_shape: has 3 channels"),
        ({"model_params.discriminator_params.num_blocks": 8}, "are too many for frames of 256x256"),
        (
            {
                "train_params.loss_weights.reconstruction": 0,
                "train_params.loss_weights.generator_gan": 0,
            },
            "nothing is left to learn",
        ),
    ],
)
def test_what_only_training_cannot_do(changes, words):
    data = changed({"train_params.loss_weights.reconstruction": [10] * 9} | changes)
    with pytest.raises(ConfigError, match=words):
        MonkeyNetConfig.from_dict(data).check_trainable()
