"""The source of a gateway that runs in a process of its own: it gives each sequence until the gateway has taken it."""

import json
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from tests.chaos.ledger import Ledger, SentBatch

_ROOT = Path(__file__).parents[2]
_POLL_S = 0.01
_TIMEOUT_S = 60.0
_DRAIN_S = 120.0


class ChildGateway:
    """One life of such a gateway; the next one on the same file goes on behind the last sequence that was taken.

    Leaving it ends it with SIGKILL, unless it has finished.

    Args:
        target: address of the server, or of a proxy before it.
        token: access token that may write.
        ledger: book of the gateway; what is taken is booked in it.
        buffer: file of its buffer.
        rate_hz: sequences a second.
    """

    def __init__(self, target: str, token: str, ledger: Ledger, buffer: Path, rate_hz: float) -> None:
        self._ledger = ledger
        self.refusals: list[str] = []
        self.taken = 0
        self._counters: dict[str, Any] | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.gateway_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOT,
            text=True,
        )
        orders = {"target": target, "token": token, "buffer": str(buffer), "rate_hz": rate_hz}
        orders |= {"battery_ids": ledger.battery_ids, "base_us": ledger.base_us, "first": ledger.newest + 1}
        self._stdin.write(json.dumps(orders) + "\n")
        self._stdin.flush()
        self._listener = threading.Thread(target=self._listen, name="child gateway")
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def _stdin(self) -> IO[str]:
        assert self._process.stdin is not None
        return self._process.stdin

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("refused "):
                self.refusals.append(line.removeprefix("refused ").rstrip())
            elif line.startswith("{"):
                self._counters = json.loads(line)
            elif line.endswith("\n"):  # a killed process may leave half a line
                self._ledger.batches.append(SentBatch(self._ledger.take(1), time.monotonic()))
                self.taken += 1

    def wait_taken(self, count: int) -> None:
        """Waits until it has taken so many sequences more."""
        self._wait_until_more("taken", count)

    def wait_refused(self, count: int) -> None:
        """Waits until it has refused so many times more."""
        self._wait_until_more("refusals", count)

    def _wait_until_more(self, what: str, count: int) -> None:
        def now() -> int:
            return self.taken if what == "taken" else len(self.refusals)

        enough, give_up = now() + count, time.monotonic() + _TIMEOUT_S
        while now() < enough:
            if time.monotonic() > give_up or self._process.poll() is not None:
                raise TimeoutError(f"{what} of the gateway: {now()} of {enough}; refusals {self.refusals[-1:]}")
            time.sleep(_POLL_S)

    def finish(self) -> dict[str, Any]:
        """Takes no more and waits until everything is acknowledged; returns the gateway's counters."""
        self._stdin.close()
        code = self._process.wait(timeout=_DRAIN_S)
        self._listener.join()
        if code or self._counters is None:
            raise RuntimeError(f"the gateway ended with {code}")
        for batch in self._ledger.batches:
            batch.acked_s = batch.acked_s or time.monotonic()
        return self._counters
