"""Photographs of faces for tests, without a photographed face: drawn over the mean face mesh."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from fomm_tf.data.portraits import topology as at
from fomm_tf.data.portraits.clip import shared_rig
from fomm_tf.data.portraits.pose import turning

WIDTH, HEIGHT = 150, 180
BACKDROP = (90, 120, 160)


def drawn_portrait(yaw: float = 0.0, gap: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A picture, uint8 [180, 150, 3], and its landmarks [468, 3]; gap: of the lips, in pixels."""
    turn = turning(*(np.array([angle]) for angle in (yaw, 0.0, 0.0)))[0]
    points = shared_rig().mean @ turn.T * 80 + [75, 70, 0]
    # The mean face smiles with parted lips.
    upper, lower = at.UPPER_LIP[0], at.LOWER_LIP[0]
    arch = 1 - np.linspace(-1, 1, 11)[1:-1] ** 2
    points[lower, 1] = points[upper, 1] + np.maximum(gap * arch, 0.02)
    image = Image.new("RGB", (WIDTH, HEIGHT), BACKDROP)
    pen = ImageDraw.Draw(image)
    pen.polygon([(0, 180), (25, 150), (125, 150), (150, 180)], fill=(60, 40, 40))
    pen.rectangle([55, 110, 95, 160], fill=(190, 140, 120))
    pen.ellipse([28, 8, 122, 150], fill=(60, 40, 20))

    def fill(ring: list[int], colour: tuple[int, int, int]) -> None:
        pen.polygon([tuple(point) for point in points[ring, :2]], fill=colour)

    fill(at.OVAL, (215, 170, 145))
    fill([61, *at.UPPER_LIP[3], 291, *at.LOWER_LIP[3][::-1]], (180, 80, 80))
    fill(at.MOUTH, (60, 20, 20))
    for eye in at.EYES:
        fill(eye, (240, 240, 235))
        x, y = points[eye, :2].mean(0)
        pen.ellipse([x - 2, y - 2, x + 2, y + 2], fill=(40, 60, 60))
    pen.line([tuple(point) for point in points[[6, 4], :2]], fill=(180, 130, 110), width=2)
    return np.asarray(image), points


def write_portraits(folder: Path) -> Path:
    """Two drawn portraits and landmarks.npz with their landmarks, in a new folder."""
    folder.mkdir()
    names, landmarks = ["ann.png", "bob.png"], []
    for name, yaw, gap in zip(names, (0.0, 12.0), (0.0, 5.0), strict=True):
        picture, points = drawn_portrait(yaw, gap)
        Image.fromarray(picture).save(folder / name)
        landmarks.append(points)
    np.savez(folder / "landmarks.npz", names=names, landmarks=np.array(landmarks))
    return folder
