"""The pictures show each thing in its place and in its colour."""

from __future__ import annotations

import numpy as np

from fomm_tf.config.sections import VisualizerParams
from fomm_tf.inference.visualizer import visualize
from fomm_tf.keypoints import Keypoints
from fomm_tf.media.colormaps import COLORMAPS, colors
from fomm_tf.media.drawing import draw_keypoints

B, H, W, K = 2, 32, 48, 3
PLAIN = VisualizerParams(kp_size=3, draw_border=False, colormap="gist_rainbow")


def example():
    rng = np.random.default_rng(0)
    out = {
        "prediction": rng.random((B, H, W, 3), np.float32),
        "deformed": rng.random((B, H, W, 3), np.float32),
        "occlusion_map": rng.random((B, H // 4, W // 4, 1), np.float32),
        "mask": rng.dirichlet(np.ones(K + 1), (B, H // 4, W // 4)).astype(np.float32),
        "sparse_deformed": rng.random((B, K + 1, H // 4, W // 4, 3), np.float32),
    }
    frames = rng.random((2, B, H, W, 3), np.float32)
    values = rng.uniform(-1, 1, (2, B, K, 2)).astype(np.float32)
    return out, frames[0], frames[1], Keypoints(values[0]), Keypoints(values[1])


def cell(picture, row, column):
    return picture[row * H : (row + 1) * H, column * W : (column + 1) * W]


def as_uint8(image):
    return np.rint(image * 255).astype(np.uint8)


def test_colors_are_those_of_the_usual_tables():
    # What matplotlib's 256 entry table of gist_rainbow has at 0, 128 and 192.
    table = colors("gist_rainbow", 256)
    np.testing.assert_allclose(table[0], [1, 0, 0.16], atol=1e-6)
    np.testing.assert_allclose(table[128], [0, 1, (128 / 255 - 0.4) / 0.186], atol=1e-6)
    np.testing.assert_allclose(table[192], [0, (0.77 - 192 / 255) / 0.184, 1], atol=1e-6)
    np.testing.assert_allclose(colors("gist_rainbow", 10)[3], table[76])
    for name in COLORMAPS:
        palette = colors(name, 10)
        assert palette.shape == (10, 3) and palette.min() >= 0 and palette.max() <= 1
        distances = np.abs(palette[:, None] - palette[None]).sum(-1) + np.eye(10)
        assert distances.min() > 0.15, name
    assert colors("jet", 0).shape == (0, 3)


def test_discs_are_round_and_centered():
    image = np.zeros((21, 41, 3), np.uint8)
    drawn = draw_keypoints(image, np.array([[0.0, 0.0]]), 5)
    assert drawn.dtype == np.uint8 and drawn.shape == image.shape and not image.any()
    rows, columns = np.nonzero(drawn[..., 0])
    assert (rows.mean(), columns.mean()) == (10, 20)
    assert abs(len(rows) - np.pi * 25) < 10
    assert (drawn[10, 20] == [255, 0, 41]).all()


def test_corners_are_the_centers_of_the_corner_pixels():
    corners = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float32)
    drawn = draw_keypoints(np.zeros((20, 30, 3), np.uint8), corners, 1)
    for (row, column), color in zip(
        [(0, 0), (0, 29), (19, 0), (19, 29)], as_uint8(colors("gist_rainbow", 4)), strict=True
    ):
        assert (drawn[row, column] == color).all()
    assert np.count_nonzero(drawn.any(-1)) == 4


def test_keypoints_outside_and_not_finite():
    image = np.full((16, 16, 3), 0.5, np.float32)
    value = np.array([[7.0, 0], [np.nan, 0], [np.inf, 0], [-3e38, 3e38]], np.float32)
    assert (draw_keypoints(image, value, 4) == 128).all()
    beyond = draw_keypoints(image, np.array([[1.2, 0.0]]), 4)
    assert (beyond[8, 15] != 128).any() and (beyond[8, 8] == 128).all()
    grey = draw_keypoints(np.zeros((8, 8, 1), np.float32), np.zeros((1, 2)), 2)
    assert grey.shape == (8, 8, 3)


def test_columns_in_their_order():
    out, source, driving, kp_source, kp_driving = example()
    picture = visualize(out, source, driving, kp_source, kp_driving, PLAIN)
    assert picture.dtype == np.uint8
    assert picture.shape == (B * H, (5 + 2 * (K + 1) + 1) * W, 3)
    palette = colors("gist_rainbow", K)
    for row in range(B):
        expected = {
            0: draw_keypoints(source[row], kp_source.value[row], 3),
            1: draw_keypoints(driving[row], kp_driving.value[row], 3),
            2: as_uint8(out["deformed"][row]),
            3: as_uint8(out["prediction"][row]),
            4: np.repeat(as_uint8(blocks(out["occlusion_map"][row])), 3, axis=-1),
            5: as_uint8(blocks(out["sparse_deformed"][row, 0])),
            6: np.repeat(as_uint8(blocks(out["mask"][row, ..., :1])), 3, axis=-1),
            7: as_uint8(blocks(out["sparse_deformed"][row, 1])),
            8: as_uint8(blocks(out["mask"][row, ..., 1:2] * palette[0])),
            11: as_uint8(blocks(out["sparse_deformed"][row, 3])),
            12: as_uint8(blocks(out["mask"][row, ..., 3:4] * palette[2])),
            13: as_uint8(blocks(out["mask"][row, ..., 1:] @ palette)),
        }
        for column, image in expected.items():
            difference = cell(picture, row, column).astype(int) - image
            assert np.abs(difference).max() <= 1, column


def blocks(image):
    return image.repeat(4, axis=0).repeat(4, axis=1)


def test_columns_that_the_config_lacks_are_left_out():
    out, *rest = example()
    only = {"prediction": out["prediction"]}
    assert visualize(only, *rest, PLAIN).shape == (B * H, 3 * W, 3)
    some = {name: out[name] for name in ("prediction", "mask", "deformed")}
    assert visualize(some, *rest, PLAIN).shape == (B * H, (4 + K + 2) * W, 3)


def test_transformed_frame_comes_second():
    out, source, driving, kp_source, kp_driving = example()
    moved = np.roll(driving, 5, axis=2)
    picture = visualize(
        {"prediction": out["prediction"]},
        *(source, driving, kp_source, kp_driving, PLAIN),
        transformed=moved,
        kp_transformed=kp_source,
    )
    assert picture.shape == (B * H, 4 * W, 3)
    assert (cell(picture, 1, 1) == draw_keypoints(moved[1], kp_source.value[1], 3)).all()


def test_border():
    out, *rest = example()
    framed = visualize(out, *rest, VisualizerParams(kp_size=3, draw_border=True, colormap="jet"))
    plain = visualize(out, *rest, VisualizerParams(kp_size=3, draw_border=False, colormap="jet"))
    for column in (0, 4, 13):
        frame = cell(framed, 1, column)
        assert (frame[0] == 255).all() and (frame[-1] == 255).all()
        assert (frame[:, 0] == 255).all() and (frame[:, -1] == 255).all()
        assert (frame[1:-1, 1:-1] == cell(plain, 1, column)[1:-1, 1:-1]).all()


def test_values_that_are_not_finite_are_drawn_without_a_warning():
    out, *rest = example()
    out["prediction"][0, 3, 4] = np.nan
    assert (cell(visualize(out, *rest, PLAIN), 0, 3)[3, 4] == 0).all()
