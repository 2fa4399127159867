"""The event loop of a server, and how long other threads may keep the interpreter from it."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

_TURN_OF_A_THREAD_S: Final = 0.001
"""A thread that computes (strings are looked at every second) holds answers up for so long; 5 ms by default."""

_Result = TypeVar("_Result")


def run_on_event_loop(main: Coroutine[Any, Any, _Result]) -> _Result:
    """Runs a server to its end, like `asyncio.run`."""
    sys.setswitchinterval(_TURN_OF_A_THREAD_S)
    return asyncio.run(main)
