"""Reads PyTorch checkpoints (`torch.save`) into NumPy arrays, without torch, running nothing.

Both serializations: the zip archive (PyTorch 1.6 and later: `<any root>/data.pkl`, one entry
`<root>/data/<key>` per storage, `<root>/byteorder`) and the older one (five pickles: magic number,
protocol version, system information, the object, the list of storage keys; then each storage as an
int64 count and its elements, little-endian). The pickles are read by `torch_pickle`.
Nothing is extracted to disk, and nothing is allocated that the size of the file does not justify.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from fomm_tf.errors import ModelError
from fomm_tf.weights.torch_arrays import Array, decode
from fomm_tf.weights.torch_pickle import read_pickle
from fomm_tf.weights.torch_records import ITEM_SIZES, Storage, Tensor, shown

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001
# A checkpoint's tree has a few levels and, with all optimizers, some ten thousand values.
MAX_DEPTH = 50
MAX_VALUES = 1_000_000
MAX_PICKLE_BYTES = 64 * 2**20
# Weights hardly shrink under deflate: an archive that grows much more than this is a bomb.
MAX_GROWTH = 16
FREE_GROWTH_BYTES = 64 * 2**20


def read_checkpoint(path: str | os.PathLike) -> dict[Any, Any]:
    """Returns the dict that was saved: nested dicts, lists, tuples, scalars; arrays for tensors.

    OrderedDicts become dicts in the same order, bfloat16 becomes float32, every other element type
    stays. The arrays are read-only views with the tensors' sizes and strides; tensors that share a
    storage share memory.

    What training scripts save beside weights is plain data too: Counters, defaultdicts and
    argparse's namespaces come as dicts, paths as text, NumPy's scalars as numbers and its arrays as
    read-only arrays, sets as sets, bytes and bytearrays as bytes.

    Raises ModelError, in one line, for a file that is missing, cut short or damaged, that is
    something else than a checkpoint, that asks for a name which a checkpoint has no need of, or
    whose tensors do not fit the storages in it.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ModelError("is a folder, not a checkpoint file")
        if not stat.S_ISREG(mode):
            raise ModelError("is no regular file")
        with open(path, "rb") as file:
            return _read(file, os.fstat(file.fileno()).st_size)
    except FileNotFoundError:
        raise ModelError(f"{path}: there is no such file") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None


def _read(file: BinaryIO, size: int) -> dict[Any, Any]:
    head = file.read(512)
    file.seek(0)
    _refuse_lookalikes(head)
    if head.startswith(b"PK"):
        value, storages, big_endian = _read_zip(file, size)
    else:
        value, storages, big_endian = _read_legacy(_Bounded(file, size))
    tree = _Builder(storages, big_endian).build(value)
    if not isinstance(tree, dict):
        raise ModelError(f"holds a {type(tree).__name__}, not the dict of a checkpoint")
    return tree


def _refuse_lookalikes(head: bytes) -> None:
    """Names the files that people have in place of a checkpoint, by their first 512 bytes."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if not head:
        raise ModelError("is empty; download or copy it again")
    if text.startswith(b"version https://git-lfs"):
        raise ModelError("is a git-lfs pointer, not the checkpoint; fetch it with `git lfs pull`")
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--")):
        raise ModelError("is a web page, not a checkpoint; the download link has led to a page")
    if head[257:262] == b"ustar":
        raise ModelError("is a tar archive, not a checkpoint; unpack it first")
    if head.startswith(b"\x1f\x8b"):
        raise ModelError("is gzip-compressed; unpack it first")
    if not head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\x80")):
        raise ModelError("is no PyTorch checkpoint")


class _Bounded:
    """A file as `read_pickle` wants it; refuses to read, and so to allocate, beyond its end."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = size

    def read(self, size: int) -> bytes:
        if size > self._left:
            raise ModelError(
                f"is cut short: {size:,} bytes are expected where {self._left:,} are left"
            )
        data = self._file.read(size)
        self._left -= len(data)
        return data

    def readline(self) -> bytes:
        data = self._file.readline(4096)
        self._left -= len(data)
        return data


def _read_legacy(file: _Bounded) -> tuple[Any, dict[str, memoryview], bool]:
    magic, _ = read_pickle(file)
    if magic != LEGACY_MAGIC:
        raise ModelError("is a pickle, but no PyTorch checkpoint")
    protocol, _ = read_pickle(file)
    if protocol != LEGACY_PROTOCOL:
        raise ModelError("has an unknown version of PyTorch's serialization")
    read_pickle(file)  # system information: the storages are little-endian whatever it says
    value, declared = read_pickle(file)
    keys, _ = read_pickle(file)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ModelError("has no list of storages")
    storages: dict[str, memoryview] = {}
    for key in keys:
        if key in storages or key not in declared:
            raise ModelError(
                f"lists storage {shown(key)}, which no tensor has or which it has twice"
            )
        (count,) = struct.unpack("<q", file.read(8))
        if count != declared[key].count:
            raise ModelError(
                f"storage {shown(key)} lies about its size: "
                f"{count:,} elements, where its tensors say {declared[key].count:,}"
            )
        storages[key] = memoryview(file.read(count * ITEM_SIZES[declared[key].dtype]))
    _refuse_missing(declared, storages)
    return value, storages, False


