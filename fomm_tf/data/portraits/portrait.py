"""A photograph made ready to move: its layers as textures, and the mesh laid over it."""

from __future__ import annotations

import numpy as np
from PIL import Image

from fomm_tf.data.portraits import topology as at
from fomm_tf.data.portraits.matte import split
from fomm_tf.data.portraits.motion import Motion
from fomm_tf.data.portraits.pose import fit_pose, turning
from fomm_tf.data.portraits.raster import doubled_areas
from fomm_tf.data.portraits.rig import Rig

Array = np.ndarray

# Depth beyond the cheeks is compressed towards this limit (in widths of the face): the sides of a
# head are seen edge-on in a photograph, and turned into view as deep as they are they would smear.
_SIDES = 0.45
# No triangle of a turned face is left with less than this part of its area seen from the front.
_LEAST_SEEN = 0.2
# The least crop is at most this many times as large as the face.
_FRAMED = 1.8
_OUTSIDE_LIPS = at.unique(at.MOUTH, *at.EYES, *at.UPPER_LIP, *at.LOWER_LIP, at.OUTER_CORNERS)


class Portrait:
    """One photograph, cropped to a square of `size` pixels whose upper left pixel is the origin.

    texture: [h, w, 4], the sitter in levels of 255, multiplied by alpha, and alpha (0 to 1);
    backdrop: [h, w, 3]. Both reach beyond the crop; `origin` is their first pixel's place.
    vertices: [V, 3], the rig's mesh over the photograph. eyes_apart: the distance of the outer
    corners of the eyes; gap: the mouth's opening in these; yaw: the sitter's own, in degrees.
    headroom: how far the head may sink, in eye distances, until the photograph's end shows.
    separate: whether the sitter could be told from the backdrop; if not all moves smoothly along.
    """

    def __init__(self, rig: Rig, picture: Array, landmarks: Array, size: int, zoom: float = 1.0):
        """picture: uint8 [h, w, 3]; landmarks: [468, 3] in its pixels; zoom: 1 crops the least."""
        self.rig, self.size = rig, size
        layers = split(picture, landmarks)
        self.separate = layers.separate
        left, top, side = _crop(picture.shape, landmarks, zoom)
        factor = size / side
        self.texture = _resized(np.concatenate([layers.sitter, layers.alpha], -1), factor)
        self.backdrop = _resized(layers.backdrop, factor)
        # Pixel centres: the first pixel's place in the resized picture is half a pixel in.
        self.origin = np.array([-left, -top]) * factor
        points = landmarks.astype(np.float64) * factor
        points[:, :2] += self.origin + (factor - 1) / 2
        self.eyes_apart = float(at.eye_distance(points))
        self.gap = float(at.mouth_opening(points))
        self._lay_mesh(points)
        cut_off = not layers.separate or layers.alpha[0].max() > 0.5
        self.headroom = top * factor / self.eyes_apart if cut_off else np.inf

    def _lay_mesh(self, points: Array) -> None:
        rig = self.rig
        rotation, scale, shift = fit_pose(points, rig.mean)
        self.rotation, self.scale = rotation, scale
        self.yaw = float(np.rad2deg(np.arctan2(-rotation[0, 2], rotation[2, 2])))
        points, skull = points.copy(), scale * rotation @ rig.skull + shift
        # The landmarks' oval lies on the outermost skin, where hair and backdrop begin: a little
        # further in, the edge of the face belongs to it.
        oval = points[at.OVAL, :2]
        middle = oval.mean(0)
        aside = np.abs((oval - middle) @ rotation[:2, 0]) / (0.5 * scale)
        points[at.OVAL, :2] += 0.035 * np.clip(aside, 0, 1)[:, None] * (middle - oval)
        points[:, 2] -= self._excess_depth(rig.mean[:, 2])
        skull[2] -= self._excess_depth(rig.skull[2])
        rings, _ = rig.rings(points[at.OVAL], rotation, scale, skull)
        self.vertices = np.concatenate([points, rings])
        self._unfold()
        ears, chin = points[[at.EAR_LEFT, at.EAR_RIGHT]].mean(0), points[at.CHIN]
        self.pivot = ears + 0.45 * (chin - ears) * (1, 1, 0)

    def _excess_depth(self, depth: Array) -> Array:
        beyond = np.maximum(depth - self.rig.mean[at.CHEEKS, 2].mean(), 0)
        kept = _SIDES * (1 - np.exp(-beyond / _SIDES))
        return self.scale * self.rotation[2, 2] * (beyond - kept)

    def _unfold(self) -> None:
        """On the far side of a turned face the mesh folds: spreads it until all of it is seen."""
        skin = self.rig.triangles[~self.rig.holes]
        least = _LEAST_SEEN * self.scale**2 * doubled_areas(self.rig.vertices, skin)
        for _ in range(80):
            folded = np.setdiff1d(skin[doubled_areas(self.vertices, skin) < least], _OUTSIDE_LIPS)
            if not len(folded):
                break
            flat = self.vertices[:, :2]
            flat[folded] += (self.rig.neighbours[folded] @ flat - flat[folded]) / 2

    def posed(self, points: Array, motion: Motion, which: Array | slice = slice(None)) -> Array:
        """`points` [V, 3] or [T, V, 3] where the head's motion takes them, [T, V, 3].

        which: the vertices that they are, of all.
        """
        turn = turning(motion.yaw, motion.pitch, motion.roll) * motion.scale[:, None, None]
        shift = np.stack([motion.x, motion.y, np.zeros(len(motion))], -1) * self.eyes_apart
        moved = (points - self.pivot) @ turn.swapaxes(1, 2) + self.pivot + shift[:, None]
        left_behind = np.broadcast_to(points, moved.shape).copy()
        left_behind[..., 0] += motion.sway[:, None] * self.eyes_apart * self.rig.torso[which]
        follows = self.rig.follows[which][:, None]
        return follows * moved + (1 - follows) * left_behind


def _crop(shape: tuple[int, ...], landmarks: Array, zoom: float) -> tuple[int, int, int]:
    """Left, top and side of a square around the face, within a picture of this shape."""
    height, width = shape[:2]
    extent = np.ptp(landmarks[:, :2], axis=0).max()
    side = round(min(height, width, _FRAMED * extent) / zoom)
    centre = landmarks[at.OVAL, :2].mean(0)
    left = int(np.clip(round(centre[0] - side / 2), 0, width - side))
    top = int(np.clip(round(centre[1] - 0.53 * side), 0, height - side))
    return left, top, side


def _resized(image: Array, factor: float) -> Array:
    size = tuple(max(2, round(length * factor)) for length in image.shape[1::-1])
    planes = [
        np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.LANCZOS))
        for plane in np.ascontiguousarray(image.transpose(2, 0, 1), np.float32)
    ]
    return np.stack(planes, -1)
