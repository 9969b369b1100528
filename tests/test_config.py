"""The official schema: what loads, what is refused, and in which words."""

from __future__ import annotations

import copy
import dataclasses
import time
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import yaml
from tiny import tiny_config

from fomm_tf.config.bases import load_with_bases
from fomm_tf.config.sections import VideoSuffix
from fomm_tf.copart.config import CoPartConfig
from fomm_tf.errors import ConfigError
from fomm_tf.fomm.config import FOMMConfig
from fomm_tf.media.colormaps import COLORMAPS
from fomm_tf.media.video_writer import VideoWriter
from fomm_tf.monkeynet.config import MonkeyNetConfig
from fomm_tf.registry import kind_of, load_config
from fomm_tf.tpsmm.config import TPSMMConfig

TESTS = Path(__file__).parent


def of_fomm(paths):
    """Those that are for the First Order Motion Model."""
    return [path for path in sorted(paths) if type(load_config(path)) is FOMMConfig]


BUNDLED = sorted((TESTS.parent / "configs").glob("*.yaml"))
CONFIGS = of_fomm(BUNDLED)
GOLDEN = of_fomm((TESTS / "golden" / "fomm").glob("**/config.yaml"))
VOX = TESTS.parent / "configs" / "vox-256.yaml"
VOX_DATA, _ = load_with_bases(VOX)

DETECTOR = "model_params.kp_detector_params"
GENERATOR = "model_params.generator_params"
DENSE = GENERATOR + ".dense_motion_params"
DISCRIMINATOR = "model_params.discriminator_params"
WEIGHTS = "train_params.loss_weights"
AUGMENTATION = "dataset_params.augmentation_params"
REMOVED = object()


def changed(**changes):
    """The vox-256 data with dotted keys (dots written as __) set, or removed."""
    data = copy.deepcopy(VOX_DATA)
    for key, value in changes.items():
        *groups, last = key.split("__")
        place = data
        for group in groups:
            place = place[group]
        if value is REMOVED:
            del place[last]
        else:
            place[last] = value
    return data


def dotted(path, value):
    return changed(**{path.replace(".", "__"): value})


