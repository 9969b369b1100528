"""The files of a run: the model, checkpoints, the best model, pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from fomm_tf.errors import ModelError, UserError
from fomm_tf.files import remove_leftovers, write_json
from fomm_tf.media.pictures import write_picture
from fomm_tf.training.background import BackgroundWriter
from fomm_tf.training.checkpoints import (
    check_finite,
    checkpoint_number,
    list_checkpoints,
    save_checkpoint,
    training_state,
)
from fomm_tf.training.ema import averaged_weights
from fomm_tf.training.run_file import RUN_FILE
from fomm_tf.training.step import BaseStep


class RunFolder:
    """Writes the state of `step` into `out`, large files in the background.

    keep: how many checkpoints. writes: False for a worker that is not the chief, which writes
    nothing.
    """

    def __init__(self, out: Path, step: BaseStep, keep: int, writes: bool):
        self.out, self.step, self.keep, self.writes = out, step, keep, writes
        self.checkpoints, self.pictures = out / "checkpoints", out / "pictures"
        self._writer = BackgroundWriter()

    def start(self, identity: dict) -> None:
        """Makes the folders, without what a killed run left half-written, and run.json."""
        if not self.writes:
            return
        for folder in (self.out, self.checkpoints, self.pictures):
            folder.mkdir(parents=True, exist_ok=True)
            remove_leftovers(folder)
        write_json(self.out / RUN_FILE, identity)
        self.step.config.save(self.out / "config.yaml")

    def newest(self) -> Path | None:
        """The last checkpoint; waits for one that is being written."""
        self._writer.wait()
        saved = list_checkpoints(self.checkpoints)
        return saved[-1] if saved else None

    def last_good(self) -> str:
        """Where the last checkpoint is, for messages."""
        path = self.newest()
        return f"The last good checkpoint is {path}" if path else "Nothing was saved yet"

    def save(self, done: int) -> None:
        """The model and a checkpoint of step `done`, unless that is there.

        Raises UserError if a weight is not finite, and what the last writing in the background
        raised.
        """
        path = self.newest()
        if not self.writes or (path and checkpoint_number(path) == done):
            return
        state = self._finite_state()
        with averaged_weights(self.step):
            weights = self.step.model.weights()

        def write() -> None:
            # The model first: where there is a checkpoint, the model is at least as new.
            self.step.model.save(self.out, weights)
            save_checkpoint(state, self.checkpoints, done, self.keep)

        self._writer.submit(write)

    def save_model(self, name: str) -> None:
        """A model folder inside the run's. Raises as `save` does."""
        if not self.writes:
            return
        self._finite_state()
        with averaged_weights(self.step):
            weights = self.step.model.weights()
        self._writer.submit(partial(self.step.model.save, self.out / name, weights))

    def wait(self) -> None:
        """Returns when everything is on disk. Raises what writing raised."""
        self._writer.wait()

    def write_picture(self, picture: np.ndarray, done: int) -> None:
        """A picture of the model's results, also for TensorBoard."""
        tf.summary.image("training", picture[None], step=done)
        write_picture(self.pictures / f"step-{done:08d}.png", picture)

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Within the block `tf.summary` writes into the run's `logs`."""
        if not self.writes:
            yield
            return
        with tf.summary.create_file_writer(str(self.out / "logs")).as_default():
            yield

    def _finite_state(self) -> dict[str, np.ndarray]:
        state = training_state(self.step)
        try:
            check_finite(state)
        except ModelError as error:
            raise UserError(f"{error}; stopped. {self.last_good()}") from error
        return state
