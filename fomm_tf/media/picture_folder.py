"""A folder with one picture for each frame of a video."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from fomm_tf.errors import DataError
from fomm_tf.files import natural_order
from fomm_tf.media.pictures import PICTURE_SUFFIXES, WHITE, Color, read_picture

# Frames per second of a folder of pictures, which has no rate of its own.
FOLDER_FPS = 25.0


def pictures_in(path: Path) -> list[Path]:
    files = [
        file
        for file in path.iterdir()
        if file.suffix.lower() in PICTURE_SUFFIXES and not file.name.startswith(".")
    ]
    if not files:
        raise DataError(f"{path}: the folder has no pictures, so it is no video")
    return sorted(files, key=natural_order)


def of_one_size(files: Sequence[Path], ground: Color = WHITE) -> Iterator[np.ndarray]:
    shape = None
    for file in files:
        image = read_picture(file, ground)
        shape = shape or image.shape
        if image.shape != shape:
            raise DataError(
                f"{file}: is {image.shape[1]}x{image.shape[0]}, but {files[0].name} is "
                f"{shape[1]}x{shape[0]}; all frames must have one size"
            )
        yield image