@pytest.mark.parametrize("path", CONFIGS + GOLDEN, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_every_config_loads_and_round_trips(path, tmp_path):
    config = load_config(path)
    data = yaml.safe_load(path.read_text())
    assert config.to_dict() == (load_with_bases(path)[0] if "base" in data else data)
    config.save(tmp_path / "config.yaml")
    again = load_config(tmp_path / "config.yaml")
    assert again == config
    assert again.to_dict() == config.to_dict()


@pytest.mark.parametrize("path", BUNDLED, ids=lambda p: p.name)
def test_a_config_names_its_kind(path):
    classes = {"copart": CoPartConfig, "monkeynet": MonkeyNetConfig, "tpsmm": TPSMMConfig}
    expected = classes.get(path.name.partition("-")[0], FOMMConfig)
    config = load_config(path)
    assert type(config) is expected
    assert kind_of(config).config() is expected


@pytest.mark.parametrize("path", BUNDLED, ids=lambda p: p.name)
def test_bundled_configs_are_trainable_and_name_their_command(path):
    load_config(path).check_trainable()
    assert f"--config configs/{path.name}" in path.read_text()


def test_typed_values():
    config = load_config(VOX)
    assert config.dataset_params.frame_shape == (256, 256, 3)
    assert config.model_params.generator_params.dense_motion_params.num_blocks == 5
    assert config.model_params.kp_detector_params.pad == 0
    assert config.train_params.lr_generator == 2e-4
    assert config.train_params.scales == (1.0, 0.5, 0.25, 0.125)
    assert type(config.train_params.scales[0]) is float
    assert config.train_params.vgg_weights == "imagenet"
    assert config.train_params.loss_weights.pixel == 0
    assert config.dataset_params.augmentation_params.crop_param is None


def test_saved_file_keeps_the_order_and_adds_nothing(tmp_path):
    load_config(VOX).save(tmp_path / "c.yaml")
    text = (tmp_path / "c.yaml").read_text()
    assert "scales: [1, 0.5, 0.25, 0.125]" in text
    for absent in ("pixel", "vgg_weights", "pad:", "null", "kp_variance"):
        assert absent not in text
    assert list(yaml.safe_load(text)["train_params"]) == list(VOX_DATA["train_params"])


def test_own_keys_are_saved_when_set():
    config = load_config(VOX)
    weights = dataclasses.replace(config.train_params.loss_weights, pixel=3.0)
    train = dataclasses.replace(config.train_params, loss_weights=weights, vgg_weights="random")
    data = dataclasses.replace(config, train_params=train).to_dict()
    assert data["train_params"]["loss_weights"]["pixel"] == 3
    assert data["train_params"]["vgg_weights"] == "random"
    assert FOMMConfig.from_dict(data).train_params == train


def test_older_keys():
    data = changed(train_params__crop=True, dataset_params__frame_shape=REMOVED)
    data["dataset_params"]["image_shape"] = [128, 256, 3]
    config = FOMMConfig.from_dict(data)
    assert config.dataset_params.frame_shape == (128, 256, 3)
    assert config.to_dict()["dataset_params"]["frame_shape"] == [128, 256, 3]


@pytest.mark.parametrize("text", ["2e-4", "2E-4", "2.0e-4", "0.0002", "+2e-04"])
def test_numbers_with_exponents(tmp_path, text):
    path = tmp_path / "c.yaml"
    load_config(VOX).save(path)
    before, after = path.read_text().split("lr_generator: 0.0002\n")
    path.write_text(f"{before}lr_generator: {text}\n{after}")
    assert load_config(path).train_params.lr_generator == 2e-4


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("reconstruction_params.num_videos", None),
        (f"{GENERATOR}.dense_motion_params", None),
        (f"{AUGMENTATION}.rotation_param", {"degrees": 10}),
        (f"{AUGMENTATION}.rotation_param", {"degrees": [-5, 20]}),
        (f"{AUGMENTATION}.crop_param", {"size": 256}),
        ("dataset_params.augmentation_params", {}),
        ("train_params.lr_kp_detector", 0),
        ("train_params.epoch_milestones", []),
        (f"{WEIGHTS}.perceptual", []),
    ],
)
def test_other_official_forms(path, value):
    data = dotted(path, value)
    if value is None and path.startswith("model"):
        data["model_params"]["generator_params"]["estimate_occlusion_map"] = False
    config = FOMMConfig.from_dict(data)
    assert config.to_dict() == data


def test_no_discriminator_without_gan():
    config = FOMMConfig.from_dict(dotted(DISCRIMINATOR, REMOVED))
    assert config.model_params.discriminator_params is None
    assert "discriminator_params" not in config.to_dict()["model_params"]


def test_required_multiple():
    assert load_config(VOX).required_multiple == 4 << 5
    shallow = changed(
        model_params__kp_detector_params__num_blocks=1,
        model_params__generator_params__dense_motion_params=None,
        model_params__generator_params__estimate_occlusion_map=False,
        model_params__generator_params__num_down_blocks=4,
    )
    assert FOMMConfig.from_dict(shallow).required_multiple == 16


