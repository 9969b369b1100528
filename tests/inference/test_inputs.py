"""Pictures that a caller gives: what is taken, and what is refused with which advice."""

from __future__ import annotations

import numpy as np
import pytest

from fomm_tf.errors import ModelError
from fomm_tf.inference.inputs import picture_batch

GOOD = np.random.default_rng(0).random((2, 6, 8, 3), np.float32)


def test_bytes_are_levels_of_255():
    levels = (GOOD * 255).astype(np.uint8)
    found = picture_batch(levels, 3)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, levels.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_stay_as_they_are(kind):
    found = picture_batch(GOOD.astype(kind), 3)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, GOOD.astype(kind).astype(np.float32))


def test_rounding_is_no_mistake():
    picture_batch(np.array([-1e-4, 1.0001, 0.5], np.float32).reshape(1, 1, 1, 3), 3)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (GOOD * 255, r"\], not .* to .*: divide by 255, or give uint8"),
        (GOOD * 2 - 1, r"must be in \[0, 1\], not -.* to .*: clip or rescale them"),
        (np.where(GOOD > 0.9, np.nan, GOOD), "contain NaN"),
        (np.where(GOOD > 0.9, np.inf, GOOD), r"\], not .* to inf"),
        (GOOD.astype(np.int64), "must be uint8, or float in .*, not int64"),
        (GOOD[0], "add a batch axis"),
        (np.moveaxis(GOOD, -1, 1), "channels come last"),
        (np.moveaxis(GOOD[0], -1, 0), "channels come last"),
        (GOOD[0, ..., 0], "for a greyscale image, np.repeat"),
        (GOOD[..., :2], r"must be \[batch, height, width, 3\], not \[2, 6, 8, 2\]"),
    ],
)
def test_mistakes_are_told_with_what_to_do(images, words):
    with pytest.raises(ModelError, match=words) as caught:
        picture_batch(images, 3, "the source")
    assert str(caught.value).startswith("the source")
