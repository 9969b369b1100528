"""Flat files of named arrays (.npz), read as untrusted input."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fomm_tf.errors import ModelError

# NumPy before 2.1 stores `savez`'s argument `allow_pickle` as one more array; such files are
# otherwise valid.
_STRAY = "allow_pickle"
# Allowance for an array's header in the file.
_HEADER = 1024
_DAMAGE = (
    ValueError,
    EOFError,
    KeyError,
    NotImplementedError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)


def save_arrays(path: Path, entries: Mapping[str, np.ndarray]) -> None:
    """Writes an uncompressed .npz. Raises ValueError for arrays of Python objects."""
    arrays = {name: np.asarray(value) for name, value in entries.items()}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise ValueError(f"{name} is an array of Python objects")
    np.savez(path, **arrays)  # type: ignore[arg-type]  # no array is named allow_pickle


def read_arrays(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Reads an .npz; pickles are not loaded, and it may not unpack to more than `shapes` need.

    The caller must check names and shapes. Raises ModelError.
    """
    budget = sum(8 * int(np.prod(shape)) + _HEADER for shape in shapes.values())
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > budget:
                raise ModelError(f"{path} is larger than the weights of its config")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files if name != _STRAY}
    except _DAMAGE as error:
        raise ModelError(f"{path} is damaged or not a weights file ({error})") from error


def array_names(path: Path) -> list[str]:
    """The names of an .npz's arrays, none of which is read. Raises ModelError."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except _DAMAGE as error:
        raise ModelError(f"{path} is damaged or not a weights file ({error})") from error


def section(entries: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """The entries under `name/`, without that prefix."""
    prefix = f"{name}/"
    return {k.removeprefix(prefix): v for k, v in entries.items() if k.startswith(prefix)}
