"""Running difference between numbers that should be equal: largest, mean, and PSNR."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fomm_tf.measure.metrics import psnr


@dataclass
class Tally:
    """What `add` has taken in so far; memory does not grow with it.

    peak: the largest value that PSNR is measured against: 1 for pictures; None takes the range of
    the expected numbers.
    """

    peak: float | None = None
    _largest: float = 0.0
    _sum: float = 0.0
    _squares: float = 0.0
    _numbers: int = 0
    _low: float = math.inf
    _high: float = -math.inf
    _worst: float = 0.0

    def add(self, expected: np.ndarray, found: np.ndarray) -> None:
        """Takes in one frame's numbers: arrays of one shape."""
        difference = np.abs(np.asarray(found, np.float64) - np.asarray(expected, np.float64))
        squares = np.square(difference)
        # NumPy's maximum, unlike Python's, keeps what is not a number.
        self._largest = float(np.maximum(self._largest, difference.max()))
        self._sum += float(difference.sum())
        self._squares += float(squares.sum())
        self._numbers += difference.size
        self._low = min(self._low, float(np.min(expected)))
        self._high = max(self._high, float(np.max(expected)))
        self._worst = float(np.maximum(self._worst, squares.mean()))

    @property
    def is_picture(self) -> bool:
        """Whether PSNR is against a peak that is known beforehand."""
        return self.peak is not None

    @property
    def max(self) -> float:
        """The largest absolute difference."""
        return self._largest

    @property
    def mean(self) -> float:
        """The mean absolute difference."""
        return self._sum / self._numbers

    @property
    def psnr(self) -> float:
        """In dB, of the mean squared difference over everything."""
        return self._psnr(self._squares / self._numbers)

    @property
    def worst_psnr(self) -> float:
        """In dB, of the frame that differs most."""
        return self._psnr(self._worst)

    def _psnr(self, mean_square: float) -> float:
        peak = self._high - self._low if self.peak is None else self.peak
        # Of outputs that never change, any difference counts fully.
        return psnr(mean_square, peak or 1.0)
