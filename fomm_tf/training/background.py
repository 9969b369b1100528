"""Files written while training goes on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class BackgroundWriter:
    """Runs one task at a time in a thread of its own; an error appears at the next call."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "writer")
        self._task: Future | None = None

    def submit(self, task: Callable[[], object]) -> None:
        """Starts `task` when the last one is done. Raises what that one raised."""
        self.wait()
        self._task = self._pool.submit(task)

    def wait(self) -> None:
        """Returns when everything is written. Raises what the last task raised."""
        task, self._task = self._task, None
        if task is not None:
            task.result()
