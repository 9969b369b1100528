"""Writes motion_transfer_vectors.json: what relative motion must give, for the tests of every
implementation of it, in whatever language.

    python tests/motion_transfer_vectors.py

The expected numbers are worked out here in double precision, keypoint by keypoint, straight from
the formulas (arXiv 2003.00196, eq. 13 and 14), not by `fomm_tf.fomm.motion`.
"""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_suffix(".json")
FLAGS = ("relative", "relative_jacobian", "adapt_scale")


def main() -> None:
    combinations = itertools.product((10, 4), itertools.product((True, False), repeat=3))
    cases = []
    for seed, (count, values) in enumerate(combinations):
        flags = dict(zip(FLAGS, values, strict=True))
        names = [name for name in FLAGS if flags[name]] or ["none"]
        cases.append(case(f"{count} keypoints: {', '.join(names)}", flags, seed, count))
    every = dict.fromkeys(FLAGS, True)
    cases += [
        case("without jacobians", every, 100, 5, jacobians=False),
        case("one keypoint has no hull: the scale is 1", every, 101, 1),
        case("two keypoints have no hull: the scale is 1", every, 102, 2),
        case("the driving frame is the initial one: the source", every, 103, 6, still=True),
        case("all initial keypoints in a line: the scale is 1", every, 104, 5, line=True),
    ]
    lines = ",\n".join(json.dumps(one) for one in cases)
    text = f'{{"tolerance": 1e-5, "cases": [\n{lines}\n]}}'
    PATH.write_text(text + "\n", encoding="utf-8")


def case(
    name: str,
    flags: dict[str, bool],
    seed: int,
    count: int,
    jacobians: bool = True,
    still: bool = False,
    line: bool = False,
) -> dict:
    """One case with its inputs, which are exact in float32, and the expected result."""
    rng = np.random.default_rng(seed)
    source, driving, initial = (keypoints(rng, count, jacobians) for _ in range(3))
    if line:
        initial["value"] = [[0.125 * i, 0.25 * i - 0.5] for i in range(count)]
    if still:
        driving = initial
    return {
        "name": name,
        **flags,
        "kp_source": source,
        "kp_driving": driving,
        "kp_driving_initial": initial,
        "expected": expected(source, driving, initial, **flags),
    }


def keypoints(rng: np.random.Generator, count: int, jacobians: bool) -> dict:
    value = rng.uniform(-0.9, 0.9, (count, 2))
    jacobian = np.eye(2) + 0.3 * rng.standard_normal((count, 2, 2))
    return {"value": exact(value), "jacobian": exact(jacobian) if jacobians else None}


def exact(array: np.ndarray) -> list:
    return (np.round(array * 4096) / 4096).tolist()


def expected(
    source: dict,
    driving: dict,
    initial: dict,
    relative: bool,
    relative_jacobian: bool,
    adapt_scale: bool,
) -> dict:
    if not relative:
        return driving
    scale = 1.0
    if adapt_scale:
        areas = hull_area(source["value"]), hull_area(initial["value"])
        scale = math.sqrt(areas[0] / areas[1]) if min(areas) > 0 else 1.0
    value = [
        [s + scale * (d - i) for s, d, i in zip(*points, strict=True)]
        for points in zip(source["value"], driving["value"], initial["value"], strict=True)
    ]
    jacobian = driving["jacobian"]
    if relative_jacobian and jacobian is not None:
        jacobian = [
            product(product(d, inverse(i)), s)
            for s, d, i in zip(
                source["jacobian"], driving["jacobian"], initial["jacobian"], strict=True
            )
        ]
    return {"value": value, "jacobian": jacobian}


def inverse(matrix: list) -> list:
    (a, b), (c, d) = matrix
    determinant = a * d - b * c
    return [[d / determinant, -b / determinant], [-c / determinant, a / determinant]]


def product(first: list, second: list) -> list:
    return [[sum(first[i][k] * second[k][j] for k in range(2)) for j in range(2)] for i in range(2)]


def hull_area(points: list) -> float:
    """An edge belongs to the hull if all other points are on its left."""

    def side(a: list, b: list, c: list) -> float:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    edges = [
        (a, b)
        for a, b in itertools.permutations(points, 2)
        if all(side(a, b, c) > 0 for c in points if c not in (a, b))
    ]
    if len(points) < 3:
        return 0.0
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in edges)) / 2


if __name__ == "__main__":
    main()