BAD_VALUES = [
    ("model_params.common_params.num_kps", 10, "nearest known one is 'num_kp'"),
    (f"{DETECTOR}.temprature", 0.1, "nearest known one is 'temperature'"),
    ("modelparams", {}, "nearest known one is 'model_params'"),
    ("train_params.batch_size", REMOVED, "required, but missing"),
    (f"{WEIGHTS}.perceptual", REMOVED, "required, but missing"),
    (DETECTOR, REMOVED, "required, but missing"),
    ("train_params.batch_size", "many", "must be a whole number, is 'many'"),
    ("train_params.batch_size", True, "must be a whole number, is true"),
    ("train_params.batch_size", 2.5, "must be a whole number, is 2.5"),
    ("train_params.batch_size", None, "must be a whole number, is empty (null)"),
    ("train_params.batch_size", 0, "must be at least 1, is 0"),
    ("train_params.batch_size", 10**400, "must be at most 4096"),
    ("train_params.lr_generator", "abc", "must be a number, is 'abc'"),
    ("train_params.lr_generator", False, "must be a number, is false"),
    ("train_params.lr_generator", float("nan"), "must be a finite number"),
    ("train_params.lr_generator", 10**400, "must be a number"),
    ("train_params.lr_generator", -1e-4, "must be at least 0"),
    ("train_params.epoch_milestones", [9, 6], "must be ascending"),
    ("train_params.scales", [], "must not be empty"),
    ("train_params.scales", [1, 1], "must not repeat"),
    ("train_params.scales", [1, 0.7], "train_params.scales[1]: must be 1 or 1/n for an"),
    ("train_params.scales", 1, "must be a list, is 1"),
    ("train_params.vgg_weights", 5, "must be text"),
    (f"{DETECTOR}.temperature", 0, "must be more than 0"),
    (f"{DETECTOR}.block_expansion", 5000, "must be at most 4096"),
    (f"{DETECTOR}.scale_factor", 0, "must be 1 or 1/n for an integer n"),
    (f"{DETECTOR}.scale_factor", -2, "must be 1 or 1/n for an integer n"),
    (f"{DETECTOR}.num_blocks", 0, "must be at least 1"),
    (f"{DETECTOR}.pad", -1, "must be at least 0"),
    (f"{DETECTOR}.max_features", 16, "must be at least block_expansion (32)"),
    (f"{DETECTOR}.single_jacobian_map", "yes", "must be true or false, is 'yes'"),
    (f"{DENSE}.kp_variance", 0, "must be more than 0"),
    (DENSE, 5, "must be a group of keys, is 5"),
    (DENSE, None, "needs dense_motion_params"),
    (f"{DISCRIMINATOR}.num_kp", 10, "unknown key"),
    ("dataset_params.frame_shape", [256, 256], "must be a list of 3, has 2"),
    ("dataset_params.frame_shape", [256, "256", 3], "frame_shape[1]: must be a whole number"),
    ("dataset_params.frame_shape", [100, 256, 3], "must be multiples of 128"),
    ("dataset_params.frame_shape", [256, 256, 1], "num_channels is 3"),
    ("dataset_params.root_dir", "", "must not be empty"),
    ("dataset_params.image_shape", [256, 256, 3], "older name of 'frame_shape'"),
    (f"{AUGMENTATION}.resize_param", {"ratio": [0.9, 1.1]}, "needs crop_param"),
    (f"{AUGMENTATION}.crop_param", {"size": [256]}, "must be a list of 2, has 1"),
    (f"{AUGMENTATION}.crop_param", {"size": "all"}, "must be a whole number"),
    (f"{AUGMENTATION}.jitter_param", {"hue": 0.7}, "must be at most 0.5"),
    (f"{AUGMENTATION}.rotation_param", {"degrees": [20, 5]}, "must be [low, high]"),
    ("train_params.transform_params.points_tps", REMOVED, "go together"),
    ("train_params.transform_params.points_tps", 1, "must be at least 2"),
    ("model_params.common_params.estimate_jacobian", False, "equivariance_jacobian"),
    (f"{WEIGHTS}.perceptual", [1] * 6, "at most 5"),
    (f"{WEIGHTS}.generator_gan", -1, "must be at least 0"),
    ("animate_params.format", "mp4", "must be one of '.mp4', '.gif', is 'mp4'"),
    ("animate_params.format", ".webm", "must be one of '.mp4', '.gif', is '.webm'"),
    ("reconstruction_params.format", ".avi", "must be one of '.mp4', '.gif', is '.avi'"),
    ("visualizer_params.colormap", "gist_rainbw", "must be one of 'gist_rainbow', 'hsv'"),
    ("visualizer_params.colormap", 5, "must be text, is 5"),
    ("animate_params.normalization_params.use_relative_movement", 1, "must be true or false"),
    ("visualizer_params", [], "must be a group of keys, is []"),
]