def _refuse_missing(declared: dict[str, Storage], found: dict[str, memoryview]) -> None:
    for key in declared:
        if key not in found:
            raise ModelError(f"has no data for storage {shown(key)}")


def _read_zip(file: BinaryIO, size: int) -> tuple[Any, dict[str, memoryview], bool]:
    try:
        with zipfile.ZipFile(file) as archive:
            return _read_archive(archive, size)
    except (
        *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
        # zipfile raises these for headers that make no sense, unknown methods and encryption.
        *(ValueError, OverflowError, IndexError, NotImplementedError, RuntimeError),
    ) as error:
        reason = " ".join(str(error).split())[:100]
        raise ModelError(f"is cut short or damaged ({reason}); copy it again") from None


def _read_archive(archive: zipfile.ZipFile, size: int) -> tuple[Any, dict[str, memoryview], bool]:
    entries = _entries(archive, size)
    roots = [name[:-9] for name in entries if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(roots) != 1:
        found = "several `*/data.pkl`" if roots else "no `*/data.pkl` inside"
        raise ModelError(f"is a zip archive, but no PyTorch checkpoint ({found})")
    root = roots[0]
    if f"{root}/constants.pkl" in entries or any(n.startswith(f"{root}/code/") for n in entries):
        raise ModelError("is a TorchScript archive (a program), not a checkpoint with a state dict")
    order = b"little"
    if f"{root}/byteorder" in entries:
        order = _entry(archive, entries[f"{root}/byteorder"], 6)
    if order not in (b"little", b"big"):
        raise ModelError("has an unknown byte order")
    pickled = _entry(archive, entries[f"{root}/data.pkl"], MAX_PICKLE_BYTES)
    value, declared = read_pickle(io.BytesIO(pickled))
    storages: dict[str, memoryview] = {}
    for key, storage in declared.items():
        info = entries.get(f"{root}/data/{key}")
        if info is None:
            continue
        expected = storage.count * ITEM_SIZES[storage.dtype]
        if info.file_size != expected:
            raise ModelError(
                f"storage {shown(key)} lies about its size: "
                f"{info.file_size:,} bytes, where its tensors say {expected:,}"
            )
        storages[key] = memoryview(_entry(archive, info, expected))
    _refuse_missing(declared, storages)
    return value, storages, order == b"big"


def _entries(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """The entries by name; refuses archives whose entries overlap, repeat or blow up."""
    infos = archive.infolist()
    entries = {info.filename: info for info in infos}
    if len(entries) != len(infos):
        raise ModelError("is a zip archive that has the same entry twice")
    if sum(info.compress_size for info in infos) > size:
        raise ModelError("is a zip archive whose entries are larger than the file itself")
    if sum(info.file_size for info in infos) > MAX_GROWTH * size + FREE_GROWTH_BYTES:
        raise ModelError("is a zip archive that would grow beyond reason when unpacked; refused")
    return entries


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    """The bytes of an entry (checked against its checksum), at most `limit`."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ModelError(f"entry {shown(info.filename)} is compressed in an unknown way")
    if info.file_size > limit:
        raise ModelError(f"entry {shown(info.filename)} is larger than it can rightly be")
    data = archive.read(info)
    if len(data) != info.file_size:
        raise ModelError(f"entry {shown(info.filename)} is cut short")
    return data


class _Builder:
    """Turns what the pickle describes into plain values and arrays on the storages."""

    def __init__(self, storages: dict[str, memoryview], big_endian: bool) -> None:
        self._storages = storages
        self._big_endian = big_endian
        self._elements: dict[tuple[Storage, str], np.ndarray] = {}
        self._left = MAX_VALUES

    def build(self, value: Any, depth: int = 0) -> Any:
        # The pickle may refer to one list from many places, or to a list from inside itself.
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise ModelError("is nested or repeated beyond reason; refused")
        if isinstance(value, dict):
            return {key: self.build(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self.build(item, depth + 1) for item in value)
        if isinstance(value, Tensor):
            return self._array(value)
        if isinstance(value, Array):
            return value.filled()
        # A set has plain members only.
        if value is None or isinstance(value, (str, int, float, bytes, set)):
            return value
        raise ModelError("holds something that is neither a tensor nor a plain value")

    def _array(self, tensor: Tensor) -> np.ndarray:
        elements = self._typed(tensor.storage, tensor.dtype)
        if 0 in tensor.size:
            return np.zeros(tensor.size, elements.dtype)
        return np.lib.stride_tricks.as_strided(
            elements[tensor.offset :],
            tensor.size,
            [step * elements.itemsize for step in tensor.stride],
            writeable=False,
        )

    def _typed(self, storage: Storage, dtype: str) -> np.ndarray:
        """The elements of a storage, or of a view on it, as a flat array."""
        if (storage, dtype) not in self._elements:
            item = ITEM_SIZES[storage.dtype]
            first, count = storage.view or (0, storage.count)
            data = self._storages[storage.key][first * item : (first + count) * item]
            data = data[: len(data) // ITEM_SIZES[dtype] * ITEM_SIZES[dtype]]
            self._elements[storage, dtype] = decode(data, dtype, self._big_endian)
        return self._elements[storage, dtype]
