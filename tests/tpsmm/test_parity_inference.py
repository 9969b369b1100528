"""Inference equals the official PyTorch code, with its weights, under every option."""

from __future__ import annotations

import numpy as np
import pytest
from tpsmm.eager import eagerly
from tpsmm.golden import FOLDER, load_json, official_entries, pictures, raw, state_dicts

from fomm_tf.inference.loading import official_model
from fomm_tf.registry import kind_of, load_config
from fomm_tf.tpsmm.keypoints import SplineKeypoints

CASES = sorted(path.name for path in FOLDER.glob("inference_*"))
# Five times the difference between float32 and float64 inside PyTorch (tests/golden/tpsmm).
TOLERANCE = {
    "keypoints": 2e-5,
    "bg_param": 5e-6,
    "transformations": 1e-3,
    "deformed_source": 2e-3,
    "contribution_maps": 5e-4,
    "deformation": 5e-4,
    "occlusion_map": 5e-4,
    "prediction": 5e-3,
    "deformed": 5e-3,
    "warped_encoder_map": 2e-2,
    "heatmap_representation": 2e-4,
    "down_source": 5e-6,
}
PICTURES = ("deformed_source", "prediction", "deformed")


@pytest.fixture(autouse=True)
def untraced():
    with eagerly():
        yield


def load(case: str):
    """The model of a case, with the weights of its recipe, as from an official checkpoint."""
    config = load_config(FOLDER / case / "config.yaml")
    blank = kind_of(config).model()(config)
    return official_model(config, state_dicts(case, blank.stored_networks), case)


def assert_close(actual, expected, name: str) -> None:
    assert np.shape(actual) == np.shape(expected), name
    atol = TOLERANCE[name]
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol, err_msg=name)
    if name in PICTURES:
        assert np.abs(actual - expected).mean() < atol / 10


def channels_last(name: str, value: np.ndarray) -> np.ndarray:
    return value if name in ("deformation", "transformations") else np.moveaxis(value, -3, -1)


def assert_generated(out, expected) -> None:
    for name, value in expected.items():
        if name.startswith("occlusion_map_"):
            actual = out["occlusion_map"][int(name.rpartition("_")[2])]
            assert_close(actual, channels_last(name, value), "occlusion_map")
        elif name in out:
            assert_close(out[name], channels_last(name, value), name)
        else:
            assert name in ("heatmap_representation", "down_source")


@pytest.mark.parametrize("case", CASES)
def test_networks_equal_the_official_code(case):
    model = load(case)
    source, driving = (pictures(case, "inputs")[role] for role in ("source", "driving"))
    stored = raw(case, "keypoints")
    kp_source, kp_driving = model.detect(source), model.detect_driving(source, driving)
    assert_close(kp_source.value, stored["kp_source"], "keypoints")
    assert_close(kp_driving.value, stored["kp_driving"], "keypoints")
    assert kp_source.background is None
    assert (kp_driving.background is None) == ("bg_param" not in stored)
    if kp_driving.background is not None:
        assert_close(kp_driving.background, stored["bg_param"], "bg_param")

    out = model.generate(source, kp_source, kp_driving)
    expected = raw(case, "dense_motion")
    expected |= {k: v for k, v in raw(case, "inpainting").items() if "encoder_map" not in k}
    assert_generated(out, expected)
    assert_warped_features(model, source, out, raw(case, "inpainting"))
    if (FOLDER / case / "without_bg.npz").exists():
        still = model.generate(source, kp_source, kp_driving._replace(background=None))
        assert_generated(still, raw(case, "without_bg"))


def assert_warped_features(model, source, out, stored) -> None:
    network = model.inpainting_network
    levels = network.encode(source)
    masks = network.masks(levels, out)
    warped = network.warp(levels, out["deformation"], masks)
    for index, features in enumerate(warped):
        features = np.asarray(features)
        name = f"warped_encoder_map_{index}"
        step = 1 if features.shape[2] <= 16 else 4
        some = features[:, ::step, ::step]
        assert_close(some, np.moveaxis(stored[f"{name}_sub"], 1, -1), "warped_encoder_map")
        assert_close(features.mean(axis=(1, 2)), stored[f"{name}_mean"], "warped_encoder_map")


def test_encode_then_decode_equals_the_single_call():
    case = "inference_nonsquare"
    model = load(case)
    source = pictures(case, "inputs")["source"]
    stored = raw(case, "keypoints")
    kp = [SplineKeypoints(stored[f"kp_{role}"]) for role in ("source", "driving")]
    whole = model.generate(source, *kp)["prediction"]
    np.testing.assert_allclose(model.decode(model.encode(source), *kp), whole, rtol=0, atol=1e-6)


def test_what_dense_motion_starts_from():
    case = "inference_vox"
    network = load(case).dense_motion_network
    stored = raw(case, "dense_motion")
    kp = [SplineKeypoints(raw(case, "keypoints")[f"kp_{role}"]) for role in ("source", "driving")]
    heatmaps = network.heatmap_representation(*kp, *stored["deformation"].shape[1:3])
    expected = np.moveaxis(stored["heatmap_representation"], 1, -1)
    assert_close(heatmaps, expected, "heatmap_representation")
    small = network.down(pictures(case, "inputs")["source"])
    assert_close(small, np.moveaxis(stored["down_source"], 1, -1), "down_source")


def test_the_recipe_draws_the_official_weights():
    case = "inference_vox"
    config = load_config(FOLDER / case / "config.yaml")
    networks = kind_of(config).model()(config).stored_networks
    stored = load_json(case, "recipe_check")
    drawn = state_dicts(case, networks)
    for module, rows in stored.items():
        assert list(drawn[module]) == [row[1] for row in rows]
        for _, name, shape, total, *_ in rows:
            value = drawn[module][name]
            assert list(value.shape) == shape
            if name != "down.weight":
                assert abs(value.astype(np.float64).sum() - total) < 1e-3, name
    assert official_entries(networks["kp_detector"])
