"""Pictures with their parts in colour."""

import numpy as np

from fomm_tf.copart.pictures import paint_parts, part_labels
from fomm_tf.media.colormaps import colors


def halves() -> np.ndarray:
    """Background above, part 1 below on the left, part 2 on the right; part 3 is nowhere."""
    segmentation = np.zeros((8, 8, 4), np.float32)
    segmentation[:4, :, 0] = 1
    segmentation[4:, :4, 1] = 1
    segmentation[4:, 4:, 2] = 1
    return segmentation


def test_the_strongest_part_wins():
    labels = part_labels(halves(), 32, 64)
    assert labels.shape == (32, 64)
    assert (labels[:15] == 0).all()
    assert (labels[18:, :28] == 1).all() and (labels[18:, 36:] == 2).all()


def test_parts_have_their_colour_over_the_picture():
    image = np.full((32, 32, 3), 100, np.uint8)
    painted = paint_parts(image, halves(), "jet", numbers=False)
    assert painted.dtype == np.uint8 and painted.shape == image.shape
    assert (painted[0, 0] == 30).all(), "the background is darkened"
    for place, color in (((31, 0), 0), ((31, 31), 1)):
        expected = 0.3 * 100 + 0.7 * 255 * colors("jet", 3)[color]
        np.testing.assert_allclose(painted[place], expected, atol=1)


def test_float_pictures_are_painted_alike():
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    a, b = (paint_parts(x, halves()) for x in (image, image.astype(np.float32) / 255))
    np.testing.assert_array_equal(a, b)


def test_numbers_stand_on_their_parts_only():
    image = np.zeros((64, 64, 3), np.uint8)
    plain, numbered = (paint_parts(image, halves(), numbers=n) for n in (False, True))
    rows, columns = np.nonzero((plain != numbered).any(axis=-1))
    for top, left in ((0, 0), (32, 0), (32, 32)):
        inside = (rows >= top) & (rows < top + 32) & (columns >= left) & (columns < left + 32)
        assert inside.any()
