"""TensorFlow as our commands need it: fast on every processor, and silent at start-up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def import_tensorflow() -> None:
    """Imports TensorFlow with stderr silenced: it writes some lines before its log level applies.

    oneDNN computes convolutions also where TensorFlow would leave it off: on x86 processors without
    AVX512 VNNI, where its own kernels take about twice the time and allocate temporary memory.
    Import errors are still raised. TF_CPP_MIN_LOG_LEVEL and TF_ENABLE_ONEDNN_OPTS are kept if set.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
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
