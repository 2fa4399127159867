"""Processes that belong to the server: they die with it, whatever kills it.

Run as `python -m twin_server.child_process MODULE [ARG ...]`: asks the kernel to be ended with its parent, then becomes
the module.
"""

import asyncio
import ctypes
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from twin_server.logging_setup import turn_if_full

_PR_SET_PDEATHSIG = 1  # prctl(2)


class ChildProcess:
    """One Python module run beside the server, its output in a log file or read line by line."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process

    @classmethod
    async def start(
        cls,
        name: str,
        module: str,
        arguments: Sequence[str],
        *,
        log_path: Path,
        environment: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        read_output: bool = False,
    ) -> "ChildProcess":
        """Starts `python -m module arguments`.

        Args:
            name: for messages.
            module: module to run.
            arguments: its arguments; visible to every user of the machine, so no secrets.
            log_path: file that takes standard error, and standard output unless it is read.
            environment: variables added to the server's own.
            stdin: bytes given on standard input (the place for secrets).
            read_output: keep standard output for `lines()`.
        """
        log_path.parent.mkdir(parents=True, exist_ok=True)
        turn_if_full(log_path)  # one that ends at once is started again every few seconds, for as long as it takes
        with log_path.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "twin_server.child_process",
                str(os.getpid()),
                module,
                *arguments,
                stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if read_output else log,
                stderr=log,
                env={**os.environ, **(environment or {})},
                start_new_session=True,  # Ctrl-C reaches the server alone, which then stops its children in order
            )
        if stdin is not None and process.stdin is not None:
            process.stdin.write(stdin)
            await process.stdin.drain()
            process.stdin.close()
        return cls(name, process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def output(self) -> asyncio.StreamReader:
        """Standard output of a child started with `read_output`."""
        if self._process.stdout is None:
            raise ValueError(f"the output of {self.name} goes to its log")
        return self._process.stdout

    async def wait(self) -> int:
        """Waits until it has ended; returns its exit code."""
        return await self._process.wait()

    async def stop(self, grace_s: float) -> None:
        """Asks it to end, and ends it after `grace_s` seconds if it has not."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), grace_s)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


def _become(parent_pid: int, module: str, arguments: list[str]) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent_pid:  # the parent died before the request was in place
        sys.exit(0)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
