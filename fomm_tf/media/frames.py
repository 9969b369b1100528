"""A frame of a video with its place in time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class TimedFrame(NamedTuple):
    """time: seconds since the first frame; duration: seconds shown; image: uint8 [H, W, 3]."""

    time: float
    duration: float
    image: np.ndarray
