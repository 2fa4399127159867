"""Gateways that send known sequences, in a thread of their own, and book when each batch was acknowledged."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np

from batterytwin.errors import TwinError
from clients.gateway import GatewayClient
from tests.chaos.ledger import Ledger, SentBatch

_POLL_S = 0.02
_DRAIN_S = 120.0

Plan = Callable[[Ledger], Sequence[tuple[int, ...]]]
"""Which batches to send at the next tick, each as its sequences."""


def in_order(ledger: Ledger) -> list[tuple[int, ...]]:
    """The next sequence, in a batch of its own."""
    return [ledger.take(1)]


def with_late_and_duplicate(seed: int) -> Plan:
    """Of the next twenty sequences one comes last and one twice: 5 % late, 5 % duplicate."""
    rng = np.random.default_rng(seed)

    def plan(ledger: Ledger) -> list[tuple[int, ...]]:
        sequences = list(ledger.take(20))
        late = sequences.pop(int(rng.integers(1, 18)))
        again = sequences[int(rng.integers(0, len(sequences)))]
        return [tuple(sequences[:10]), tuple(sequences[10:]), (again,), (late,)]

    return plan


class SequenceLoad:
    """Sends until it is stopped; leaving it waits until everything is acknowledged.

    Args:
        target: address of the server, or of a proxy before it.
        token: access token that may write.
        ledgers: the book of each gateway.
        rate_hz: ticks a second of each gateway.
        plan: what to send at a tick.
    """

    def __init__(
        self, target: str, token: str, ledgers: Sequence[Ledger], rate_hz: float, plan: Plan = in_order
    ) -> None:
        self._target, self._token, self._ledgers = target, token, ledgers
        self._rate_hz, self._plan = rate_hz, plan
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load")
        self._from = [len(ledger.batches) for ledger in ledgers]
        self.failures: list[str] = []
        self.duplicates = self.late = self.rejected = self.conflicts = 0

    def __enter__(self) -> "SequenceLoad":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def wait_acked_since(self, moment_s: float, timeout_s: float = 90.0) -> float:
        """Waits until each gateway has had a batch acknowledged that it sent after a moment; returns s since then.

        Raises:
            TimeoutError: that does not come to pass.
        """
        while time.monotonic() - moment_s < timeout_s:
            firsts = [_first_ack_since(ledger, moment_s) for ledger in self._ledgers]
            if all(first is not None for first in firsts):
                return max(first for first in firsts if first is not None) - moment_s
            if self.failures:
                break
            time.sleep(_POLL_S)
        raise TimeoutError(f"no acknowledgement in {time.monotonic() - moment_s:.0f} s; {self.failures}")

    def latencies_s(self, since_s: float) -> list[float]:
        """Time to the acknowledgement of each batch sent after a moment, as far as they came, s (20 ms coarse)."""
        return [
            batch.acked_s - batch.sent_s
            for ledger in self._ledgers
            for batch in list(ledger.batches)
            if batch.sent_s >= since_s and batch.acked_s is not None
        ]

    async def _run(self) -> None:
        await asyncio.gather(*(self._gateway(*pair) for pair in zip(self._ledgers, self._from, strict=True)))

    async def _gateway(self, ledger: Ledger, first: int) -> None:
        try:
            async with GatewayClient(self._target, self._token) as gateway:
                booking = asyncio.create_task(_book(gateway, ledger, first))
                try:
                    async with asyncio.timeout(None) as limit:
                        await self._send(gateway, ledger)
                        limit.reschedule(asyncio.get_running_loop().time() + _DRAIN_S)
                        await gateway.drain()
                finally:
                    booking.cancel()
                    with suppress(asyncio.CancelledError):
                        await booking
                    _note_acks(gateway, ledger, first)
                    counters = gateway.counters
                    self.duplicates += counters.duplicate
                    self.late += counters.late
                    self.rejected += counters.rejected
                    self.conflicts += counters.conflict
        except (TwinError, TimeoutError) as error:
            self.failures.append(f"{type(error).__name__}: {error}")

    async def _send(self, gateway: GatewayClient, ledger: Ledger) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self._stopping.is_set():
            for sequences in self._plan(ledger):
                # booked before it is sent: whatever reaches the server is in the book
                ledger.batches.append(SentBatch(sequences, time.monotonic()))
                await gateway.send(ledger.reading_batch(sequences))
            due = max(due + 1.0 / self._rate_hz, loop.time() - 1.0)
            await asyncio.sleep(due - loop.time())


async def _book(gateway: GatewayClient, ledger: Ledger, first: int) -> None:
    while True:
        _note_acks(gateway, ledger, first)
        await asyncio.sleep(_POLL_S)


def _note_acks(gateway: GatewayClient, ledger: Ledger, first: int) -> None:
    """Acknowledgements come in the order of sending, so their number says which."""
    acked, now_s = gateway.counters.sent_batches - gateway.unacked_batches, time.monotonic()
    for batch in reversed(ledger.batches[first : first + max(0, acked)]):
        if batch.acked_s is not None:
            break
        batch.acked_s = now_s


def _first_ack_since(ledger: Ledger, moment_s: float) -> float | None:
    return next((b.acked_s for b in ledger.batches[_place(ledger, moment_s) :] if b.acked_s is not None), None)


def _place(ledger: Ledger, moment_s: float) -> int:
    place = len(ledger.batches)
    while place and ledger.batches[place - 1].sent_s >= moment_s:
        place -= 1
    return place
