"""Writes checkpoint files by hand, instruction by instruction: rightful and hostile ones."""

from __future__ import annotations

import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

START = b"\x80\x02"


class Raw(bytes):
    """Pickle instructions that `code` passes through."""


def code(value: Any) -> Raw:
    """The instructions that build a value; `Raw` parts stand for themselves."""
    if isinstance(value, Raw):
        return value
    if value is None:
        return Raw(b"N")
    if isinstance(value, bool):
        return Raw(b"\x88" if value else b"\x89")
    if isinstance(value, int):
        data = pickle.encode_long(value)
        return Raw(b"\x8a" + bytes([len(data)]) + data)
    if isinstance(value, float):
        return Raw(b"G" + struct.pack(">d", value))
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogatepass")
        return Raw(b"X" + struct.pack("<I", len(data)) + data)
    if isinstance(value, bytes):
        return Raw(b"B" + struct.pack("<I", len(value)) + value)
    if isinstance(value, tuple):
        return Raw(b"(" + b"".join(map(code, value)) + b"t")
    if isinstance(value, list):
        return Raw(b"](" + b"".join(map(code, value)) + b"e")
    pairs = b"".join(code(key) + code(item) for key, item in value.items())
    return Raw(b"}(" + pairs + b"u")


def pickled(value: Any, protocol: int) -> Raw:
    """The instructions of Python's own pickle, without its start and stop. They count what they
    remember from 0: only one of them fits into a file."""
    return Raw(pickle.dumps(value, protocol)[2:-1])


def name(module: str, attribute: str) -> Raw:
    return Raw(f"c{module}\n{attribute}\n".encode())


def call(function: Raw, *arguments: Any) -> Raw:
    return Raw(function + code(arguments) + b"R")


def build(target: Any, state: Any) -> Raw:
    return Raw(code(target) + code(state) + b"b")


def ordered_dict(pairs: dict[str, Any], state: Any = None) -> Raw:
    empty = name("collections", "OrderedDict") + b")R"
    items = b"".join(code(key) + code(value) for key, value in pairs.items())
    filled = Raw(empty + b"(" + items + b"u")
    return filled if state is None else build(filled, state)


def storage(key: Any, count: Any, kind: str = "FloatStorage", *view: Any) -> Raw:
    module = "torch.storage" if kind == "UntypedStorage" else "torch"
    return Raw(code(("storage", name(module, kind), key, "cpu", count, *view)) + b"Q")


def tensor(where: Raw, size: Any, stride: Any, offset: Any = 0, version: str = "_v2") -> Raw:
    function = name("torch._utils", f"_rebuild_tensor{version}")
    rest = (False, Raw(name("collections", "OrderedDict") + b")R")) if version == "_v2" else ()
    return call(function, where, offset, size, stride, *rest)


def write_zip(
    path: Path,
    body: Any,
    storages: dict[str, bytes] | None = None,
    root: str = "archive",
    entries: dict[str, bytes] | None = None,
    method: int = zipfile.ZIP_STORED,
) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(f"{root}/data.pkl", START + code(body) + b".")
        for key, data in (storages or {}).items():
            archive.writestr(f"{root}/data/{key}", data)
        for entry, data in (entries or {}).items():
            archive.writestr(entry, data)
    return path


def write_arrays(path: Path, checkpoint: dict[str, Any]) -> Path:
    """Writes what `read_checkpoint` returned, as a new archive."""
    kinds = {"float32": "FloatStorage", "int64": "LongStorage"}
    storages: dict[str, bytes] = {}

    def coded(value: Any) -> Raw:
        if isinstance(value, dict):
            return code({key: coded(item) for key, item in value.items()})
        if not isinstance(value, np.ndarray):
            return code(value)
        key = str(len(storages))
        storages[key] = value.tobytes()
        stride = tuple(step // value.itemsize for step in np.array(value, order="C").strides)
        return tensor(storage(key, value.size, kinds[value.dtype.name]), value.shape, stride)

    return write_zip(path, coded(checkpoint), storages)


def write_legacy(
    path: Path,
    body: Any,
    storages: list[tuple[str, int, bytes]] | None = None,
    keys: list[str] | None = None,
) -> Path:
    storages = storages or []
    keys = [key for key, _, _ in storages] if keys is None else keys
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    pickles = [0x1950A86A20F9469CFC6C, 1001, system, body, keys]
    data = b"".join(START + code(value) + b"." for value in pickles)
    for _, count, elements in storages:
        data += struct.pack("<q", count) + elements
    path.write_bytes(data)
    return path
