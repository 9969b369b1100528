"""Writing files and folders whole or not at all (a temporary neighbour, then renamed), and sorting
them."""

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
    """Yields a temporary path beside `path`; renames it to `path` when the block ends well.

    The temporary name keeps the suffix: encoders choose the format by it. On any exception the
    temporary file is removed and what was at `path` stays. Missing parent folders are made. An
    OSError that does not say which file it is about (a full disk) gets the name of `path`.
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
    """A hidden path beside `path` that is not in use, with its suffix.

    Long names are shortened: where the name of `path` is as long as the file system allows, this
    one is no longer.
    """
    mark = f".{secrets.token_hex(4)}"
    stem = os.fsencode(path.stem)
    # Whole characters only: some file systems refuse what is no UTF-8.
    kept = stem[: max(8, len(stem) - len(mark) - 1)].decode("utf-8", "ignore")
    return path.with_name(f".{kept or 'new'}{mark}{path.suffix}")


@contextmanager
def replacing_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a new folder beside `path`, which becomes `path` when the block ends well.

    A folder that was there is removed then; whether it may be is for the caller to check. On any
    exception the new folder is removed and what was at `path` stays. Missing parents are made.
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
    """Writes a text in UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, data: Any) -> None:
    """Writes plain data, whole or not at all. Raises ValueError for numbers that JSON has not."""
    write_text(path, json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def natural_order(path: Path) -> tuple:
    """Key to sort paths of one folder by: name, numbers in it by their size (2.png, 10.png)."""
    parts = re.split(r"(\d+)", path.name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], path.name


def remove_leftovers(folder: Path) -> None:
    """Removes temporary files that `replacing` left in `folder` when its process was killed."""
    for path in folder.glob(".*"):
        if re.fullmatch(r"\..+\.[0-9a-f]{8}\.\w+", path.name):
            path.unlink(missing_ok=True)
