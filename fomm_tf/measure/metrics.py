"""Reconstruction of a video from its first frame, and its error metrics. NumPy only.

The protocol of the official reconstruction.py: the source is frame 0, every frame's own keypoints
drive it (no motion transfer), and means are over all frames of all videos.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fomm_tf.media.pictures import to_float

# The PSNR of equal images is infinite, which neither means nor JSON can represent.
MAX_PSNR = 200.0


class Reconstruction(NamedTuple):
    """driving, prediction: float32 [H, W, 3] in [0, 1]; kp_driving: the model's detections, a batch
    of one; seconds: the model's time for this frame."""

    driving: np.ndarray
    prediction: np.ndarray
    kp_driving: Any
    seconds: float


def reconstruct(
    model: Any, frames: Iterable[np.ndarray], background: bool = False
) -> Iterator[Reconstruction]:
    """Yields each frame of a video together with its reconstruction from the first frame.

    model: has `detect`, `encode` and `decode`. frames: [H, W, 3], uint8 or float in [0, 1],
    consumed lazily. The first frame is encoded once, and reconstructed too. background: also the
    background's motion, if the model (then with `detect_driving`) estimates it.
    """
    source, kp_source, encoded = None, None, None
    for frame in frames:
        driving = to_float(frame)[None]
        if kp_source is None:
            source, kp_source, encoded = driving, model.detect(driving), model.encode(driving)
        start = time.perf_counter()
        kp_driving = model.detect_driving(source, driving) if background else model.detect(driving)
        prediction = model.decode(encoded, kp_source, kp_driving)
        seconds = time.perf_counter() - start
        yield Reconstruction(driving[0], prediction[0], kp_driving, seconds)


@dataclass
class Score:
    """Means over frames of the absolute error, the squared error and the SSIM."""

    frames: int = 0
    l1_sum: float = 0.0
    mse_sum: float = 0.0
    ssim_sum: float = 0.0

    def add(self, prediction: np.ndarray, target: np.ndarray) -> None:
        """Adds one frame: both [H, W, C], float in [0, 1]."""
        difference = prediction.astype(np.float64) - target
        self.frames += 1
        self.l1_sum += float(np.abs(difference).mean())
        self.mse_sum += float(np.square(difference).mean())
        self.ssim_sum += ssim(prediction, target)

    def merge(self, other: Score) -> None:
        """Adds all frames of another score."""
        self.frames += other.frames
        self.l1_sum += other.l1_sum
        self.mse_sum += other.mse_sum
        self.ssim_sum += other.ssim_sum

    @property
    def l1(self) -> float:
        """Mean absolute error."""
        return self.l1_sum / self.frames

    @property
    def psnr(self) -> float:
        """In dB, from the mean squared error over all frames."""
        return psnr(self.mse_sum / self.frames)

    @property
    def ssim(self) -> float:
        """Mean structural similarity."""
        return self.ssim_sum / self.frames


def psnr(mse: float, peak: float = 1.0) -> float:
    """Peak signal-to-noise ratio in dB, at most `MAX_PSNR`; NaN for NaN."""
    # This order propagates NaN.
    return -10 * math.log10(max(mse / peak**2, 10 ** (-MAX_PSNR / 10)))


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Structural similarity of two images [H, W, C] in [0, 1] (Wang et al., 2004).

    As `tf.image.ssim`: Gaussian window of 11 pixels (fewer for smaller images), sigma 1.5, valid
    positions only; per channel; c1 = 0.01^2, c2 = 0.03^2.
    """
    window = _gaussian(min(11, *a.shape[:2]), 1.5)
    a, b = a.astype(np.float32), b.astype(np.float32)
    mean_a, mean_b, product, squares = _smoothed(np.stack([a, b, a * b, a * a + b * b]), window)
    of_means, of_squares = 2 * mean_a * mean_b, mean_a**2 + mean_b**2
    luminance = (of_means + 0.01**2) / (of_squares + 0.01**2)
    contrast = (2 * product - of_means + 0.03**2) / (squares - of_squares + 0.03**2)
    return float((luminance * contrast).mean(dtype=np.float64))


def _gaussian(size: int, sigma: float) -> np.ndarray:
    offsets = np.arange(size) - (size - 1) / 2
    window = np.exp(-(offsets**2) / (2 * sigma**2))
    return (window / window.sum()).astype(np.float32)


def _smoothed(maps: np.ndarray, window: np.ndarray) -> np.ndarray:
    """[n, H, W, C] -> [n, H - size + 1, W - size + 1, C]: the window along both axes."""
    for axis in (1, 2):
        length = maps.shape[axis] - len(window) + 1
        lines = np.moveaxis(maps, axis, 0)
        smoothed = sum(lines[i : i + length] * weight for i, weight in enumerate(window))
        maps = np.moveaxis(np.asarray(smoothed), 0, axis)
    return maps
