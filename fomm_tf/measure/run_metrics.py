"""`metrics.jsonl`: the figures of a training run, one line for each step that was looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from fomm_tf.errors import DataError

METRICS_FILE = "metrics.jsonl"
Record = dict[str, float]
"""`step`, and figures by their TensorBoard names, as `loss/pixel`."""


def read_metrics(path: Path) -> list[Record]:
    """The lines of the file, without a last one that a kill cut off. Raises DataError."""
    return list(_records(path))


def _records(path: Path) -> Iterator[Record]:
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if isinstance(record, dict) and isinstance(record.get("step"), int):
            yield record
        elif number < len(lines):
            raise DataError(f"{path}, line {number}: is not a record of a run")
