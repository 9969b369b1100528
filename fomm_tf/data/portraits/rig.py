"""What all portraits share: one mesh of face, hair, neck and surroundings, and how it follows.

The 468 landmarks of a face are closed in by rings of vertices, each with one vertex per point of
the face's oval: a few between the oval and the outline of the skull (an ellipse in the picture),
the others beyond it. Units are those of the mean face, which is one wide.
"""

from __future__ import annotations

from functools import cached_property
from importlib.resources import files

import numpy as np

from fomm_tf.data.portraits import topology as at

Array = np.ndarray

# Up to 1: the part of the way from oval to skull; above: times the skull's outline.
RINGS = [0.3, 0.65, 1.0, 1.1, 1.22, 1.4, 1.7, 2.3, 3.5]
# Half axes of the skull's outline: in widths of the face, and in half heights of the face.
_SKULL = (0.66, 1.5)
# The outline's centre lies above that of the face, by this part of its half height.
_RAISED = 0.34
# Beyond the outline the head's pull ends within this distance, at the sides and below the chin.
_REACH, _REACH_BELOW = 0.2, 0.28
# From this ring on nothing takes part in an expression.
_OUTER_RING = 5


class Rig:
    """The mesh on the mean face; `shared_rig` yields the only one needed.

    mean: [468, 3], width 1, x right, y down, z away from the camera, looking straight ahead.
    vertices: [V, 3], the mean face and its rings. triangles: [F, 3]; `surround` [F] tells the
    rings' ones, `holes` [F] those inside the mouth and the eyes. follows: [V], how far a vertex
    takes part in the head's motion, 0 to 1; torso: [V], how far it is shoulder and chest.
    """

    def __init__(self) -> None:
        with files("fomm_tf.data.portraits").joinpath("face_mesh.npz").open("rb") as file:
            arrays = np.load(file)
            self.mean = arrays["vertices"].astype(np.float64)
            face = arrays["triangles"].astype(np.int64)
        self.half_height = (self.mean[at.CHIN, 1] - self.mean[at.TOP, 1]) / 2
        self.skull = (self.mean[at.TOP] + self.mean[at.CHIN]) / 2
        self.skull[1] -= _RAISED * self.half_height
        self.skull[2] = self.mean[[at.EAR_LEFT, at.EAR_RIGHT], 2].mean()
        rings, outline = self.rings(self.mean[at.OVAL], np.eye(3), 1.0, self.skull)
        self.vertices = np.concatenate([self.mean, rings])
        self.triangles = np.concatenate([face, _strips()])
        self.surround = np.arange(len(self.triangles)) >= len(face)
        self.holes = np.zeros(len(self.triangles), bool)
        for ring in (at.MOUTH, *at.EYES):
            self.holes |= np.isin(self.triangles, ring).all(1)
        self.follows = self._follows(rings, outline)
        self.torso = np.clip(
            (self.vertices[:, 1] - self.mean[at.CHIN, 1]) / (0.5 * self.half_height), 0, 1
        )
        self.torso[: at.LANDMARKS] = 0

    def rings(
        self, oval: Array, rotation: Array, scale: float, skull: Array
    ) -> tuple[Array, Array]:
        """The vertices around a face with this oval [36, 3], and the outline [36, 2] of its skull.

        rotation [3, 3], scale and skull (its centre, [3]) place the skull in the oval's space. The
        vertices are [9 * 36, 3], ring by ring.
        """
        centre = oval[:, :2].mean(0)
        ray = oval[:, :2] - centre
        upright = rotation[:2, :2] / np.sqrt(abs(np.linalg.det(rotation[:2, :2])))
        # The farthest point of each ray inside the ellipse, but no nearer than 1.1 times the oval.
        steps = np.linspace(1, 4, 600)[:, None]
        points = centre + steps[..., None] * ray - skull[:2]
        axes = scale * np.array([_SKULL[0], _SKULL[1] * self.half_height])
        inside = ((points @ upright / axes) ** 2).sum(-1) < 1
        reach = np.maximum(np.where(inside, steps, 1).max(0), 1.1)[:, None]
        depth, behind = oval[:, 2], np.maximum(oval[:, 2], skull[2])
        vertices = []
        for ring in RINGS:
            flat = centre + ray * (1 + (reach - 1) * ring if ring <= 1 else reach * ring)
            z = depth + (behind - depth) * np.sin(np.pi / 2 * min(ring, 1))
            vertices.append(np.c_[flat, z])
        return np.concatenate(vertices), centre + ray * reach

    def _follows(self, rings: Array, outline: Array) -> Array:
        centre = self.mean[at.OVAL, 1].mean()
        down = np.clip((self.mean[at.OVAL, 1] - centre) / self.half_height, 0, 1)
        reach = np.where(down > 0.5, _REACH_BELOW, _REACH)
        weights = [np.ones(at.LANDMARKS)]
        for ring, points in zip(RINGS, rings.reshape(len(RINGS), -1, 3), strict=True):
            beyond = np.linalg.norm(points[:, :2] - outline, axis=1) * (ring > 1)
            # The neck gives way a little from the chin on.
            weights.append(np.exp(-((beyond / reach) ** 2)) * (1 - 0.12 * down * min(ring, 1)))
        return np.concatenate(weights)

    @cached_property
    def handles(self) -> list[int]:
        """The vertices whose part in an expression is given; the others follow smoothly."""
        rings = np.arange(at.LANDMARKS, len(self.vertices))
        above = self.vertices[rings, 1] < self.mean[13, 1] - 0.1
        outer = rings >= at.LANDMARKS + _OUTER_RING * len(at.OVAL)
        return at.unique(
            *at.UPPER_LIP,
            *at.LOWER_LIP,
            at.INNER_CORNERS,
            at.OUTER_CORNERS,
            *at.UPPER_LIDS,
            *at.LOWER_LIDS,
            *at.LID_FOLDS,
            at.BROWS,
            list(at.JAW),
            at.STILL,
            rings[above | outer].tolist(),
        )

    @cached_property
    def extension(self) -> Array:
        """[V, handles]: the harmonic extension of the handles' movements over the mesh.

        Each other vertex is the mean of its neighbours, weighted by the inverse length of the
        edge; no edge crosses the mouth or an eye.
        """
        laplacian = self._laplacian()
        handles = np.array(self.handles)
        free = np.setdiff1d(np.arange(len(self.vertices)), handles)
        extension = np.zeros((len(self.vertices), len(handles)))
        extension[handles, np.arange(len(handles))] = 1
        extension[free] = -np.linalg.solve(
            laplacian[np.ix_(free, free)], laplacian[np.ix_(free, handles)]
        )
        return extension

    @cached_property
    def neighbours(self) -> Array:
        """[V, V]: the rows average the vertices that a vertex is connected with."""
        connected = self._laplacian() < 0
        return connected / np.maximum(connected.sum(1, keepdims=True), 1)

    def _laplacian(self) -> Array:
        weights = np.zeros((len(self.vertices), len(self.vertices)))
        skin = self.triangles[~self.holes]
        for a, b in ((0, 1), (1, 2), (2, 0)):
            first, second = skin[:, a], skin[:, b]
            apart = self.vertices[first, :2] - self.vertices[second, :2]
            weights[first, second] = weights[second, first] = 1 / np.linalg.norm(apart, axis=1)
        # The little on the diagonal keeps vertices without neighbours solvable.
        return np.diag(weights.sum(1) + 1e-9) - weights


def _strips() -> Array:
    """The triangles between the oval and the rings, [9 * 72, 3]."""
    count = len(at.OVAL)
    here = np.arange(count)
    ahead = (here + 1) % count
    rows = [np.array(at.OVAL)]
    rows += [at.LANDMARKS + ring * count + here for ring in range(len(RINGS))]
    strips = []
    for inner, outer in zip(rows, rows[1:], strict=False):
        strips.append(np.c_[inner, inner[ahead], outer])
        strips.append(np.c_[inner[ahead], outer[ahead], outer])
    return np.concatenate(strips)
