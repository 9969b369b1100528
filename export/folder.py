"""A folder that is written whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fomm_tf.errors import ModelError
from fomm_tf.manifest import GRAPH_FILES, MANIFEST_FILE

_OURS = {MANIFEST_FILE, *GRAPH_FILES}


def check_replaceable(out: Path) -> None:
    """Raises ModelError unless `out` is free, empty or an exported model and nothing else."""
    if out.is_dir():
        names = {path.name for path in out.iterdir()}
        if names and not (MANIFEST_FILE in names and names <= _OURS):
            raise ModelError(f"{out} is not empty and no exported model; give another --out")
    elif out.exists() or out.is_symlink():
        raise ModelError(f"{out} is there and no folder; give another --out")


@contextmanager
def replacing_folder(out: Path) -> Iterator[Path]:
    """Yields a new folder beside `out`, which becomes `out` when the block ends well.

    On any exception the new folder is removed and what was at `out` stays. Missing parents are
    made.
    """
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    mark = secrets.token_hex(4)
    new, old = (out.with_name(f".{out.name}.{mark}.{age}") for age in ("new", "old"))
    new.mkdir()
    try:
        yield new
        if out.exists():
            os.rename(out, old)
        try:
            os.rename(new, out)
        except OSError:
            if old.exists():
                os.rename(old, out)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(new, ignore_errors=True)
