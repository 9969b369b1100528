"""How a face moves: every channel is a smooth function of time, drawn once per video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray

FPS = 25.0
_DEGREE = np.pi / 180


@dataclass(frozen=True)
class Motion:
    """The state of a face in T frames; every field is [T].

    x, y: shift in picture units; yaw, pitch, tilt: radians (positive: to the right, down,
    clockwise); zoom: factor; blink: 0 open to 1 closed; gaze_x, gaze_y: -1 to 1; brow: -1 lowered
    to 1 raised; open: mouth, 0 to 1; smile: -1 to 1.
    """

    x: Array
    y: Array
    yaw: Array
    pitch: Array
    tilt: Array
    zoom: Array
    blink: Array
    gaze_x: Array
    gaze_y: Array
    brow: Array
    open: Array
    smile: Array


class MotionPlan:
    """The motion of one video, defined for every time; `at(frames)` evaluates it."""

    def __init__(self, rng: np.random.Generator, frames: int) -> None:
        vigour = rng.uniform(0.8, 1.0)
        self._x = _wave(rng, 0.07 * vigour, 36, 110)
        self._y = _wave(rng, 0.03 * vigour, 36, 110)
        self._yaw = _wave(rng, 14 * _DEGREE * vigour, 34, 110)
        self._pitch = _wave(rng, 9 * _DEGREE * vigour, 34, 110)
        self._tilt = _wave(rng, 12 * _DEGREE * vigour, 36, 110)
        self._zoom = _wave(rng, 0.08 * vigour, 40, 130)
        self._gaze_x = _wave(rng, 1.0, 30, 90, sharpness=2.4)
        self._gaze_y = _wave(rng, 1.0, 40, 110, sharpness=2.4)
        self._brow = _wave(rng, 1.0, 24, 70, sharpness=3.0)
        self._smile = _wave(rng, 1.0, 40, 110, sharpness=2.5)
        self._talk = _wave(rng, 1.0, 9, 26, sharpness=2.0)
        self._talks = _wave(rng, 1.0, 40, 120, sharpness=5.0)
        # Some people keep their eyes wide open, others less so.
        self._lids = rng.uniform(0.0, 0.14)
        # Last, because the number of draws depends on the length of the video.
        first = rng.uniform(-30, 0)
        self._blinks = first + np.cumsum(rng.uniform(18, 62, size=frames // 18 + 2))

    def at(self, frames: Array) -> Motion:
        """The motion at times `frames` [T], counted in frames; negative times are fine."""
        t = np.asarray(frames, np.float64)
        # Closing takes three frames, opening four.
        since = t[:, None] - self._blinks[None]
        blink = np.max(np.exp(-((since / np.where(since < 0, 1.7, 2.3)) ** 4)), axis=1)
        talks = np.clip(self._talks(t) * 0.75 + 0.6, 0, 1)
        return Motion(
            x=self._x(t),
            y=self._y(t),
            yaw=self._yaw(t),
            pitch=self._pitch(t),
            tilt=self._tilt(t),
            zoom=1 + self._zoom(t),
            blink=self._lids + (1 - self._lids) * blink,
            gaze_x=self._gaze_x(t),
            gaze_y=self._gaze_y(t),
            brow=0.25 + 0.75 * self._brow(t),
            open=talks * np.clip(self._talk(t) * 0.65 + 0.38, 0, 1),
            smile=0.46 + 0.54 * self._smile(t),
        )


def _wave(
    rng: np.random.Generator, limit: float, shortest: float, longest: float, sharpness: float = 1.8
) -> Callable[[Array], Array]:
    """A sum of three sinusoids with periods (frames) in a range, softly clipped to +-`limit`.

    With greater `sharpness` it stays longer at the limits and moves faster between them.
    """
    # Spread over the range: equal periods would beat, and a video could stand still.
    periods = np.geomspace(shortest, longest, 4)
    frequency = 2 * np.pi / rng.uniform(periods[:-1], periods[1:])
    phase = rng.uniform(0, 2 * np.pi, size=3)
    weight = np.array([0.18, 0.36, 0.46]) * rng.uniform(0.8, 1.2, size=3)

    def wave(t: Array) -> Array:
        total = np.sin(t[..., None] * frequency + phase) @ weight
        return limit * np.tanh(sharpness * total) / np.tanh(sharpness * 1.2)

    return wave
