"""Part swap equals the official PyTorch code: soft, hard, either mask, first order, supervised."""

import numpy as np
import pytest
import tensorflow as tf
from copart.golden import SWAPS, arrays, assert_close, assert_picture, load, meta, thinned

from fomm_tf.copart.part_swap import PartSwap

# Five times the difference between float32 and float64 inside PyTorch.
FRAMES, MASK = 2e-3, 2e-5
CASES = [(case, swap["index"]) for case in SWAPS for swap in meta(case)["swaps"]]


def face_parser(stored):
    """The recorded stand-in: scores of 19 classes by a 1x1 convolution."""
    weight, bias = stored["face_parser.weight"][:, :, 0, 0].T, stored["face_parser.bias"]

    def parse(images):
        assert images.shape[1:] == (512, 512, 3)
        return tf.tensordot(images, weight, 1) + bias

    return parse


def make_swap(model, stored, options, **changes) -> PartSwap:
    given = {
        "hard": options["hard"],
        "use_source_segmentation": options["use_source_segmentation"],
        "first_order": options["first_order_motion_model"],
        "face_parser": face_parser(stored) if options["supervised_parser"] else None,
        "blend_scale": options["blend_scale"],
    }
    source = stored["source_image"][None]
    return PartSwap(model, source, options["swap_index"], **(given | changes))


@pytest.mark.parametrize(("case", "index"), CASES)
def test_swap(case, index):
    model, stored = load(case), arrays(case, "part_swap")
    options = meta(case)["swaps"][index]
    swap = make_swap(model, stored, options)
    video = stored["target_video"]
    frames = np.concatenate([swap(frame[None]).prediction for frame in video])
    assert_picture(thinned(frames), stored[f"swap{index}.predictions"], FRAMES, "predictions")
    mask = stored.get(f"swap{index}.blend_mask_soft")
    if mask is not None:
        images = stored["source_image"][None] if options["use_source_segmentation"] else video
        actual = swap.soft_mask(tf.constant(images), model.detect(images))
        assert_close(actual, mask, MASK, "blend_mask_soft")


@pytest.mark.parametrize(("case", "index"), [("first-order-supervised", 0), ("taichi", 0)])
def test_the_fitting_blend_scale_is_the_official_one(case, index):
    model, stored = load(case), arrays(case, "part_swap")
    options = meta(case)["swaps"][index]
    frame = stored["target_video"][:1]
    given, fitting = (
        make_swap(model, stored, options, **changes)(frame).prediction
        for changes in ({}, {"blend_scale": None})
    )
    np.testing.assert_array_equal(given, fitting)
