"""A run's figures over its steps, in `metrics.jsonl` and for TensorBoard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

from fomm_tf.files import write_text
from fomm_tf.measure.run_metrics import METRICS_FILE, Record, read_metrics


class RunLog:
    """Appends figures to `folder`/metrics.jsonl and to the default `tf.summary` writer.

    done: the step from which the run goes on; lines of later steps, which a killed run left, are
    removed. writes: whether this process writes the file, or only remembers.
    """

    def __init__(self, folder: Path, done: int, writes: bool = True):
        self._path, self._writes = folder / METRICS_FILE, writes
        self.records: list[Record] = read_metrics(self._path) if self._path.exists() else []
        self.keep(done)

    def keep(self, done: int) -> None:
        """Forgets what comes after step `done`."""
        self.records = [record for record in self.records if record["step"] <= done]
        if self._writes:
            write_text(self._path, "".join(f"{json.dumps(record)}\n" for record in self.records))

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Figures of a step by their TensorBoard names, as `loss/pixel`."""
        for name, value in figures.items():
            tf.summary.scalar(name, value, step=step)
        self.records.append({"step": step, **figures})
        if self._writes:
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(json.dumps(self.records[-1]) + "\n")
