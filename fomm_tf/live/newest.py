"""A place for one item between two threads: who is slow sees the newest, and nothing queues."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """One thread puts items, another takes them; an item not taken in time is replaced.

    dropped: how many were replaced.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._item: T | None = None
        self._error: BaseException | None = None
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: T) -> None:
        """Replaces what is there."""
        with self._changed:
            self.dropped += self._item is not None
            self._item = item
            self._changed.notify_all()

    def close(self, error: BaseException | None = None) -> None:
        """No more items come; whoever waits gets None, or the error, after the last item."""
        with self._changed:
            self._closed, self._error = True, self._error or error
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether nothing is left and nothing comes."""
        return self._closed and self._item is None

    def take(self, timeout: float | None = None) -> T | None:
        """The newest item, once; waits for one. None after the timeout (seconds) or when closed.

        Raises the error that it was closed with.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed, timeout)
            item, self._item = self._item, None
            if item is None and self._error is not None:
                raise self._error
            return item
