"""TensorFlow without its start-up log lines, which would hide a command's own messages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def import_tensorflow() -> None:
    """Imports TensorFlow with stderr silenced: it writes some lines before its log level applies.

    Import errors are still raised. TF_CPP_MIN_LOG_LEVEL, if set, is kept.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with suppress_stderr():
        import tensorflow  # noqa: F401


@contextmanager
def suppress_stderr() -> Iterator[None]:
    """Silences stderr in the block, also for compiled code."""
    stderr = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
