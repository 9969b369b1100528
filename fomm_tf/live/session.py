"""Three threads: the camera, the model, and whoever shows the results. The newest frame wins."""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from fomm_tf.live.newest import Newest
from fomm_tf.live.puppet import Puppet

# Over how many seconds frames are counted, and latency is measured.
PERIOD = 2.0


class Captured(NamedTuple):
    """A camera's picture, uint8 [H, W, 3], and when it came (time.monotonic)."""

    image: np.ndarray
    time: float


class Animated(NamedTuple):
    """driving: what the model saw of the camera's picture, or None while no face is seen; result:
    the animated source, [H, W, 3]; captured: when the camera's picture came (time.monotonic)."""

    driving: np.ndarray | None
    result: np.ndarray
    captured: float


class Session:
    """Runs a camera and a puppet, each in its own thread, from `start` to `stop`.

    results: what the puppet makes; closed when the camera ends, with its error if it failed.
    """

    def __init__(self, camera: Iterator[np.ndarray], puppet: Puppet) -> None:
        self.results: Newest[Animated] = Newest()
        self._captured: Newest[Captured] = Newest()
        self._camera, self._puppet = camera, puppet
        self._stopped = threading.Event()

    @property
    def dropped(self) -> int:
        """How many of the camera's pictures are not shown: model or display were too slow."""
        return self._captured.dropped + self.results.dropped

    def start(self) -> None:
        # Daemons: a camera that hangs must not keep the program from ending.
        for work in (self._capture, self._animate):
            threading.Thread(target=work, daemon=True).start()

    def stop(self) -> None:
        """Asks both threads to end, with the frame in hand."""
        self._stopped.set()
        self._captured.close()

    def _capture(self) -> None:
        try:
            for image in self._camera:
                if self._stopped.is_set():
                    break
                self._captured.put(Captured(image, time.monotonic()))
        except BaseException as error:
            self._captured.close(error)
        self._captured.close()

    def _animate(self) -> None:
        try:
            while (captured := self._captured.take()) is not None:
                driving = self._puppet.fitted(captured.image)
                result = self._puppet.idle() if driving is None else self._puppet.animate(driving)
                self.results.put(Animated(driving, result, captured.time))
        except BaseException as error:
            self.results.close(error)
        self.results.close()


class Meter:
    """Frames per second and the time from the camera to here, over the last seconds."""

    def __init__(self) -> None:
        self._shown: deque[tuple[float, float]] = deque()

    def add(self, captured: float) -> None:
        """A frame that the camera gave at `captured` (time.monotonic) is shown now."""
        now = time.monotonic()
        self._shown.append((now, now - captured))
        while now - self._shown[0][0] > PERIOD:
            self._shown.popleft()

    @property
    def frames_per_second(self) -> float:
        if len(self._shown) < 2:
            return 0.0
        return (len(self._shown) - 1) / (self._shown[-1][0] - self._shown[0][0])

    @property
    def latency_ms(self) -> float:
        """The median; 0 before the first frame."""
        return 1000 * statistics.median([seconds for _, seconds in self._shown] or [0.0])

    def __str__(self) -> str:
        return f"{self.frames_per_second:.0f} frames/s, {self.latency_ms:.0f} ms behind the camera"
