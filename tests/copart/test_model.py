"""The model folder, where its weights may come from, and what the model refuses."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from copart.golden import ROOT, arrays, checkpoint, load
from copart.tiny_copart import save_fomm, tiny_copart_config
from tiny import tiny_config
from torch_files import write_arrays

from fomm_tf.copart import CoPart
from fomm_tf.copart.model import CoPartModel
from fomm_tf.copart.official import dense_motion_params, our_layout
from fomm_tf.copart.reconstruction import visibility
from fomm_tf.copart.segments import Segments
from fomm_tf.copart.step import CoPartTrainingStep
from fomm_tf.errors import ConfigError, ModelError
from fomm_tf.fomm.model import FirstOrderMotionModel
from fomm_tf.inference.loading import load_model, load_official
from fomm_tf.layers.antialias import antialias_kernel
from fomm_tf.registry import load_config
from fomm_tf.training.initial_weights import read_initial_weights
from fomm_tf.weights.state_dict import state_dict
from fomm_tf.weights.torch_checkpoint import read_checkpoint

FOMM_CASE = ROOT / "first-order-supervised"


def modules_of(case: str) -> dict:
    return read_checkpoint(checkpoint(case))


def test_a_saved_model_is_the_same_model(tmp_path):
    model = load("first-order-supervised")
    model.save(tmp_path / "model")
    again = load_model(tmp_path / "model", CoPart())
    assert again.config == model.config
    assert again.dense_motion_network is not None
    source = arrays("first-order-supervised", "inputs")["source"]
    for a, b in zip(model.detect(source), again.detect(source), strict=True):
        np.testing.assert_array_equal(a, b)
    for name, value in state_dict(model.dense_motion_network).items():
        np.testing.assert_array_equal(state_dict(again.dense_motion_network)[name], value)


def test_layouts_have_the_same_names():
    native, published = (our_layout(modules_of(c)) for c in ("taichi", "vox-10segments"))
    heads = [f"{head}.{kind}" for head in ("kp", "jacobian", "semantic_seg") for kind in "wb"]
    for modules in (native, published):
        names = modules["segmentation_module"]
        assert [name for name in names if "." in name and name.split(".")[0] != "predictor"][
            :6
        ] == [head.replace(".w", ".weight").replace(".b", ".bias") for head in heads]
        assert "reconstruction_module" in modules and "generator" not in modules


def test_names_with_the_prefix_of_data_parallel():
    modules = {
        name: {f"module.{key}": value for key, value in entries.items()}
        if isinstance(entries, dict) and name.endswith("module") and "optimizer" not in name
        else entries
        for name, entries in modules_of("taichi").items()
    }
    config = load_config(ROOT / "taichi" / "config.yaml")
    source = arrays("taichi", "inputs")["source"]
    shift = CoPartModel.from_official(config, modules, "file").detect(source).shift
    np.testing.assert_array_equal(shift, load("taichi").detect(source).shift)


def test_sizes_of_a_dense_motion_network_by_its_weights():
    common = {"num_kp": 4, "num_channels": 3, "estimate_jacobian": True}
    for scale, blocks, occlusion in ((0.25, 2, True), (1, 3, False), (0.125, 1, True)):
        sizes = {"block_expansion": 8, "max_features": 32, "num_blocks": blocks}
        generator = {
            "generator_params.dense_motion_params": {**sizes, "scale_factor": scale},
            "generator_params.estimate_occlusion_map": occlusion,
            "common_params": common,
        }
        config = tiny_config(**{f"model_params.{key}": value for key, value in generator.items()})
        network = FirstOrderMotionModel(config).generator.dense_motion_network
        entries = state_dict(network)
        if scale != 1:
            entries["down.weight"] = np.zeros((3, 1, *antialias_kernel(scale).shape))
        found = dense_motion_params(entries)
        assert found.num_blocks == blocks and found.scale_factor == scale
        assert found.estimate_visibility == occlusion
        assert [
            min(found.max_features, found.block_expansion * 2**i) for i in range(blocks + 1)
        ] == [min(32, 8 * 2**i) for i in range(blocks + 1)]


def test_a_fomm_checkpoint_has_no_parts(tmp_path):
    modules = modules_of("first-order-supervised")
    modules["kp_detector"] = {
        name: value
        for name, value in modules["kp_detector"].items()
        if not name.startswith("semantic_seg")
    }
    config = load_config(FOMM_CASE / "config.yaml")
    with pytest.raises(ModelError, match="no segmentation: it is a FOMM checkpoint"):
        CoPartModel.from_official(config, modules, "fomm.pth.tar")
    model = CoPartModel.from_official(config, modules, "fomm.pth.tar", need_segmentation=False)
    whole = load("first-order-supervised")
    ours, theirs = (state_dict(m.segmentation_module) for m in (model, whole))
    for name, value in theirs.items():
        same = np.array_equal(ours[name], value)
        assert same != name.startswith("semantic_seg"), name
    assert model.dense_motion_network is not None


@pytest.fixture(scope="module")
def fomm_folder(tmp_path_factory):
    """A FOMM of the tiny co-part config's sizes."""
    return save_fomm(tmp_path_factory.mktemp("fomm") / "model")


