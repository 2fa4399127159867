"""How far a process stands behind the live twins when both want the processor."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_THREADS: Final = Path("/proc/self/task")


def stand_behind(niceness: int) -> None:
    """Sets the niceness of every thread of this process; threads to come have that of their makers.

    Linux keeps one for each thread: `os.nice` changes that of the caller alone, which in a process of Ray's is not the
    thread that does most of the work.

    Args:
        niceness: 0...19; a lower one than before needs rights that a process rarely has, and is then left as it is.
    """
    with suppress(OSError):  # elsewhere it stays as it is
        for thread in _THREADS.iterdir():
            os.setpriority(os.PRIO_PROCESS, int(thread.name), niceness)
