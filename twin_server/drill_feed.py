"""Lets the plant of a drill live at a pace, and hands what its monitors see to the drill's server."""

import asyncio
import time
from typing import Final, Protocol

import structlog

from batterytwin.branch import StringVisits
from batterytwin.errors import OverloadedError, TwinError, UnavailableError
from batterytwin.readings import ReadingBatch
from simulator.scenario_course import Course
from twin_server.drill_batches import DrillBatches, split_visits
from twin_server.drill_extremes import Extremes
from twin_server.drill_pace import DrillPace
from twin_server.frame_collector import FRAMES_A_TURN
from twin_server.ingest_router import IngestOutcome
from twin_server.live_table import LiveTable

_STEP_S: Final = 0.5
"""Real time between two looks at the plant, where the machine keeps up: what happens is seen within a second."""

_LONGEST_US: Final = 60_000_000
"""One sample period: a twin that waits for its reading in a window is not stale yet when the window ends."""

_SHORTEST_LONGEST_US: Final = 1_000_000
_SLOW_S, _QUICK_S = 1.0, 0.25
_FIRST_RETRY_S: Final = 0.1
_GIVE_UP_S: Final = 30.0
_US: Final = 1e6

_log = structlog.get_logger(__name__)


class FedServer(Protocol):
    """What the feed needs of a server; see `TwinServer`."""

    live: LiveTable

    async def feed(self, batch: ReadingBatch | None) -> IngestOutcome | None:
        """Takes readings and looks at what follows from them."""


class ChangingPlant(Protocol):
    """What the feed needs of a plant; see `simulator.branch_plant.ScenarioPlant`."""

    def visits(self, after_us: int, until_us: int) -> StringVisits:
        """Moves the plant on and reads it."""

    def change(self, course: Course) -> None:
        """Lets another course happen from now on."""


class DrillClock:
    """The present of a drill.

    Attributes:
        now_us: us since 1970 UTC.
    """

    def __init__(self, now_us: int) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        """The present, us since 1970 UTC."""
        return self.now_us


class DrillFeed:
    """Feeds a server from a plant until a drill is over.

    A window of the plant's time is read, handed over and acknowledged before the next one, so that nothing queues up;
    where the machine cannot keep the wanted pace, the drill is slower.

    Args:
        server: is fed.
        plant: lives.
        batches: names batteries and strings.
        clock: present of the drill, which the feed moves on.
        pace: how fast.
        end_us: where the drill is over, us since 1970 UTC; None = it is not.

    Attributes:
        extremes: of what it has shown.
        reading_count: readings that the twins have taken.
        is_over: whether it has come to its end.
        failure: why it has ended before its time, for people; empty = it has not.
    """

    def __init__(  # noqa: PLR0917 # what a feed brings together
        self,
        server: FedServer,
        plant: ChangingPlant,
        batches: DrillBatches,
        clock: DrillClock,
        pace: DrillPace,
        end_us: int | None = None,
    ) -> None:
        self.extremes = Extremes(batches.battery_ids, batches.string_ids)
        self.reading_count = 0
        self.is_over = False
        self.failure = ""
        self.pace = pace
        self._server = server
        self._plant = plant
        self._batches = batches
        self._clock = clock
        self._begin_us = clock.now_us
        self._end_us = end_us
        self._longest_us = _LONGEST_US
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Feeds until the drill is over or cannot go on."""
        try:
            while self._end_us is None or self._clock.now_us < self._end_us:
                async with self._turn:
                    pause_s = await self._go_on()
                if pause_s > 0.0:
                    await asyncio.sleep(pause_s)
            self.is_over = True
        except TwinError as error:
            self.failure = error.message
            _log.error("a drill cannot go on", reason=error.message)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who watch the drill are told
            self.failure = f"unexpected {type(error).__name__}: {error}"
            _log.exception("a drill cannot go on")

    async def change(self, course: Course | None, speed: float | None) -> None:
        """Lets something else happen, or at another pace, from the present on; None = as it was.

        Raises:
            InvalidArgumentError: the course names something that is not here.
        """
        async with self._turn:
            if course is not None:
                await asyncio.to_thread(self._plant.change, course)
            if speed is not None:
                self.pace.set_speed(speed, self._clock.now_us)

    async def _go_on(self) -> float:
        """Goes one window on if it is time; returns how long to wait for the next, s."""
        now_us, speed = self._clock.now_us, self.pace.speed
        due_us = self.pace.due_us
        step_us = min(round(_STEP_S * speed * _US), self._longest_us)
        if self._end_us is not None:
            step_us, due_us = min(step_us, self._end_us - now_us), min(due_us, self._end_us)
        if due_us - now_us < step_us:
            return (now_us + step_us - due_us) / speed / _US
        until_us = min(due_us, now_us + self._longest_us)
        begun_s = time.monotonic()
        await self._window(now_us, until_us)
        self._clock.now_us = until_us
        self.pace.reach(until_us)
        self._fit_window(until_us - now_us, time.monotonic() - begun_s)
        return 0.0

    async def _window(self, after_us: int, until_us: int) -> None:
        visits = await asyncio.to_thread(self._plant.visits, after_us, until_us)
        if not len(visits):
            await self._hand_over(None)
        for part in split_visits(visits, FRAMES_A_TURN):
            self._clock.now_us = int(part.time_us[-1])  # who acknowledges an alert does so after it was raised
            outcome = await self._hand_over(self._batches.batch(part))
            if outcome is not None:
                self.reading_count += outcome.accepted
            self.extremes.take(part)
            self.extremes.take_twins(self._server.live.rows, self._begin_us)

    async def _hand_over(self, batch: ReadingBatch | None) -> IngestOutcome | None:
        """Hands readings over, again and again while server or database are away for a moment."""
        give_up_s, pause_s = time.monotonic() + _GIVE_UP_S, _FIRST_RETRY_S
        while True:
            try:
                return await self._server.feed(batch)
            except (OverloadedError, UnavailableError):
                if time.monotonic() > give_up_s:
                    raise
            await asyncio.sleep(pause_s)
            pause_s *= 2.0

    def _fit_window(self, span_us: int, took_s: float) -> None:
        """Makes windows as long as can be done in a fraction of a second, so that a change never waits for long."""
        if took_s > _SLOW_S:
            self._longest_us = max(span_us // 2, _SHORTEST_LONGEST_US)
        elif took_s < _QUICK_S and span_us == self._longest_us:
            self._longest_us = min(2 * self._longest_us, _LONGEST_US)
