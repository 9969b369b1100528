"""The photographs to start from: a folder of pictures and a file of their landmarks."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from fomm_tf.data.portraits import topology as at
from fomm_tf.errors import DataError
from fomm_tf.face import detect_faces
from fomm_tf.face import landmarks as landmarks_of
from fomm_tf.files import natural_order
from fomm_tf.media.pictures import PICTURE_SUFFIXES, read_picture


class Sitter(NamedTuple):
    """A picture's file, and its landmarks [468, 3] in its pixels, z away from the camera."""

    path: Path
    landmarks: np.ndarray


def read_sitters(
    pictures: str | os.PathLike, landmarks: str | os.PathLike | None = None
) -> list[Sitter]:
    """The pictures of a folder with the landmarks of their faces.

    landmarks: an .npz file with `names` [N], the pictures' file names, and `landmarks` [N, 468, 3]
    of MediaPipe's face mesh: x and y in pixels of the picture, z in the same unit; pictures without
    are left out. None: landmarks.npz of the folder if there is one, else the largest face of each
    picture is found (extra `face`). Raises DataError for a folder or file that is missing or
    different, ModelError where the extra is needed and not installed.
    """
    pictures = Path(pictures)
    if not pictures.is_dir():
        raise DataError(f"{pictures}: no such folder; give a folder of photographs of faces")
    if landmarks is None and (pictures / "landmarks.npz").is_file():
        landmarks = pictures / "landmarks.npz"
    if landmarks is None:
        sitters, where = _found(pictures), "faces were found in"
    else:
        sitters, where = _listed(pictures, Path(landmarks)), f"{landmarks} names"
    if len(sitters) < 2:
        raise DataError(f"{where} {len(sitters)} of the pictures in {pictures}; 2 are needed")
    return sitters


def _listed(pictures: Path, landmarks: Path) -> list[Sitter]:
    names, points = _read(landmarks)
    files = [pictures / name for name in names]
    pairs = zip(files, points, strict=True)
    return [Sitter(file, face) for file, face in pairs if file.is_file()]


def _found(pictures: Path) -> list[Sitter]:
    files = [path for path in pictures.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES]
    sitters = []
    for path in tqdm(sorted(files, key=natural_order), "finding faces", unit="picture"):
        picture = read_picture(path)
        if faces := detect_faces(picture):
            points = landmarks_of(picture, faces[0])
            assert points is not None, "detect_faces asks for them"
            sitters.append(Sitter(path, points.astype(np.float64)))
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
