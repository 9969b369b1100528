"""Datasets that a program renders: files made by many processes, in place all at once or not."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from fomm_tf.cli import ignore_interrupts
from fomm_tf.errors import DataError
from fomm_tf.measure.machine import processors

# One video in eight is kept for testing.
_TEST_EVERY = 8
# Every process has a processor's worth of work; linear algebra in threads would only wait.
_ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
Job = TypeVar("Job")


def require(name: str, value: int, least: int, most: int | None = None) -> None:
    """Raises DataError for a number out of range."""
    if value < least or (most is not None and value > most):
        limits = f"at least {least}" if most is None else f"from {least} to {most}"
        raise DataError(f"{name} must be {limits}, not {value}")


def part_of(index: int, videos: int) -> str:
    """ "test" for the last of every eight videos, of fewer than eight the last; else "train"."""
    last = min(videos, _TEST_EVERY) - 1
    return "test" if index % _TEST_EVERY == last else "train"


@contextmanager
def filling(out: Path, parts: Sequence[str] = ("train", "test")) -> Iterator[Path]:
    """A folder with the folders `parts`; all in it moves to `out` when the block succeeds.

    Raises DataError if `out` is not an empty folder or can be none. After a failure it is
    unchanged.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} exists and is not an empty folder; choose another or remove it")
    created = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=out))
    try:
        for part in parts:
            (unfinished / part).mkdir()
        yield unfinished
        for path in sorted(unfinished.iterdir()):
            path.rename(out / path.name)
    except BaseException:
        if created:
            shutil.rmtree(out, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def render_all(
    write: Callable[[Job], None], jobs: Sequence[Job], label: str, processes: int | None = None
) -> None:
    """Calls `write` with every job, in `processes` processes (default: one per processor)."""
    # Spawned, not forked: the caller may hold threads (TensorFlow does).
    with (
        _one_thread_each(),
        ProcessPoolExecutor(
            min(processes or processors(), len(jobs)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=ignore_interrupts,
        ) as pool,
    ):
        done = pool.map(write, jobs)
        for _ in tqdm(done, total=len(jobs), unit="video", desc=label):
            pass


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that start in the block compute in one thread, unless the user said otherwise."""
    unset = {name: value for name, value in _ONE_THREAD.items() if name not in os.environ}
    os.environ.update(unset)
    try:
        yield
    finally:
        for name in unset:
            del os.environ[name]
