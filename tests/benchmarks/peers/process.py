"""Programs of others: found, started on a free port in a folder of their own, and ended by their id."""

import http.client
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_START_S: Final = 30.0
_STOP_S: Final = 20.0


class NotHereError(Exception):
    """A peer that cannot be measured on this machine; the message says what is missing."""


def find_program(name: str, package: str) -> str:
    """Path of a program.

    Raises:
        NotHereError: it is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise NotHereError(f"{name} is not on PATH (Debian: package {package})")
    return path


def free_port() -> int:
    """A port of the loopback address that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str | Path],
    folder: Path,
    port: int,
    ready_path: str,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A program from the moment it answers until the block ends.

    Args:
        command: program and arguments.
        folder: where it runs; its output goes to `output.log` there.
        port: that it listens on.
        ready_path: answered with a status below 500 once it is ready.
        environment: of the program; None = ours.

    Raises:
        NotHereError: it ended or did not answer in time.
    """
    with (folder / "output.log").open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, env=environment)
    try:
        _wait_until_ready(process, port, ready_path, folder / "output.log")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ask(port: int, method: str, path: str) -> tuple[int, bytes]:
    """Status and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_START_S)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, path: str, output: Path) -> None:
    end_s = time.monotonic() + _START_S
    while time.monotonic() < end_s:
        if process.poll() is not None:
            break
        try:
            if ask(port, "GET", path)[0] < http.client.INTERNAL_SERVER_ERROR:
                return
        except OSError:
            pass
        time.sleep(0.1)
    last = [line for line in output.read_text(errors="replace").splitlines() if line] or ["it said nothing"]
    raise NotHereError(f"did not get ready: {last[-1]}")