@pytest.mark.parametrize(("path", "value", "message"), BAD_VALUES)
def test_bad_values_are_named(path, value, message):
    with pytest.raises(ConfigError) as caught:
        FOMMConfig.from_dict(dotted(path, value), "my.yaml")
    text = str(caught.value)
    assert text.startswith("my.yaml: ")
    assert message in text
    assert "\n" not in text and len(text) < 300
    if path not in text:  # a contradiction may be told at its other end
        assert "needs" in text or "go together" in text


@pytest.mark.parametrize("name", COLORMAPS)
def test_every_colormap_is_known(name):
    data = dotted("visualizer_params.colormap", name)
    assert FOMMConfig.from_dict(data).visualizer_params.colormap == name


@pytest.mark.parametrize("suffix", get_args(VideoSuffix))
def test_formats_are_those_that_can_be_written(suffix, tmp_path):
    with VideoWriter(tmp_path / f"video{suffix}", 25) as writer:
        writer.write(np.zeros((16, 16, 3), np.uint8))
    for path in ("animate_params.format", "reconstruction_params.format"):
        FOMMConfig.from_dict(dotted(path, suffix))


def test_single_jacobian_map_needs_jacobians():
    data = changed(
        model_params__kp_detector_params__single_jacobian_map=True,
        model_params__common_params__estimate_jacobian=False,
        train_params__loss_weights__equivariance_jacobian=0,
    )
    with pytest.raises(ConfigError, match="single_jacobian_map: needs"):
        FOMMConfig.from_dict(data)


def test_heatmap_needs_room():
    shallow = {"num_blocks": 1, "scale_factor": 0.125}
    data = changed(dataset_params__frame_shape=[64, 64, 3])
    data["model_params"]["kp_detector_params"].update(num_blocks=3)
    data["model_params"]["generator_params"]["dense_motion_params"].update(shallow)
    data["model_params"]["kp_detector_params"].update(pad=0, **shallow)
    FOMMConfig.from_dict(data)
    data["dataset_params"]["frame_shape"] = [48, 64, 3]
    with pytest.raises(ConfigError, match="heatmap of less than 2 pixels"):
        FOMMConfig.from_dict(data)


GAN_ERRORS = [
    (DISCRIMINATOR, REMOVED, "needs model_params.discriminator_params"),
    (f"{WEIGHTS}.discriminator_gan", 0, "discriminator_gan: must be more than 0"),
    (f"{DISCRIMINATOR}.scales", [1, 0.0625], "0.0625 is not among train_params.scales"),
    (f"{WEIGHTS}.feature_matching", [10, 10], "feature_matching: needs 4 weights"),
]


@pytest.mark.parametrize(("path", "value", "message"), GAN_ERRORS)
def test_gan_contradictions_only_where_the_gan_is_used(path, value, message):
    data = dotted(path, value)
    FOMMConfig.from_dict(data)
    data["train_params"]["loss_weights"]["generator_gan"] = 1
    with pytest.raises(ConfigError, match=message):
        FOMMConfig.from_dict(data)


def test_feature_matching_may_be_off_or_long():
    for weights in ([], [0], [10] * 9):
        data = dotted(f"{WEIGHTS}.feature_matching", weights)
        data["train_params"]["loss_weights"]["generator_gan"] = 1
        FOMMConfig.from_dict(data)


