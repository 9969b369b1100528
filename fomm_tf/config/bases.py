"""Configuration files that inherit from a `base` file and list only the differences.

Bases are resolved on loading: a config, and every file written from one, is complete.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from fomm_tf.config.schema import load_yaml, show
from fomm_tf.errors import ConfigError

MAX_BASES = 4
"""Maximum chain length; also stops circular references."""

_FILE_NAME = re.compile(r"[^/\\:\x00-\x1f]+")


def load_with_bases(path: str | os.PathLike, left: int = MAX_BASES) -> tuple[Any, str]:
    """The content of a YAML file merged over its bases, and its name in messages: every file that
    a key may come from.

    `base: NAME` is a file beside the one that names it, or else in the folder `base` there, so that
    an untrusted file cannot read other folders. Raises: ConfigError, one line that begins with
    `path` and names the faulty base; OSError if unreadable.
    """
    data = load_yaml(path)
    if not isinstance(data, dict) or "base" not in data:
        return data, str(path)
    base = _file_of(data.pop("base"), path)
    if left == 0:
        raise ConfigError(f"{path}: more than {MAX_BASES} bases in a row, next: {base.name}")
    try:
        below, where = load_with_bases(base, left - 1)
    except ConfigError as error:
        raise ConfigError(f"{path}: its base {error}") from None
    if not isinstance(below, dict):
        raise ConfigError(f"{path}: its base {base}: must be a group of keys, is {show(below)}")
    return merged(below, data), f"{path} or its base {where}"


def merged(base: dict[Any, Any], changes: dict[Any, Any]) -> dict[Any, Any]:
    """Groups of keys are merged key by key; any other value, including lists and null, replaces the
    base's. Keys keep the base's order; new ones follow."""
    result = dict(base)
    for key, value in changes.items():
        below = base.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            value = merged(below, value)
        result[key] = value
    return result


def _file_of(name: Any, path: str | os.PathLike) -> Path:
    if not isinstance(name, str) or not _FILE_NAME.fullmatch(name) or name in (".", ".."):
        raise ConfigError(f"{path}: base: must be a file name without a path, is {show(name)}")
    folder = Path(path).parent
    for file in (folder / name, folder / "base" / name):
        if os.path.isfile(file):
            return file
    raise ConfigError(
        f"{path}: its base {show(name)} is missing: it is neither in {folder} nor in "
        f"{folder / 'base'}"
    )
