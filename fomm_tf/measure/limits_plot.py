"""Draws the curves of `measure.limits`: a row for each measure, a column for each motion."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fomm_tf.measure.limits import MEASURES, MOTIONS, Curves

_LABELS = {
    "l1": "L1",
    "psnr": "PSNR, dB",
    "keypoints": "keypoint error, pixels",
    "leak": "L1 outside the person",
}


def save_limits_plot(models: list[Curves], path: Path) -> None:
    """Writes a plot in the format of the suffix of `path`. Needs matplotlib."""
    # Not through pyplot, which selects a display backend.
    from matplotlib.figure import Figure

    picture = Figure(figsize=(4 * len(MOTIONS), 2.8 * len(MEASURES)), dpi=110, layout="constrained")
    grid = picture.subplots(len(MEASURES), len(MOTIONS), sharey="row", squeeze=False)
    for column, (motion, (_, greatest, unit)) in enumerate(MOTIONS.items()):
        for row, measure in enumerate(MEASURES):
            axes = grid[row, column]
            for model in models:
                values = model.values[motion][measure]
                amounts = np.linspace(0, greatest, len(values))
                axes.plot(amounts, values, marker="o", markersize=3, label=model.name)
            axes.grid(color="#e4e4e4")
            axes.set_axisbelow(True)
            if column == 0:
                axes.set_ylabel(_LABELS[measure])
        grid[0, column].set_title(motion, loc="left", fontsize=11)
        grid[-1, column].set_xlabel(unit)
    grid[0, 0].legend(frameon=False, fontsize=8)
    picture.savefig(path)
