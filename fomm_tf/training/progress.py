"""The losses of a run: on the device until they are asked for, then in the bar and TensorBoard."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import tensorflow as tf
from tqdm import tqdm

from fomm_tf.errors import UserError

Losses = Mapping[str, tf.Tensor]


class NotFiniteError(UserError):
    """A loss became NaN or infinite. `step`: the step, counted from 1."""

    def __init__(self, step: int, names: list[str], value: float):
        super().__init__(f"{', '.join(names)} became {value} at step {step}")
        self.step = step


class Progress:
    """Collects the losses of steps without waiting for them; `fetch` waits.

    `bar`: shows what was fetched. Scalars go to the default `tf.summary` writer.
    """

    def __init__(self, bar: tqdm, done: int, batch_size: int):
        self.bar, self.done, self.batch_size = bar, done, batch_size
        self._waiting: list[Losses] = []
        self.start_clock()

    def start_clock(self) -> None:
        """Rates count from here: time for images and files is not part of the step's."""
        self._started, self._since = time.perf_counter(), self.done

    def add(self, losses: Losses) -> None:
        """The weighted losses of the next step."""
        self._waiting.append(losses)
        self.done += 1
        self.bar.update()

    def fetch(self) -> None:
        """Waits for all steps so far, and writes the last one's losses.

        Raises NotFiniteError for the first step whose losses are not.
        """
        if not self._waiting:
            return
        first = self.done - len(self._waiting) + 1
        fetched = tf.nest.map_structure(float, self._waiting)
        self._waiting = []
        for step, losses in enumerate(fetched, first):
            wrong = [name for name, value in losses.items() if not math.isfinite(value)]
            if wrong:
                raise NotFiniteError(step, wrong, losses[wrong[0]])
        elapsed = time.perf_counter() - self._started
        rate = self.batch_size * (self.done - self._since) / elapsed
        losses = fetched[-1]
        self.bar.set_postfix({"loss": f"{sum(losses.values()):.3f}", "images/s": f"{rate:.1f}"})
        for name, value in losses.items():
            tf.summary.scalar(f"loss/{name}", value, step=self.done)
        tf.summary.scalar("images_per_second", rate, step=self.done)
