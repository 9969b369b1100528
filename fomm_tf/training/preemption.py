"""SIGTERM, by which clusters announce that a machine is taken away."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Preemption:
    """Whether this process was asked to end. The step in progress is finished first."""

    def __init__(self) -> None:
        self.requested = False

    def _request(self, *_: object) -> None:
        self.requested = True


@contextmanager
def watch_for_preemption() -> Iterator[Preemption]:
    """Within the block SIGTERM only sets `requested`; in threads other than the main one nothing
    can be watched."""
    preemption = Preemption()
    if threading.current_thread() is not threading.main_thread():
        yield preemption
        return
    before = signal.signal(signal.SIGTERM, preemption._request)
    try:
        yield preemption
    finally:
        signal.signal(signal.SIGTERM, before)
