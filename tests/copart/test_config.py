"""Co-part configs: the official files load, mistakes are named in one line."""

from pathlib import Path

import pytest
import yaml
from copart.golden import ROOT
from copart.tiny_copart import tiny_copart_config, tiny_copart_dict

from fomm_tf.config.bases import load_with_bases
from fomm_tf.copart import CoPart
from fomm_tf.copart.config import CoPartConfig
from fomm_tf.errors import ConfigError
from fomm_tf.fomm.config import FOMMConfig
from fomm_tf.registry import load_config

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("copart-*.yaml"))


def test_there_are_all_official_configs_and_one_of_ours():
    assert [path.stem for path in CONFIGS] == [
        "copart-cartoon-faces-10segments",
        "copart-taichi-10segments",
        "copart-vox-10segments",
        "copart-vox-15segments",
        "copart-vox-5segments",
    ]


@pytest.mark.parametrize("path", [*CONFIGS, *ROOT.glob("*/config.yaml")], ids=str)
def test_official_files_load_and_come_back_unchanged(path, tmp_path):
    config = load_config(path)
    assert type(config) is CoPartConfig
    assert config.train_params.lr_segmentation_module == 2e-4
    assert config.dataset_params.frame_shape[2] == 3
    config.save(tmp_path / "again.yaml")
    assert load_config(tmp_path / "again.yaml") == config


def test_the_segment_count_is_the_one_in_the_name():
    for path in CONFIGS:
        common = load_config(path).model_params.common_params
        assert path.stem.endswith(f"-{common.num_segments}segments")


def test_both_spellings_of_the_learning_rates():
    data = tiny_copart_dict()
    train = data["train_params"]
    for name in ("segmentation", "reconstruction"):
        train[f"lr_{name}_module"] = train.pop(f"lr_{name}")
    train["num_workers"] = 6
    assert CoPartConfig.from_dict(data) == tiny_copart_config()
    data["train_params"]["lr_segmentation"] = 1e-4
    with pytest.raises(ConfigError, match="older name of 'lr_segmentation_module'"):
        CoPartConfig.from_dict(data)


def test_kinds_of_configs_are_told_apart():
    recognises = CoPart().recognises
    assert recognises(load_with_bases(CONFIGS[0])[0])
    assert not recognises(load_with_bases(CONFIGS[0].with_name("vox-256.yaml"))[0])
    assert not recognises({}) and not recognises({"model_params": None})
    with pytest.raises(ConfigError, match="num_segments: unknown key"):
        FOMMConfig.from_dict(load_with_bases(CONFIGS[0])[0])


def test_required_multiple_is_the_largest_reduction():
    assert tiny_copart_config().required_multiple == 8
    deep = {"model_params.reconstruction_module_params.num_down_blocks": 5}
    assert tiny_copart_config(**deep).required_multiple == 32
    dense = {"dense_motion_params": {"num_blocks": 2, "scale_factor": 0.125}}
    data = tiny_copart_dict()
    data["model_params"]["reconstruction_module_params"] |= dense
    assert CoPartConfig.from_dict(data).required_multiple == 32


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_params.common_params.num_segments": 0}, "num_segments: must be at least 1"),
        ({"model_params.common_params.num_kp": 10}, "num_kp: unknown key"),
        ({"model_params.common_params.num_channels": 1}, "frame_shape: has 3 channels"),
        ({"dataset_params.image_shape": [36, 32, 3]}, "multiples of 8"),
        ({"model_params.segmentation_module_params.max_features": 4}, "at least block_expansion"),
        ({"train_params.loss_weights.perceptual": [1] * 6}, "at most 5 weights"),
        ({"train_params.transform_params": {"sigma_affine": 0.1, "points_tps": 5}}, "go together"),
        ({"train_params.vgg_weights": ""}, "must not be empty"),
        (
            {"dataset_params.augmentation_params": {"resize_param": {"ratio": [0.9, 1.1]}}},
            "needs crop_param",
        ),
    ],
)
def test_mistakes_are_one_line(changes, words):
    with pytest.raises(ConfigError, match=words) as caught:
        tiny_copart_config(**changes)
    assert "\n" not in str(caught.value)


def test_trainable_needs_pixels_for_vgg():
    config = tiny_copart_config(**{"train_params.scales": [1, 0.03125]})
    with pytest.raises(ConfigError, match="x.yaml: train_params.scales: 0.03125 leaves 1 pixels"):
        config.check_trainable("x.yaml")
    tiny_copart_config().check_trainable()


def test_a_saved_config_is_plain_yaml(tmp_path):
    tiny_copart_config().save(tmp_path / "config.yaml")
    data = yaml.safe_load((tmp_path / "config.yaml").read_text())
    assert data["train_params"]["lr_reconstruction_module"] == 2e-4
    assert data["dataset_params"]["frame_shape"] == [32, 32, 3]
