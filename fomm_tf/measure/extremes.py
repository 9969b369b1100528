"""A sheet of the frames with the largest and the smallest error: to look before believing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

ROWS = 4
_LINE = 18
_GAP = 8


class _Row(NamedTuple):
    error: float
    label: str
    picture: np.ndarray


class Extremes:
    """Keeps the `ROWS` worst frames and the `ROWS` best ones of those added."""

    def __init__(self) -> None:
        self._worst: list[_Row] = []
        self._best: list[_Row] = []

    def add(self, error: float, label: str, draw: Callable[[], np.ndarray]) -> None:
        """A frame; `draw` gives its picture, uint8 [H, W, 3], and is asked only if it is kept."""
        is_worst = len(self._worst) < ROWS or error > self._worst[-1].error
        is_best = len(self._best) < ROWS or error < self._best[-1].error
        if not is_worst and not is_best:
            return
        row = _Row(error, label, draw())
        if is_worst:
            self._worst = sorted([*self._worst, row], key=lambda row: -row.error)[:ROWS]
        if is_best:
            self._best = sorted([*self._best, row], key=lambda row: row.error)[:ROWS]

    def sheet(self) -> np.ndarray:
        """uint8 [H, W, 3]: the worst on the left, the best on the right, with their labels.

        Raises ValueError if no frame was added.
        """
        columns = [_column("worst", self._worst), _column("best", self._best)]
        height = max(column.height for column in columns)
        sheet = Image.new("RGB", (columns[0].width + _GAP + columns[1].width, height), "white")
        sheet.paste(columns[0], (0, 0))
        sheet.paste(columns[1], (columns[0].width + _GAP, 0))
        return np.array(sheet)


def _column(title: str, rows: list[_Row]) -> Image.Image:
    if not rows:
        raise ValueError("no frame was added")
    height = sum(row.picture.shape[0] + _LINE for row in rows)
    column = Image.new("RGB", (max(row.picture.shape[1] for row in rows), height), "white")
    draw, y = ImageDraw.Draw(column), 0
    for number, row in enumerate(rows, 1):
        draw.text((2, y + 3), f"{title} {number}: {row.label}", fill="black")
        column.paste(Image.fromarray(row.picture), (0, y + _LINE))
        y += row.picture.shape[0] + _LINE
    return column
