"""Running difference between values that should be equal: maximum, mean, and PSNR."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fomm_tf.measure.metrics import psnr


@dataclass
class Tally:
    """Statistics of the values passed to `add`, in constant memory.

    peak: the peak value for PSNR: 1 for images; None: the range of the expected values.
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
        """Adds one frame's values: arrays of the same shape."""
        difference = np.abs(np.asarray(found, np.float64) - np.asarray(expected, np.float64))
        squares = np.square(difference)
        # NumPy's maximum, unlike Python's, propagates NaN.
        self._largest = float(np.maximum(self._largest, difference.max()))
        self._sum += float(difference.sum())
        self._squares += float(squares.sum())
        self._numbers += difference.size
        self._low = min(self._low, float(np.min(expected)))
        self._high = max(self._high, float(np.max(expected)))
        self._worst = float(np.maximum(self._worst, squares.mean()))

    @property
    def is_picture(self) -> bool:
        """Whether PSNR uses a given peak value."""
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
        """In dB, from the mean squared difference over all values."""
        return self._psnr(self._squares / self._numbers)

    @property
    def worst_psnr(self) -> float:
        """In dB, for the frame that differs most."""
        return self._psnr(self._worst)

    def _psnr(self, mean_square: float) -> float:
        peak = self._high - self._low if self.peak is None else self.peak
        # For constant outputs any difference counts fully.
        return psnr(mean_square, peak or 1.0)
