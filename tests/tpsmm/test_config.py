"""Official YAML files load unchanged; mistakes are told in one line that names the key."""

from __future__ import annotations

import pytest
import yaml
from tpsmm.golden import FOLDER, load_json
from tpsmm.tiny_tpsmm import tiny_config, tiny_dict

from fomm_tf.errors import ConfigError
from fomm_tf.registry import kind_of, load_config, parse_config
from fomm_tf.tpsmm import TPSMM

CONFIGS = FOLDER.parents[2] / "configs"


@pytest.mark.parametrize("name", ["vox-256", "taichi-256", "ted-384", "mgif-256"])
def test_published_configurations(name):
    config = load_config(CONFIGS / f"tpsmm-{name}.yaml")
    assert isinstance(kind_of(config), TPSMM)
    config.check_trainable()
    assert config.model_params.common_params.bg == (name != "mgif-256")
    assert config.dataset_params.frame_shape[0] == int(name[-3:])


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*/config.yaml")), ids=lambda p: p.parent.name)
def test_official_files(path):
    config = load_config(path)
    assert config.KIND == "Thin-Plate-Spline Motion Model"


def test_no_frame_shape_is_the_official_demos():
    data = tiny_dict()
    data["dataset_params"]["frame_shape"] = None
    assert parse_config(data, "x").dataset_params.frame_shape == (256, 256, 3)
    del data["dataset_params"]["frame_shape"]
    assert parse_config(data, "x").dataset_params.frame_shape == (256, 256, 3)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("model_params.generator_params.num_down_blocks", 2, "num_down_blocks: must be 3"),
        ("model_params.dense_motion_params.num_blocks", 1, "num_blocks: must be at least 2"),
        ("model_params.dense_motion_params.scale_factor", 0.0625, "scale_factor: must be 1, 0.5"),
        ("dataset_params.frame_shape", [40, 32, 3], "must be multiples of 16"),
        ("train_avd_params.batch_size", 1, "batch_size: must be at least 2"),
    ],
)
def test_what_does_not_fit(path, value, message):
    with pytest.raises(ConfigError, match=message):
        tiny_config(**{path: value})


def test_what_cannot_be_trained_still_loads():
    config = tiny_config(**{"model_params.common_params.multi_mask": False})
    with pytest.raises(ConfigError, match="warp_loss: needs model_params.common_params.multi_mask"):
        config.check_trainable()
    config = tiny_config(**{"train_params.loss_weights.pixel": 0})
    with pytest.raises(ConfigError, match="nothing compares frames"):
        config.check_trainable()


def test_a_file_survives_saving(tmp_path):
    config = tiny_config()
    config.save(tmp_path / "config.yaml")
    assert load_config(tmp_path / "config.yaml") == config
    assert yaml.safe_load((tmp_path / "config.yaml").read_text())["train_avd_params"]


def test_dropout_grows_and_ends():
    train = load_config(FOLDER / "training_vox" / "config.yaml").train_params
    for epoch, probability in load_json("training_vox", "losses")["dropout_p"].items():
        assert train.dropout(int(epoch)) == pytest.approx(probability or 0.0)
    assert train.dropout(0) == pytest.approx(0.1)
