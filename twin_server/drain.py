"""Ends long calls politely when the server stops."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from batterytwin.errors import UnavailableError


class Drain:
    """Knows which calls wait for something that may never come, and wakes them when the server stops."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Task[Any]] = set()
        self._begun = False

    @property
    def begun(self) -> bool:
        """Whether the server stops."""
        return self._begun

    def begin(self) -> None:
        """Interrupts every call inside `interruptible`, now and from now on."""
        self._begun = True
        for task in self._waiting:
            task.cancel()

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Marks a wait that the stop of the server may end.

        Raises:
            UnavailableError: the server stops; the client should reconnect.
        """
        if self._begun:
            raise shutting_down()
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("interruptible() needs a running task")
        self._waiting.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if self._begun and task.uncancel() == 0:
                raise shutting_down() from None
            raise  # the client has gone
        finally:
            self._waiting.discard(task)


def shutting_down() -> UnavailableError:
    """What callers are told while the server stops."""
    return UnavailableError("The server is shutting down; come back when it is up again.", retry_after_s=5.0)
