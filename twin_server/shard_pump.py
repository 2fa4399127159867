"""One pump per shard: keeps one call under way and joins what waits meanwhile into the next."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from actors.fleet import Fleet, ShardResult
from batterytwin.errors import (
    LeaseLostError,
    OverloadedError,
    ShardUnavailableError,
    StoreUnavailableError,
    TwinError,
)
from batterytwin.events import TwinInput
from batterytwin.telemetry import Rows, join_rows
from twin_server.drain import shutting_down
from twin_server.linger import ENOUGH_ROWS, Linger
from twin_server.live_table import LiveTable

MAX_ROWS_PER_CALL: Final = 100_000
"""Rows joined into one call; more would only lengthen the wait of each."""

MOST_WAITING_INPUTS: Final = 1_000
"""Calls with inputs that may wait; what people record and what the server finds by itself are a few."""

RESTORE_TIMEOUT_S: Final = 20.0
"""How long rows wait for a shard that restarts before their callers are told to come back."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Request:
    rows: Rows
    done: asyncio.Future[NDArray[np.uint8]]
    arrived_s: float


@dataclass(slots=True)
class _Inputs:
    inputs: Sequence[TwinInput]
    done: asyncio.Future[NDArray[np.uint8]]


class ShardPump:
    """Feeds one shard in order of arrival; inputs go between two calls with rows, before the rows that wait.

    Rows of one caller that were handed over one after the other are applied in that order, or not at all: when the
    shard or the database stays away, everything that waits fails together, so that nothing overtakes what has to be
    sent again.

    Args:
        shard: number of the shard.
        fleet: where the shard is.
        live: takes what the shard answers.
        on_alerts: called when alerts may have changed.
        max_waiting_rows: rows that may wait.
        restore_timeout_s: how long rows wait for a shard that restarts.
    """

    def __init__(
        self,
        shard: int,
        fleet: Fleet,
        live: LiveTable,
        on_alerts: Callable[[], None],
        *,
        max_waiting_rows: int,
        restore_timeout_s: float = RESTORE_TIMEOUT_S,
    ) -> None:
        self._shard = shard
        self._fleet = fleet
        self._live = live
        self._on_alerts = on_alerts
        self._max_waiting_rows = max_waiting_rows
        self._restore_timeout_s = restore_timeout_s
        self._waiting: deque[_Request] = deque()
        self._waiting_inputs: deque[_Inputs] = deque()
        self._waiting_rows = 0
        self._take_singly = 0
        self._is_doubted = False  # nobody may have noticed that the shard died
        self._may_have_committed = False  # alerts too, of which only the database knows
        self._has_other_owner = False
        self._rows_to_wake = 0  # while the pump waits for company, it need not hear of every row
        self._wake = asyncio.Event()
        self._linger = Linger()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Starts to work; needs a running event loop."""
        self._task = asyncio.create_task(self._run(), name=f"pump-{self._shard}")

    async def stop(self) -> None:
        """Sends what still waits, then ends. Nothing is taken any more."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task

    def abort(self) -> None:
        """Ends at once; who still waits is told to come back."""
        if self._task is not None:
            self._task.cancel()
        self._fail_all(shutting_down())

    def check_room(self, row_count: int) -> None:
        """Checks that `put` would take so many rows now.

        Raises:
            OverloadedError: too much waits already; nothing was taken.
            UnavailableError: the server is shutting down.
        """
        if self._stopping:
            raise shutting_down()
        # a batch larger than the queue must not be refused for ever, so an empty queue takes anything
        if self._waiting_rows and self._waiting_rows + row_count > self._max_waiting_rows:
            raise OverloadedError(
                f"{self._waiting_rows} readings wait already; send again a little later.", retry_after_s=1.0
            )

    def put(self, rows: Rows) -> asyncio.Future[NDArray[np.uint8]]:
        """Hands rows over (`READING_DTYPE`, `n_rows` of them) after `check_room`; returns at once.

        The rows are applied even if the caller goes away: dropping them could let later rows of the same sender pass.

        Returns:
            Future, the caller's own, of the `Outcome` of each row, uint8, shape `(n_rows,)`, set when they are durable
            and applied. It may carry ShardUnavailableError or StoreUnavailableError: then send all
            rows again.
        """
        loop = asyncio.get_running_loop()
        request = _Request(rows, loop.create_future(), loop.time())
        self._waiting.append(request)
        self._waiting_rows += len(rows)
        if self._waiting_rows >= self._rows_to_wake:
            self._wake.set()
        return request.done

    def put_inputs(self, inputs: Sequence[TwinInput]) -> asyncio.Future[NDArray[np.uint8]]:
        """Hands evidence over that is no reading; returns at once.

        Returns:
            Future of the `Outcome` of each input, uint8, shape `(n_inputs,)`, as for `put`.

        Raises:
            OverloadedError: too many wait already; nothing was taken.
            UnavailableError: the server is shutting down.
        """
        if self._stopping:
            raise shutting_down()
        if len(self._waiting_inputs) >= MOST_WAITING_INPUTS:
            raise OverloadedError(
                f"{MOST_WAITING_INPUTS} events wait already; record again a little later.", retry_after_s=1.0
            )
        request = _Inputs(inputs, asyncio.get_running_loop().create_future())
        self._waiting_inputs.append(request)
        self._wake.set()
        return request.done

    def look_after(self) -> None:
        """Brings the shard back if it has died while nobody sent anything; rows would have found that out.

        Not where another server has taken its twins over: it would take them back.
        """
        if not self._has_other_owner:
            self._is_doubted = True
            self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._is_doubted and not self._stopping:
                self._is_doubted = False
                with suppress(TwinError):  # readiness tells, and doubts again
                    await self._restored(self._restore_timeout_s)
            while self._waiting or self._waiting_inputs:
                if self._waiting_inputs:
                    await self._send_inputs(self._waiting_inputs.popleft())
                    continue
                await self._wait_for_company()
                if not self._waiting_inputs:
                    await self._send(self._take())
            if self._stopping:
                return

    async def _wait_for_company(self) -> None:
        delay_s = self._linger.delay_s(self._waiting_rows)
        if not delay_s:
            return
        loop = asyncio.get_running_loop()
        give_up = loop.time() + delay_s
        self._rows_to_wake = ENOUGH_ROWS
        while self._waiting_rows < ENOUGH_ROWS and not self._waiting_inputs and not self._stopping:
            until = min(give_up, self._waiting[-1].arrived_s + self._linger.patience_s)
            if loop.time() >= until:
                break
            alarm = loop.call_at(until, self._wake.set)
            self._wake.clear()
            await self._wake.wait()
            alarm.cancel()
        self._rows_to_wake = 0

    def _take(self) -> list[_Request]:
        limit = MAX_ROWS_PER_CALL
        if self._take_singly:
            self._take_singly -= 1
            limit = 0
        taken: list[_Request] = []
        count = 0
        while self._waiting and (not taken or count + len(self._waiting[0].rows) <= limit):
            taken.append(self._waiting.popleft())
            count += len(taken[-1].rows)
        self._waiting_rows -= count
        if count <= ENOUGH_ROWS:
            self._linger.learn(len(taken), taken[-1].arrived_s - taken[0].arrived_s)
        return taken

    async def _send(self, requests: list[_Request]) -> None:
        try:
            result = await self._apply(join_rows([request.rows for request in requests]))
        except (ShardUnavailableError, StoreUnavailableError) as error:
            _fail(requests, error)
            self._fail_all(error)
        except LeaseLostError:
            self._has_other_owner = True
            _fail(requests, _taken_over())
            self._fail_all(_taken_over())
        except asyncio.CancelledError:
            _fail(requests, shutting_down())
            raise
        except Exception as error:  # noqa: BLE001 - whatever a shard raises, its callers hear of it and the pump goes on
            if len(requests) > 1:  # one of them is the culprit; the others must not suffer for it
                self._waiting.extendleft(reversed(requests))
                self._waiting_rows += sum(len(request.rows) for request in requests)
                self._take_singly = len(requests)
                return
            if not isinstance(error, TwinError):
                _log.error("shard failed", shard=self._shard, rows=len(requests[0].rows), exc_info=error)
            _fail(requests, error)
        else:
            begin = 0
            for request in requests:
                end = begin + len(request.rows)
                if not request.done.done():  # else its caller has gone
                    request.done.set_result(result.outcome[begin:end])
                begin = end

    async def _send_inputs(self, request: _Inputs) -> None:
        try:
            result = await self._call(lambda: self._fleet.apply_inputs(self._shard, request.inputs), 0)
        except LeaseLostError:
            self._has_other_owner = True
            _fail([request], _taken_over())
        except asyncio.CancelledError:
            _fail([request], shutting_down())
            raise
        except Exception as error:  # noqa: BLE001 - as for rows
            if not isinstance(error, TwinError):
                _log.error("shard failed", shard=self._shard, inputs=len(request.inputs), exc_info=error)
            _fail([request], error)
        else:
            if not request.done.done():
                request.done.set_result(result.outcome)

    async def _apply(self, rows: Rows) -> ShardResult:
        return await self._call(lambda: self._fleet.apply(self._shard, rows, self._live.clocks.wall_us()), len(rows))

    async def _call(self, call: Callable[[], Awaitable[ShardResult]], row_count: int) -> ShardResult:
        give_up = time.monotonic() + self._restore_timeout_s
        while True:
            try:
                result = await call()
            except ShardUnavailableError as error:
                _log.warning("shard away, its rows wait", shard=self._shard, rows=row_count, reason=error.message)
                await self._restored(give_up - time.monotonic())
            except StoreUnavailableError:
                self._may_have_committed = True
                raise
            else:
                self._has_other_owner = False
                self._live.update(self._shard, result.twins, result.live)
                if result.alerts or self._may_have_committed:
                    self._may_have_committed = False
                    self._on_alerts()
                return result

    async def _restored(self, timeout_s: float) -> None:
        late = ShardUnavailableError(
            "The shard that holds these twins is restarting; send the rows again.", retry_after_s=2.0
        )
        if timeout_s <= 0:
            raise late
        try:
            async with asyncio.timeout(timeout_s):
                live = await self._fleet.wait_restored(self._shard)
        except TimeoutError:
            raise late from None
        self._live.replace_shard(self._shard, live)
        self._on_alerts()  # it may have committed alerts and died before telling
        _log.info("shard is back", shard=self._shard)

    def _fail_all(self, error: TwinError) -> None:
        requests, self._waiting = list(self._waiting), deque()
        self._waiting_rows = 0
        _fail(requests, error)
        inputs, self._waiting_inputs = list(self._waiting_inputs), deque()
        _fail(inputs, error)


def _taken_over() -> ShardUnavailableError:
    return ShardUnavailableError("Another server has taken these twins over.", retry_after_s=5.0)


def _fail(requests: Sequence[_Request | _Inputs], error: Exception) -> None:
    for request in requests:
        if request.done.done():
            continue
        request.done.set_exception(error)
        request.done.exception()  # a caller that has gone must not leave a warning behind