@pytest.mark.parametrize("official", [False, True])
def test_training_starts_from_a_fomm(official, fomm_folder, tmp_path):
    fomm, path = load_model(fomm_folder), fomm_folder
    if official:
        modules = {name: state_dict(network) for name, network in fomm.networks.items()}
        path = write_arrays(tmp_path / "fomm.pth.tar", modules)
    step = CoPartTrainingStep(tiny_copart_config())
    before = state_dict(step.networks["segmentation_module"])
    notice = step.start_from(read_initial_weights(path))
    assert f"{path} is a FOMM" in notice and "segmentation starts from random weights" in notice
    after = state_dict(step.networks["segmentation_module"])
    for name, value in after.items():
        source = before if name.startswith("semantic_seg") else state_dict(fomm.kp_detector)
        np.testing.assert_array_equal(value, source[name], err_msg=name)
    generator = state_dict(fomm.generator)
    for name, value in state_dict(step.networks["reconstruction_module"]).items():
        np.testing.assert_array_equal(value, generator[name], err_msg=name)


def test_training_starts_from_its_own_folder_and_from_official_files(tmp_path):
    model = load("taichi")
    model.save(tmp_path / "model")
    config = load_config(ROOT / "taichi" / "config.yaml")
    config = with_random_vgg(config)
    step = CoPartTrainingStep(config)
    for path in (tmp_path / "model", ROOT / "taichi" / "checkpoint-legacy.pth.tar"):
        assert step.start_from(read_initial_weights(path)) is None
        for module, network in step.networks.items():
            for name, value in state_dict(model.networks[module]).items():
                np.testing.assert_array_equal(state_dict(network)[name], value, err_msg=name)
    with pytest.raises(ModelError, match="no such model folder or checkpoint"):
        read_initial_weights(tmp_path / "nothing")


def with_random_vgg(config):
    return replace(config, train_params=replace(config.train_params, vgg_weights="random"))


def test_a_checkpoint_of_another_config_is_refused():
    config = load_config(ROOT / "no-affine" / "config.yaml")
    common = replace(config.model_params.common_params, estimate_affine_part=True)
    affine = replace(config, model_params=replace(config.model_params, common_params=common))
    no_affine = checkpoint("no-affine")
    for wanted, path, words in (
        (ROOT / "vox-5segments" / "config.yaml", checkpoint("taichi"), "does not fit the config"),
        (affine, no_affine, "it lacks jacobian.weight, jacobian.bias"),
    ):
        with pytest.raises(ModelError, match=words) as caught:
            load_official(wanted, path)
        assert "\n" not in str(caught.value)


def test_what_is_no_co_part_model_is_refused(tmp_path, fomm_folder):
    with pytest.raises(ModelError, match="no such model folder"):
        load_model(tmp_path / "nothing", CoPart())
    with pytest.raises(ModelError, match="it has no config.yaml"):
        load_model(tmp_path, CoPart())
    with pytest.raises(ModelError, match="is a First Order Motion Model, not a co-part"):
        load_model(fomm_folder, CoPart())


