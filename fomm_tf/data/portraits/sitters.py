"""The photographs to start from: a folder of pictures and a file of their landmarks."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fomm_tf.data.portraits import topology as at
from fomm_tf.errors import DataError


class Sitter(NamedTuple):
    """A picture's file, and its landmarks [468, 3] in its pixels, z away from the camera."""

    path: Path
    landmarks: np.ndarray


def read_sitters(pictures: str | os.PathLike, landmarks: str | os.PathLike) -> list[Sitter]:
    """The pictures of a folder that the file of landmarks names, in its order.

    landmarks: an .npz file with `names` [N], the pictures' file names, and `landmarks` [N, 468, 3]
    of MediaPipe's face mesh: x and y in pixels of the picture, z in the same unit. Raises DataError
    for a folder or file that is missing or different.
    """
    pictures, landmarks = Path(pictures), Path(landmarks)
    if not pictures.is_dir():
        raise DataError(f"{pictures}: no such folder; give a folder of photographs of faces")
    names, points = _read(landmarks)
    sitters = [
        Sitter(pictures / name, face)
        for name, face in zip(names, points, strict=True)
        if (pictures / name).is_file()
    ]
    if len(sitters) < 2:
        raise DataError(
            f"{landmarks} names {len(sitters)} of the pictures in {pictures}; at least 2 are needed"
        )
    return sitters


def _read(path: Path) -> tuple[list[str], np.ndarray]:
    if not path.is_file():
        raise DataError(f"{path}: no such file; give the landmarks of the pictures, --landmarks")
    try:
        with np.load(path, allow_pickle=False) as file:
            names, points = file["names"], file["landmarks"].astype(np.float64)
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: is no .npz file with names and landmarks ({error})") from error
    wanted = (len(names), at.LANDMARKS, 3)
    if names.ndim != 1 or points.shape != wanted or not np.isfinite(points).all():
        raise DataError(
            f"{path}: landmarks must be finite numbers [{len(names)}, {at.LANDMARKS}, 3], one set"
            f" for each name, not {list(points.shape)}"
        )
    return [Path(str(name)).name for name in names], points
