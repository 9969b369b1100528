"""Average keypoint distance and missing keypoint rate (arXiv 2003.00196, section 4). NumPy only."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass
class LandmarkScore:
    """How far the landmarks of generated frames are from those of the true ones.

    Frames without a face in the true frame count for neither measure, and those with one that is
    not found in the generated frame for the missing keypoint rate only.
    """

    found: int = 0
    missing: int = 0
    distance_sum: float = 0.0

    def add(self, target: np.ndarray | None, prediction: np.ndarray | None) -> None:
        """Adds one frame: landmarks [K, 2 or more], (x, y) in pixels first, or None for no face."""
        if target is None:
            return
        if prediction is None:
            self.missing += 1
            return
        self.found += 1
        difference = np.asarray(prediction, np.float64)[:, :2] - target[:, :2]
        self.distance_sum += float(np.hypot(*difference.T).mean())

    def merge(self, other: LandmarkScore) -> None:
        """Adds all frames of another score."""
        self.found += other.found
        self.missing += other.missing
        self.distance_sum += other.distance_sum

    @property
    def akd(self) -> float:
        """Average keypoint distance in pixels; NaN if no frame counts."""
        return self.distance_sum / self.found if self.found else math.nan

    @property
    def mkr(self) -> float:
        """Missing keypoint rate: the part of the true faces that is lost; NaN if there is none."""
        total = self.found + self.missing
        return self.missing / total if total else math.nan
