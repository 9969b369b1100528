"""Arrays from the bytes of their elements, and NumPy's own pickles of numbers and arrays.

NumPy pickles a type as its code, a number as type and bytes, and an array as an empty one that
receives type, size and bytes afterwards (BUILD). All that is done here, for plain numbers and truth
values; arrays of objects, of records and of text are refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from fomm_tf.errors import ModelError
from fomm_tf.weights.torch_records import ITEM_SIZES, Name, integers, refuse_impossible, shown

# NumPy's code in a pickle -> name of the element type: "f8" is float64. It has no bfloat16.
_CODES = {np.dtype(name).str[1:]: name for name in ITEM_SIZES if name != "bfloat16"}


@dataclass(eq=False)
class DType:
    """A NumPy type; BUILD says its byte order."""

    name: str
    big_endian: bool = False


@dataclass(eq=False)
class Array:
    """A NumPy array, without content until BUILD has brought it."""

    values: np.ndarray | None = None

    def filled(self) -> np.ndarray:
        if self.values is None:
            raise ModelError("holds a NumPy array without content")
        return self.values


def decode(data: memoryview | bytes, dtype: str, big_endian: bool) -> np.ndarray:
    """The elements in `data` as a flat array in this machine's byte order."""
    if dtype == "bool":
        return np.frombuffer(data, np.uint8) != 0
    stored = np.dtype("uint16" if dtype == "bfloat16" else dtype)
    flat = np.frombuffer(data, stored.newbyteorder(">" if big_endian else "<"))
    flat = flat.astype(stored, copy=False)
    if dtype == "bfloat16":
        # bfloat16 is the upper half of a float32.
        return (flat.astype(np.uint32) << 16).view(np.float32)
    return flat


def numpy_dtype(arguments: tuple) -> DType:
    """numpy.dtype(code, align, copy)."""
    if len(arguments) != 3 or not isinstance(arguments[0], str):
        raise ValueError("a NumPy type has an unknown form")
    code = arguments[0]
    if code not in _CODES:
        raise ModelError(
            f"holds NumPy values of the type {shown(code)}, "
            "which a checkpoint has no need of; refused"
        )
    return DType(_CODES[code])


def set_dtype_state(dtype: DType, state: Any) -> None:
    """(version, byte order, subtype, names, fields, item size, alignment, flags)."""
    plain = (3, None, None, None, -1, -1, 0)
    if not isinstance(state, tuple) or len(state) != 8 or (state[0], *state[2:]) != plain:
        raise ValueError("a NumPy type has an unknown form")
    if state[1] not in ("<", ">", "|"):
        raise ValueError("a NumPy type has an unknown byte order")
    dtype.big_endian = state[1] == ">"


def numpy_scalar(arguments: tuple) -> bool | int | float:
    """numpy.core.multiarray.scalar(dtype, data)."""
    if len(arguments) != 2:
        raise ValueError("a NumPy number has an unknown form")
    return _values(arguments[1], arguments[0], (), "C").item()


def empty_array(arguments: tuple) -> Array:
    """numpy.core.multiarray._reconstruct(numpy.ndarray, (0,), b"b")."""
    if arguments != (Name("numpy.ndarray"), (0,), b"b"):
        raise ValueError("a NumPy array has an unknown form")
    return Array()


def set_array_state(array: Array, state: Any) -> None:
    """(version, size, dtype, whether the first index is the fastest, data)."""
    if not isinstance(state, tuple) or len(state) != 5 or state[0] != 1:
        raise ValueError("a NumPy array has an unknown form")
    _, size, dtype, fortran, data = state
    array.values = _values(data, dtype, size, "F" if fortran is True else "C")


def array_from_buffer(arguments: tuple) -> Array:
    """numpy.core.numeric._frombuffer(data, dtype, size, order[, axes]), of pickle protocol 5.

    Order "K" gives the size in memory and the axes that the array has in its place."""
    if len(arguments) not in (4, 5) or arguments[3] not in ("C", "F", "K"):
        raise ValueError("a NumPy array has an unknown form")
    data, dtype, size, order = arguments[:4]
    values = _values(data, dtype, size, "F" if order == "F" else "C")
    if order == "K":
        axes = integers(arguments[4])
        if sorted(axes) != list(range(values.ndim)):
            raise ValueError("a NumPy array has an unknown order of axes")
        values = values.transpose(axes)
    return Array(values)


def _values(data: Any, dtype: Any, size: Any, order: Any) -> np.ndarray:
    if not isinstance(dtype, DType) or not isinstance(data, bytes):
        raise ValueError("a NumPy number or array has an unknown form")
    size = integers(size)
    refuse_impossible(size)
    expected = math.prod(size) * ITEM_SIZES[dtype.name]
    if len(data) != expected:
        raise ModelError(
            f"a NumPy number or array of size {list(size)} has {len(data):,} bytes "
            f"instead of {expected:,}"
        )
    values = decode(data, dtype.name, dtype.big_endian).reshape(size, order=order)
    values.flags.writeable = False
    return values
