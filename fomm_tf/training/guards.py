"""What is done when a step goes wrong: its batch is kept for a look, and skipped if asked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from fomm_tf.errors import ModelError, UserError
from fomm_tf.files import replacing, write_json
from fomm_tf.media.pictures import write_picture
from fomm_tf.training.step import Batch
from fomm_tf.weights.arrays import save_arrays

EXPLODED = 1e10
"""Gradients and Jacobians beyond this cannot be trained with; nothing sound comes near it."""
MOST_SKIPPED = 10
_SKIPPED_FILE = "skipped.json"


class StepError(UserError):
    """A step with values that are not finite or have exploded. `step`: counted from 1."""

    def __init__(self, step: int, wrong: dict[str, float]):
        names = ", ".join(f"{name} ({value:g})" for name, value in wrong.items())
        super().__init__(f"not finite or exploded at step {step}: {names}")
        self.step = step


def save_batch(batch: Batch, folder: Path, step: int) -> Path:
    """Writes a batch as .npz, and its frames as a picture beside it: a row for each pair."""
    path = folder / f"step-{step:08d}.npz"
    arrays = {name: np.asarray(value) for name, value in batch.items()}
    with replacing(path) as temporary:
        save_arrays(temporary, arrays)
    columns = [np.concatenate(list(arrays[name])) for name in ("source", "driving")]
    shown = np.nan_to_num(np.concatenate(columns, axis=1)).clip(0, 1)
    write_picture(path.with_suffix(".png"), (255 * shown).round().astype(np.uint8))
    return path


class SkippedBatches:
    """The numbers of the batches that a run leaves out; kept in its folder for `--resume`."""

    def __init__(self, folder: Path):
        self._path = folder / _SKIPPED_FILE
        self.numbers: list[int] = []
        if self._path.exists():
            try:
                self.numbers = [int(number) for number in json.loads(self._path.read_text())]
            except (ValueError, TypeError) as error:
                raise ModelError(f"{self._path} is damaged; delete it or the run") from error

    def number(self, step: int) -> int:
        """The number of the batch of a step; both are counted from 0."""
        number = step
        for left_out in sorted(self.numbers):
            number += left_out <= number
        return number

    def add(self, number: int, writes: bool) -> None:
        """Leaves out one more. Raises UserError if that is `MOST_SKIPPED`: it is not the data."""
        if len(self.numbers) >= MOST_SKIPPED:
            raise UserError(f"{MOST_SKIPPED} batches were skipped already: it is not the data")
        self.numbers.append(number)
        if writes:
            write_json(self._path, self.numbers)
