"""Reads landmark annotations from a CSV file, and maps landmarks to fitted pictures. No
TensorFlow."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fomm_tf.errors import DataError

SPLITS = ("train", "test")
# Marks a coordinate that is not annotated, as in the official files.
_MISSING = -1


class AnnotatedPicture(NamedTuple):
    """A picture's file, its split ("train" or "test"), and its landmarks [L, 2], x then y in pixels
    from the centre of the first pixel; NaN: not annotated."""

    path: Path
    split: str
    landmarks: np.ndarray


def read_annotations(
    path: str | os.PathLike, root: str | os.PathLike
) -> tuple[list[str], list[AnnotatedPicture]]:
    """The names of the landmarks, and the annotated pictures of a CSV file.

    Its first line names the columns: `picture`, a path inside `root`; `split` (optional if all
    paths begin with train/ or test/); then NAME_x and NAME_y of each landmark. -1 marks a
    coordinate that is not annotated. Raises DataError, with the line number, if the file has
    another format, names a missing picture, or has no picture of one of the splits.
    """
    path, root = Path(path), Path(root)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            with _naming_line(path, reader):
                lines = ([cell.strip() for cell in cells] for cells in reader if cells)
                names, has_split = _columns(next(lines, []))
                pictures: dict[Path, AnnotatedPicture] = {}
                for cells in lines:
                    picture = _picture(cells, root, has_split, len(names))
                    if picture.path in pictures:
                        raise ValueError(f"{cells[0]} is annotated twice")
                    pictures[picture.path] = picture
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file of landmarks") from error
    for split in SPLITS:
        if not any(picture.split == split for picture in pictures.values()):
            raise DataError(f"{path}: annotates no {split} picture; it needs some of both splits")
    return names, list(pictures.values())


def landmarks_in_frame(
    landmarks: np.ndarray, picture_size: tuple[int, int], size: tuple[int, int]
) -> np.ndarray:
    """Maps landmarks [L, 2] of a picture of (height, width) to its version cropped and resized to
    `size` by `data.pictures.fit`; cropped ones lie outside."""
    (height, width), (new_height, new_width) = picture_size, size
    scale = max(new_height / height, new_width / width)
    # Pixels are areas: the image centre is midway between the first and the last pixel's centre.
    middle, new_middle = ((np.array([w, h]) - 1) / 2 for h, w in (picture_size, size))
    return (landmarks - middle) * scale + new_middle


@contextmanager
def _naming_line(path: Path, reader: Any) -> Iterator[None]:
    """Errors name the CSV reader's current line."""
    try:
        yield
    except UnicodeDecodeError as error:
        # Text is decoded in blocks: the line is unknown.
        raise DataError(f"{path}: is not a CSV file ({error})") from error
    except (csv.Error, ValueError) as error:
        raise DataError(f"{path}, line {max(reader.line_num, 1)}: {error}") from error


def _columns(header: list[str]) -> tuple[list[str], bool]:
    """The landmarks' names, and whether there is a `split` column. Raises ValueError."""
    if header[:1] != ["picture"]:
        raise ValueError("the first column must be named picture, then split, NAME_x, NAME_y, ...")
    has_split = header[1:2] == ["split"]
    columns = header[1 + has_split :]
    names = [column.removesuffix("_x") for column in columns[::2]]
    if not names or columns != [f"{name}_{axis}" for name in names for axis in "xy"]:
        raise ValueError("after picture and split must be NAME_x, NAME_y of each landmark in turn")
    if "" in names or len(set(names)) < len(names):
        raise ValueError("every landmark needs a unique name")
    return names, has_split


def _picture(cells: list[str], root: Path, has_split: bool, count: int) -> AnnotatedPicture:
    """One line's picture. Raises ValueError if it is invalid."""
    expected = 1 + has_split + 2 * count
    if len(cells) != expected:
        raise ValueError(f"has {len(cells)} columns, but the first line has {expected}")
    place = Path(cells[0])
    if place.is_absolute() or ".." in place.parts:
        raise ValueError(f"{place}: must be a path inside the folder of pictures")
    split = cells[1] if has_split else "".join(place.parts[:1])
    if split not in SPLITS:
        where = "split must be" if has_split else "without a split column, the path must begin with"
        raise ValueError(f"{where} train or test, not {split!r}")
    path = root / place
    if not path.is_file():
        raise ValueError(f"{path}: no such picture")
    values = [_coordinate(cell) for cell in cells[1 + has_split :]]
    return AnnotatedPicture(path, split, np.reshape(values, [count, 2]))


def _coordinate(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{cell!r} must be a number in pixels, or -1 for not annotated")
    return math.nan if value == _MISSING else value
