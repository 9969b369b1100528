"""Visualizes parts in colour. No TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fomm_tf.config.sections import VisualizerParams
from fomm_tf.copart.segments import Segments
from fomm_tf.media.colormaps import colors
from fomm_tf.media.drawing import in_columns
from fomm_tf.media.pictures import to_uint8

# Opacity of the colour over the picture; as in the official code.
_STRENGTH = 0.7
# Parts that cover a smaller fraction of the picture get no number: it would hide them.
_NUMBERED = 0.01


def part_labels(segmentation: np.ndarray, height: int, width: int) -> np.ndarray:
    """The most likely part of each pixel, 0 for the background: int [height, width].

    segmentation: [h, w, 1 + N]; it is upsampled smoothly before the argmax.
    """
    enlarged = [
        np.asarray(Image.fromarray(share).resize((width, height), Image.Resampling.BILINEAR))
        for share in np.moveaxis(segmentation.astype(np.float32), -1, 0)
    ]
    return np.argmax(enlarged, axis=0)


def paint_parts(
    image: np.ndarray,
    segmentation: np.ndarray,
    colormap: str = "gist_rainbow",
    numbers: bool = True,
) -> np.ndarray:
    """Colours each part and labels it with its number: uint8 [H, W, 3].

    image: uint8, or float in [0, 1], [H, W, 3]. segmentation: [h, w, 1 + N]. Part k of N has the
    colour at (k - 1) / N of the colour map; the background is darkened.
    """
    height, width = image.shape[:2]
    count = segmentation.shape[-1]
    labels = part_labels(segmentation, height, width)
    palette = np.concatenate([np.zeros((1, 3)), colors(colormap, count - 1)]) * 255
    painted = (1 - _STRENGTH) * to_uint8(image) + _STRENGTH * palette[labels]
    picture = Image.fromarray(np.rint(painted).astype(np.uint8))
    if numbers:
        _write_numbers(picture, labels, count)
    return np.array(picture)


def visualize_parts(
    out: Mapping[str, np.ndarray],
    source: np.ndarray,
    driving: np.ndarray,
    seg_source: Segments,
    seg_driving: Segments,
    params: VisualizerParams,
) -> np.ndarray:
    """One image, uint8 [B * H, columns * W, 3], of a batch and the model's outputs for it.

    Columns: source and driving frame with their parts, the deformed source, the prediction, and the
    visibility if `out` has it. source, driving: float [B, H, W, 3] in [0, 1].
    """
    height, width = source.shape[1:3]

    def with_parts(images: np.ndarray, segments: Segments) -> np.ndarray:
        pairs = zip(images, segments.segmentation, strict=True)
        return np.stack([paint_parts(*pair, params.colormap) for pair in pairs])

    columns = [with_parts(source, seg_source), with_parts(driving, seg_driving)]
    names = ("deformed", "prediction", "visibility_maps")
    columns += [out[name] for name in names if name in out]
    return in_columns(columns, height, width, params.draw_border)


def _write_numbers(picture: Image.Image, labels: np.ndarray, count: int) -> None:
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=max(9, labels.shape[0] // 14))
    for part in range(count):
        rows, columns = np.nonzero(labels == part)
        if len(rows) < _NUMBERED * labels.size:
            continue
        # The centroid of a concave part may lie outside it: use the part's pixel nearest to it.
        distance = (rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2
        nearest = int(distance.argmin())
        place = (int(columns[nearest]), int(rows[nearest]))
        draw.text(
            place,
            str(part),
            fill="white",
            font=font,
            anchor="mm",
            stroke_width=1,
            stroke_fill="black",
        )
