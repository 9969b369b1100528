"""Tensors and storages in a PyTorch checkpoint's pickle: inert records, every argument checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from fomm_tf.errors import ModelError

# torch storage class -> name of its element type
STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "UntypedStorage": "uint8",
}
ITEM_SIZES = {
    **{"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "bool": 1},
    **{"int64": 8, "int32": 4, "int16": 2, "int8": 1},
    **{"uint64": 8, "uint32": 4, "uint16": 2, "uint8": 1},
}
MAX_DIMENSIONS = 32
MAX_KEY_LENGTH = 500
_INT64_END = 2**63


@dataclass(frozen=True)
class Storage:
    """A named run of `count` elements; `view` is (first, how many) of them, or None for all."""

    key: str
    dtype: str
    count: int
    view: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Tensor:
    """A strided window on a storage, checked to lie within the size that the storage claims."""

    storage: Storage
    dtype: str
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True)
class Name:
    """A name of the allow-list, as an inert token."""

    name: str


STORAGE_NAMES = {f"torch.{name}": dtype for name, dtype in STORAGES.items()} | {
    "torch.storage.UntypedStorage": "uint8"
}
DTYPE_NAMES = {f"torch.{name}": name for name in ITEM_SIZES}


def shown(name: Any) -> str:
    """A string of the file, quoted so that it is safe and short in a one-line message."""
    text = name if isinstance(name, str) else type(name).__name__
    return repr(text if len(text) <= 80 else text[:77] + "...")


def set_item(target: dict, key: Any, value: Any) -> None:
    # Nested tuples as keys could exhaust the C stack while they are hashed; no checkpoint has any.
    if not isinstance(key, (str, int, float)):
        raise ValueError(f"a dict has a key of type {type(key).__name__}")
    # Keys end up in messages: no control characters there, and no pages of text.
    if isinstance(key, str) and (len(key) > MAX_KEY_LENGTH or not key.isprintable()):
        raise ValueError(f"a dict has the key {shown(key)}")
    target[key] = value


def integers(values: Any) -> tuple[int, ...]:
    if not isinstance(values, (tuple, list)) or len(values) > MAX_DIMENSIONS:
        raise ValueError("a size or stride has an unknown form")
    return tuple(_integer(value) for value in values)


def _integer(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _INT64_END:
        raise ValueError("a size, stride or offset is no natural number")
    return value


def refuse_impossible(size: tuple[int, ...]) -> None:
    if math.prod(max(n, 1) for n in size) >= _INT64_END // 8:
        raise ModelError(f"a tensor or array claims the impossible size {list(size)}")


def storage_of(reference: Any) -> Storage:
    """The storage of a persistent id: ("storage", type, key, location, elements[, view])."""
    if not isinstance(reference, tuple) or not reference:
        raise ValueError("a storage has an unknown form")
    if reference[0] == "module":
        raise ModelError("holds a whole network with its program code, not a state dict; refused")
    if reference[0] != "storage" or len(reference) not in (5, 6):
        raise ValueError("a storage has an unknown form")
    _, kind, key, _, count = reference[:5]
    if not isinstance(kind, Name) or kind.name not in STORAGE_NAMES or not isinstance(key, str):
        raise ValueError("a storage has an unknown form")
    view = reference[5] if len(reference) == 6 else None
    count = _integer(count)
    if view is not None:
        if not isinstance(view, tuple) or len(view) != 3:
            raise ValueError("a storage's view has an unknown form")
        view = (_integer(view[1]), _integer(view[2]))
        if view[0] + view[1] > count:
            raise ModelError(f"the view on storage {shown(key)} reaches beyond the storage's end")
    return Storage(key, STORAGE_NAMES[kind.name], count, view)


def tensor_of(kind: str, arguments: tuple) -> Tensor:
    """The record of `torch._utils.<kind>(storage, offset, size, stride, ...)`."""
    if len(arguments) < 4 or not isinstance(arguments[0], Storage):
        raise ValueError("a tensor has an unknown form")
    storage, offset = arguments[0], _integer(arguments[1])
    size, stride = integers(arguments[2]), integers(arguments[3])
    if len(size) != len(stride):
        raise ValueError("a tensor's size and stride differ in length")
    dtype = storage.dtype
    if kind == "_rebuild_tensor_v3":
        token = arguments[6] if len(arguments) > 6 else None
        if not isinstance(token, Name) or token.name not in DTYPE_NAMES:
            raise ValueError("a tensor has an unknown element type")
        dtype = DTYPE_NAMES[token.name]
    held = storage.view[1] if storage.view else storage.count
    held_bytes = held * ITEM_SIZES[storage.dtype]
    reach = sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    end = offset + reach + 1 if all(size) else 0
    if end * ITEM_SIZES[dtype] > held_bytes:
        raise ModelError(
            f"a tensor of size {list(size)} reaches beyond its storage {shown(storage.key)}"
        )
    refuse_impossible(size)
    return Tensor(storage, dtype, offset if all(size) else 0, size, stride)
