"""The losses of a run: on the device until they are asked for, then in the bar and the log."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import tensorflow as tf
from tqdm import tqdm

from fomm_tf.training.guards import EXPLODED, StepError
from fomm_tf.training.run_log import RunLog

Tensors = Mapping[str, tf.Tensor]


class Progress:
    """Collects losses and sizes of steps without waiting for them; `fetch` waits.

    `bar`: shows what was fetched.
    """

    def __init__(self, bar: tqdm, log: RunLog, done: int, batch_size: int):
        self.bar, self.log, self.done, self.batch_size = bar, log, done, batch_size
        self._waiting: list[tuple[Tensors, Tensors]] = []
        self.start_clock()

    def start_clock(self) -> None:
        """Rates count from here: time for images and files is not part of the step's."""
        self._started, self._since = time.perf_counter(), self.done

    def add(self, losses: Tensors, sizes: Tensors) -> None:
        """What `BaseStep.run` returned of the next step."""
        self._waiting.append((losses, sizes))
        self.done += 1
        self.bar.update()

    def fetch(self, **figures: float) -> None:
        """Waits for all steps so far, and logs the last one with `figures`.

        Raises StepError for the first step in which something is not finite or has exploded.
        """
        if not self._waiting:
            return
        first = self.done - len(self._waiting) + 1
        fetched = tf.nest.map_structure(float, self._waiting)
        self._waiting = []
        for step, (losses, sizes) in enumerate(fetched, first):
            wrong = {name: value for name, value in losses.items() if not math.isfinite(value)}
            wrong |= {name: value for name, value in sizes.items() if not value < EXPLODED}
            if wrong:
                raise StepError(step, wrong)
        elapsed = time.perf_counter() - self._started
        rate = self.batch_size * (self.done - self._since) / elapsed
        losses, sizes = fetched[-1]
        self.bar.set_postfix({"loss": f"{sum(losses.values()):.3f}", "images/s": f"{rate:.1f}"})
        named = {f"loss/{name}": value for name, value in losses.items()}
        named |= {f"size/{name}": value for name, value in sizes.items()}
        self.log.write(self.done, named | figures | {"images_per_second": rate})

    def rewind(self, done: int) -> None:
        """Goes back to a step."""
        self._waiting, self.done, self.bar.n = [], done, done
        self.bar.refresh()
        self.log.keep(done)
        self.start_clock()
