"""The mobile networks: shapes, size, what they promise of unmoved pictures, their limits."""

from dataclasses import replace

import numpy as np
import pytest
from commands import ROOT
from fomm.tiny_mobile import tiny_mobile_config
from tiny import tiny_config

import fomm_tf
from export.graphs import build_graphs
from export.products import products
from fomm_tf.errors import ConfigError
from fomm_tf.fomm.exported import ExportedFOMM
from fomm_tf.fomm.model import FirstOrderMotionModel
from fomm_tf.keypoints import Keypoints
from fomm_tf.registry import load_config

# Millions of products at 256 x 256; a frame needs detect and animate.
SIZES = {
    "mobile-small-256": {"detect": 23, "encode": 117, "animate": 399},
    "mobile-256": {"detect": 76, "encode": 280, "animate": 1113},
    "mobile-large-256": {"detect": 277, "encode": 1058, "animate": 4649},
}


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, np.float32)


def detected() -> Keypoints:
    """Any keypoints, with Jacobians that can be inverted."""
    rng = np.random.default_rng(1)
    value = rng.uniform(-0.8, 0.8, (1, 4, 2)).astype(np.float32)
    jacobian = np.eye(2) + rng.uniform(-0.3, 0.3, (1, 4, 2, 2))
    return Keypoints(value, jacobian.astype(np.float32))


@pytest.mark.parametrize("downs", [2, 3])
@pytest.mark.parametrize("blend", [True, False])
def test_shapes_are_those_of_the_signatures(downs, blend):
    config = tiny_mobile_config(
        **{
            "model_params.generator_params.blend_source": blend,
            "model_params.generator_params.num_down_blocks": downs,
        }
    )
    model = FirstOrderMotionModel(config)
    detect, encode, _ = (one for file in ExportedFOMM.signatures(config).values() for one in file)
    picture = noise(1, 64, 64, 3)
    found = model.detect(picture)
    assert [tuple(part.shape) for part in found] == [one.shape for one in detect.outputs]
    encoded = model.encode(picture)
    assert {name: tuple(part.shape) for name, part in encoded.items()} == {
        one.name: one.shape for one in encode.outputs
    }
    out = model.generate(picture, found, found)
    assert out["prediction"].shape == out["deformed"].shape == (1, 64, 64, 3)
    assert out["mask"].shape == (1, 32, 32, 5) and ("visible" in out) == blend
    np.testing.assert_allclose(model.decode(encoded, found, found), out["prediction"], atol=1e-6)


def test_what_does_not_move_stays_as_it_is():
    model = FirstOrderMotionModel(tiny_mobile_config())
    picture, keypoints = noise(1, 64, 64, 3), detected()
    out = model.generate(picture, keypoints, keypoints)
    np.testing.assert_allclose(out["deformed"], picture, atol=1e-4)
    # Untrained it is the source already, but for a little of what is painted.
    assert out["visible"].min() > 0.5
    assert np.abs(out["prediction"] - picture).mean() < 0.1


def test_the_official_resizing_moves_what_does_not_move():
    """The reason for another one: the same keypoints give an enlarged picture there."""
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32)[None, None, :, None], (1, 64, 1, 3))
    out = FirstOrderMotionModel(tiny_config()).generate(ramp, detected(), detected())
    # By nearly half a pixel, of which the ramp has 63.
    assert np.abs(out["deformed"] - ramp)[:, 4:-4, 4:-4].max() > 0.4 / 63


@pytest.mark.parametrize(("name", "expected"), SIZES.items())
def test_products_per_frame(name, expected):
    config = load_config(ROOT / "configs" / f"{name}.yaml")
    # A sixteenth of the picture needs a sixteenth of the products.
    small = replace(config, dataset_params=replace(config.dataset_params, frame_shape=(64, 64, 3)))
    counted = {}
    for _, content in build_graphs(FirstOrderMotionModel(small), small, "float32"):
        counted |= products(content)
    counted["detect"] = counted.pop("main")  # The name of a graph that is alone in its file.
    millions = {name: round(16 * count / 1e6) for name, count in counted.items()}
    assert millions == expected


def test_a_model_folder_keeps_every_weight(tmp_path):
    model = FirstOrderMotionModel(tiny_mobile_config())
    model.save(tmp_path)
    again = fomm_tf.load_model(tmp_path)
    picture = noise(1, 64, 64, 3)
    for old, new in zip(model.detect(picture), again.detect(picture), strict=True):
        np.testing.assert_array_equal(old, new)
    frames = [one.generate(picture, detected(), detected())["prediction"] for one in (model, again)]
    np.testing.assert_array_equal(*frames)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kp_detector_params.pad": 2}, "pad: must be 0"),
        ({"generator_params.num_down_blocks": 1}, "num_down_blocks: must be at least 2"),
        (
            {
                "generator_params.estimate_occlusion_map": False,
                "generator_params.blend_source": False,
            },
            "architecture mobile needs dense_motion_params and estimate_occlusion_map",
        ),
        (
            {"generator_params.dense_motion_params.scale_factor": 1},
            "scale_factor: must be between 1/2 and 1/4",
        ),
        ({"architecture": "tiny"}, "architecture: must be one of 'official', 'mobile'"),
    ],
)
def test_what_mobile_cannot_do_is_told(changes, message):
    with pytest.raises(ConfigError, match=message):
        tiny_mobile_config(**{f"model_params.{key}": value for key, value in changes.items()})