def test_wrong_inputs_are_refused():
    model = CoPartModel(tiny_copart_config())
    picture = np.zeros((1, 32, 32, 3), np.float32)
    segments = model.detect(picture)
    for wrong, words in (
        (picture[0], r"\[batch, height, width, 3\]"),
        (picture[..., :1], r"\[batch, height, width, 3\]"),
        (picture + 3, "clip or rescale|divide by 255"),
        (picture[:, :30], "multiples of 8"),
    ):
        with pytest.raises(ModelError, match=words):
            model.detect(wrong)
    for change, words in (
        ({"shift": segments.shift[:, :3]}, "shifts must be"),
        ({"segmentation": segments.segmentation[..., 1:]}, "segmentation must be"),
        ({"affine": None}, "affine transforms of shape"),
    ):
        with pytest.raises(ModelError, match=words):
            model.generate(picture, segments, segments._replace(**change))


@pytest.mark.parametrize(
    ("weights", "name"),
    [
        ({"equivariance": 10, "perceptual": [10, 10]}, "perceptual"),
        ({"equivariance": 10, "perceptual": [], "pixel": 100}, "pixel"),
    ],
)
def test_training_starts_from_the_identity_and_learns(weights, name):
    """A fresh model moves nothing for equal shifts; its losses fall on a batch it sees again."""
    keras.utils.set_random_seed(5)
    step = CoPartTrainingStep(tiny_copart_config(**{"train_params.loss_weights": weights}))
    rng = np.random.default_rng(0)
    source = rng.uniform(size=(2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(
        step.model.detect(source).affine, np.tile(np.eye(2), (2, 4, 1, 1)), atol=1e-5
    )
    batch = {
        "source": source,
        "driving": np.roll(source, 2, axis=2),
        "theta": np.tile(np.eye(2, 3, dtype=np.float32), (2, 1, 1)) * 1.1,
        "control_params": np.zeros((2, 1, 25), np.float32),
    }
    first = step(batch)
    assert list(first) == [name, "equivariance_shift", "equivariance_affine"]
    for _ in range(10):
        last = step(batch)
    assert float(last[name]) < float(first[name])
    assert sum(map(float, last.values())) < sum(map(float, first.values()))


def test_equivariance_alone_leaves_the_reconstruction_as_it_is():
    step = CoPartTrainingStep(tiny_copart_config(**{"train_params.loss_weights.perceptual": []}))
    before = step.networks["reconstruction_module"].final.kernel.numpy()
    picture = np.zeros((2, 32, 32, 3), np.float32)
    theta = np.tile(np.eye(2, 3, dtype=np.float32), (2, 1, 1))
    losses = step({"source": picture, "driving": picture, "theta": theta})
    assert list(losses) == ["equivariance_shift", "equivariance_affine"]
    after = step.networks["reconstruction_module"].final.kernel.numpy()
    np.testing.assert_array_equal(before, after)


def test_a_dense_motion_network_is_not_trained():
    config = load("first-order-supervised").config
    with pytest.raises(ConfigError, match="dense_motion_params: a dense motion network cannot"):
        config.check_trainable()


def test_the_hidden_teach_the_driving_parts_nothing():
    """No gradient goes to the driving frame's parts through the visibility."""
    shares = tf.constant(np.random.default_rng(0).dirichlet(np.ones(3), (1, 4, 4)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(shares)
        visible = visibility(Segments(shares[:, ::-1], None), Segments(shares, None))
    covered = tf.reduce_sum(shares[:, ::-1, :, 1:], axis=-1)
    hidden = shares[..., 0]
    np.testing.assert_allclose(visible[..., 0], 1 - covered * hidden, atol=1e-6)
    gradient = tape.gradient(visible, shares)[:, ::-1]
    np.testing.assert_allclose(gradient[..., 0], 0, atol=1e-6)
    np.testing.assert_allclose(gradient[..., 1], -hidden, atol=1e-6)
