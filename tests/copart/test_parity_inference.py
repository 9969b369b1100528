"""Inference equals the official PyTorch code, with its checkpoints, under every option."""

import numpy as np
import pytest
from copart.golden import INFERENCE, ROOT, arrays, assert_close, assert_picture, load, thinned

from fomm_tf.copart.landmarks import part_centers

# Five times the difference between float32 and float64 inside PyTorch.
TOLERANCE = {
    "segmentation": 2e-5,
    "shift": 5e-5,
    "affine": 2e-5,
    "segment_motions": 5e-5,
    "deformation": 2e-5,
    "visibility_maps": 1e-5,
    "downsampled_source": 5e-6,
    "deformed": 5e-4,
    "prediction": 2e-4,
    "first_order.deformation": 5e-6,
    "first_order.mask": 1e-5,
    "first_order.sparse_deformed": 1e-5,
    "first_order.visibility": 5e-6,
}
PICTURES = ("deformed", "prediction")


@pytest.mark.parametrize("case", INFERENCE)
def test_segmentation_and_reconstruction(case):
    model = load(case)
    inputs, expected = arrays(case, "inputs"), arrays(case, "outputs")
    segments = {}
    for role in ("source", "target"):
        segments[role] = found = model.detect(inputs[role])
        stored = {n: expected.pop(f"seg_{role}.{n}", None) for n in found._fields}
        assert (found.affine is None) == (stored["affine"] is None)
        for name, value in stored.items():
            if value is not None:
                assert_close(getattr(found, name), value, TOLERANCE[name], name)

    out = model.generate(inputs["source"], segments["source"], segments["target"])
    reduced = expected.pop("downsampled_source", inputs["source"])
    down = model.segmentation_module.down(inputs["source"])
    assert_close(down, reduced, TOLERANCE["downsampled_source"], "downsampled_source")
    assert set(out) == set(expected)
    for name, value in expected.items():
        if name in PICTURES:
            assert_picture(thinned(out[name]), value, TOLERANCE[name], name)
        else:
            assert_close(out[name], value, TOLERANCE[name], name)


@pytest.mark.parametrize("case", INFERENCE)
def test_encode_then_decode_equals_the_single_call(case):
    model = load(case)
    inputs = arrays(case, "inputs")
    segments = [model.detect(inputs[role]) for role in ("source", "target")]
    whole = model.generate(inputs["source"], *segments)
    frame = model.decode(model.encode(inputs["source"]), *segments)
    np.testing.assert_allclose(frame, whole["prediction"], rtol=0, atol=1e-6)


def test_both_serializations_hold_the_same_network():
    source = arrays("taichi", "inputs")["source"]
    new, old = (
        load("taichi", ROOT / "taichi" / name).detect(source)
        for name in ("checkpoint.pth.tar", "checkpoint-legacy.pth.tar")
    )
    for a, b in zip(new, old, strict=True):
        np.testing.assert_array_equal(a, b)


def test_evaluation_centers():
    source = arrays("vox-5segments", "inputs")["source"]
    segmentation = load("vox-5segments").detect(source).segmentation
    stored = arrays("vox-5segments", "evaluation_centers")["centers"]
    assert_close(part_centers(segmentation, *source.shape[1:3]), stored, 2e-4, "centers")


def test_first_order_motion():
    """The dense motion network of the checkpoint, its sizes told by its weights alone."""
    case = "first-order-supervised"
    model, inputs = load(case), arrays(case, "inputs")
    source, target = (model.detect(inputs[role]).keypoints for role in ("source", "target"))
    network = model.dense_motion_network
    out = network(network.down(inputs["source"]), source, target)
    out["visibility"] = out.pop("occlusion_map")
    stored = arrays(case, "first_order")
    assert {f"first_order.{name}" for name in out} == set(stored)
    for name, value in out.items():
        name = f"first_order.{name}"
        assert_close(value, stored[name], TOLERANCE[name], name)
