"""Atomic writing of files and folders (a temporary sibling, then renamed), and sorting them."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary path beside `path`; renames it to `path` when the block succeeds.

    The temporary name keeps the suffix: encoders choose the format by it. On any exception the
    temporary file is removed and what was at `path` stays. Missing parent folders are created. An
    OSError without a file name (a full disk) gets that of `path`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_neighbour(path)
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if error.filename is None or str(error.filename) == str(temporary):
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def temporary_neighbour(path: Path) -> Path:
    """An unused hidden path beside `path`, with its suffix.

    Long names are shortened, so that the result is valid wherever the name of `path` is.
    """
    mark = f".{secrets.token_hex(4)}"
    stem = os.fsencode(path.stem)
    # Whole characters only: some file systems refuse invalid UTF-8.
    kept = stem[: max(8, len(stem) - len(mark) - 1)].decode("utf-8", "ignore")
    return path.with_name(f".{kept or 'new'}{mark}{path.suffix}")


@contextmanager
def replacing_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a new folder beside `path`, which becomes `path` when the block succeeds.

    An existing folder is then removed; the caller must check that it may be. On any exception the
    new folder is removed and what was at `path` stays. Missing parent folders are created.
    """
    path = Path(path).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    new, old = temporary_neighbour(path), temporary_neighbour(path)
    new.mkdir()
    try:
        yield new
        if path.exists():
            os.rename(path, old)
        try:
            os.rename(new, path)
        except OSError:
            if old.exists():
                os.rename(old, path)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a text in UTF-8, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, data: Any) -> None:
    """Writes JSON, atomically. Raises ValueError for NaN and infinity."""
    write_text(path, json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def natural_order(path: Path) -> tuple:
    """Sort key for paths of one folder: natural order of names (2.png, 10.png)."""
    parts = re.split(r"(\d+)", path.name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], path.name


def remove_leftovers(folder: Path) -> None:
    """Removes temporary files that `replacing` left in `folder` when its process was killed."""
    for path in folder.glob(".*"):
        if re.fullmatch(r"\..+\.[0-9a-f]{8}\.\w+", path.name):
            path.unlink(missing_ok=True)