def small_frames(**changes):
    data = changed(dataset_params__frame_shape=[32, 64, 3], **changes)
    data["model_params"]["kp_detector_params"].update(num_blocks=2, scale_factor=0.5)
    data["model_params"]["generator_params"]["dense_motion_params"]["num_blocks"] = 2
    return data


def test_trainable_needs_pixels_for_vgg():
    config = FOMMConfig.from_dict(small_frames(train_params__scales=[1, 0.25]))
    with pytest.raises(ConfigError, match=r"x.yaml: train_params.scales: 0.25 leaves 8 pixels"):
        config.check_trainable("x.yaml")
    data = small_frames(train_params__scales=[1, 0.25])
    data["train_params"]["loss_weights"]["perceptual"] = [10, 10, 10, 10]
    FOMMConfig.from_dict(data).check_trainable()


def test_trainable_needs_pixels_for_the_discriminator():
    data = small_frames(train_params__scales=[1])
    data["train_params"]["loss_weights"]["generator_gan"] = 1
    with pytest.raises(ConfigError, match="4 blocks are too many for frames of 32x64"):
        FOMMConfig.from_dict(data).check_trainable()
    data["model_params"]["discriminator_params"]["num_blocks"] = 3
    FOMMConfig.from_dict(data).check_trainable()


BOMB = b"a: &a [1,1]\n" + b"".join(
    b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(98, 120)
)
MERGE_BOMB = b"a: &a {k: 1}\n" + b"".join(
    b"%c: &%c {<<: [%s]}\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(98, 120)
)
BAD_FILES = [
    (b"", "must be a group of keys, is empty"),
    (b"- 1\n- 2\n", "must be a group of keys, is [1, 2]"),
    (b"just words", "must be a group of keys, is 'just words'"),
    (b"a: [1, 2\nb: 3\n", "line 2: broken YAML"),
    (b"a: 1\n---\nb: 2\n", "broken YAML"),
    (b"a: 1\n b: 2\n", "broken YAML"),
    (b"train_params: {}\ntrain_params: {}\n", "line 2: broken YAML: the key 'train_params'"),
    (b"\x89PNG\r\n\x1a\n\xff\xfe\x00", "not UTF-8 text"),
    (b"\x00\x01\x02", "broken YAML"),
    (b"# " + b"x" * (1 << 20), "over 1 MiB"),
    (b"!!python/object/apply:os.system ['exit 1']", "broken YAML"),
    (b"a: " + b"9" * 10_000, "broken YAML"),
    (b"a: 2020-13-45", "broken YAML"),
    (b"? [1]\n: 2\n", "broken YAML"),
    (b"[" * 50_000, "broken YAML"),
    (BOMB, "aliases are not allowed"),
    (MERGE_BOMB, "aliases are not allowed"),
    (b"a: &a [*a]", "aliases are not allowed"),
    (b"1: 2\n", "1: unknown key"),
    (b"? " + b"k" * 5000 + b"\n: 2\n", "unknown key"),
]


@pytest.mark.parametrize(("content", "message"), BAD_FILES, ids=range(len(BAD_FILES)))
def test_bad_files_give_one_line(tmp_path, content, message):
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    # Of the processor, which other work on the machine does not change.
    started = time.process_time()
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    text = str(caught.value)
    assert message in text
    assert text.startswith(str(path))
    assert "\n" not in text and len(text) < len(str(path)) + 250
    assert time.process_time() - started < 5


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_config(tmp_path / "none.yaml")
    with pytest.raises(IsADirectoryError):
        load_config(tmp_path)


def test_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("old")
    config = load_config(VOX)
    broken = dataclasses.replace(config, dataset_params=object())
    with pytest.raises(yaml.YAMLError):
        broken.save(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_blending_needs_an_occlusion_map():
    path = "model_params.generator_params"
    with pytest.raises(ConfigError, match="blend_source: needs estimate_occlusion_map"):
        tiny_config(**{f"{path}.blend_source": True, f"{path}.estimate_occlusion_map": False})
