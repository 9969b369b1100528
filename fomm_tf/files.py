"""Writing files whole or not at all (a temporary neighbour, then renamed), and sorting them."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary path beside `path`; renames it to `path` when the block ends well.

    The temporary name keeps the suffix: encoders choose the format by it. On any exception the
    temporary file is removed and what was at `path` stays. Missing parent folders are made. An
    OSError that does not say which file it is about (a full disk) gets the name of `path`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
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


def natural_order(path: Path) -> tuple:
    """Key to sort paths of one folder by: name, numbers in it by their size (2.png, 10.png)."""
    parts = re.split(r"(\d+)", path.name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], path.name


def remove_leftovers(folder: Path) -> None:
    """Removes temporary files that `replacing` left in `folder` when its process was killed."""
    for path in folder.glob(".*"):
        if re.fullmatch(r"\..+\.[0-9a-f]{8}\.\w+", path.name):
            path.unlink(missing_ok=True)
