"""Validation while training: reconstruction of held-out videos, as `evaluate` measures it."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from fomm_tf.data.dataset import FramesDataset
from fomm_tf.errors import DataError
from fomm_tf.measure.metrics import Score, reconstruct

VIDEOS, FRAMES = 8, 32
"""Of the "test" videos at most so many, and of each its first frames: it must be short."""


def validate(model: Any, dataset: FramesDataset) -> dict[str, float]:
    """L1, PSNR and SSIM of the reconstructed frames, as `validation/l1` and so on.

    Raises DataError if no video can be read.
    """
    total = Score()
    for index in range(min(VIDEOS, len(dataset.clips))):
        score = Score()
        try:
            for step in reconstruct(model, itertools.islice(dataset.video(index), FRAMES)):
                score.add(step.prediction, step.driving)
        except (DataError, OSError) as error:
            tqdm.write(f"warning: {error} (not validated on)", file=sys.stderr)
            continue
        total.merge(score)
    if not total.frames:
        raise DataError(f"{dataset.root}: no video to validate on can be read")
    return {f"validation/{name}": getattr(total, name) for name in ("l1", "psnr", "ssim")}


def since_best(records: Sequence[dict[str, float]]) -> int | None:
    """How many validations ago the lowest L1 was: 0 for the last one; None if there was none."""
    losses = [record["validation/l1"] for record in records if "validation/l1" in record]
    return len(losses) - 1 - losses.index(min(losses)) if losses else None
