"""The gateway of one site: first its history as fast as it goes, then live at the pace of a clock."""

import asyncio
from collections.abc import Callable
from typing import Final

import numpy as np

from batterytwin.errors import BufferUnavailableError
from clients.gateway import GatewayClient
from simulator.monitors import Monitors
from simulator.outbox import Outbox
from simulator.pace import Pace
from simulator.plant import Plant
from simulator.sampling import SamplingPlan, SiteSampler
from simulator.visits import Visits

MOST_VISITS: Final = 400
"""Visits in a batch at most: 9,600 readings, a tenth of what a server takes at once."""

_HISTORY_AHEAD_BATCHES: Final = 8  # history waits for the server, on disk too: it must arrive in order
_RETRY_S: Final = 1.0
_HISTORY_WINDOW_US: Final = 48 * 3_600_000_000
_LIVE_WINDOW_US: Final = 60_000_000
_LIVE_WINDOW_WALL_S: Final = 0.2


class SiteFeed:
    """Streams the readings of one site.

    Args:
        gateway: its gateway, open.
        monitors: monitors of the fleet.
        plant: the fleet's truth.
        sampler: plans the visits.
    """

    def __init__(self, gateway: GatewayClient, monitors: Monitors, plant: Plant, sampler: SiteSampler) -> None:
        self._gateway = gateway
        self._monitors = monitors
        self._outbox = Outbox(monitors)
        self._plant = plant
        self._sampler = sampler

    async def fill(self, plan: SamplingPlan, after_us: int, until_us: int, done: Callable[[int], None]) -> None:
        """Sends history, oldest first.

        Args:
            plan: how often strings were visited.
            after_us: begin, itself left out, microseconds since 1970 UTC.
            until_us: end, itself included.
            done: told the time that has been reached, after each batch.

        Raises:
            TwinError: the server refuses this gateway; the message says why.
        """
        while after_us < until_us:
            next_us = min(after_us + _HISTORY_WINDOW_US, until_us)
            visits = self._plan(plan, after_us, next_us)
            for begin in range(0, len(visits.string), MOST_VISITS):
                part = _part(visits, begin, begin + MOST_VISITS)
                await self._send(part)
                await self._gateway.drain(left=_HISTORY_AHEAD_BATCHES)
            after_us = next_us
            done(after_us)

    async def run(self, plan: SamplingPlan, after_us: int, pace: Pace, sent: Callable[[int], None]) -> None:
        """Sends readings when their time has come, for ever; after a pause of the server it catches up in order.

        Args:
            plan: how often strings are visited.
            after_us: time after which live readings begin, microseconds since 1970 UTC.
            pace: tells when their time has come.
            sent: told the newest sample time, after each batch.

        Raises:
            TwinError: as `fill`.
        """
        window_us = max(_LIVE_WINDOW_US, round(pace.speed * _LIVE_WINDOW_WALL_S * 1e6))
        while True:
            visits = self._plan(plan, after_us, after_us + window_us)
            begin = 0
            while begin < len(visits.string):
                await pace.wait_until(int(visits.time_us[begin]))
                due = int(np.searchsorted(visits.time_us, pace.now_us(), side="right"))
                end = min(max(due, begin + 1), begin + MOST_VISITS)
                await self._send(_part(visits, begin, end))
                sent(int(visits.time_us[end - 1]))
                begin = end
            after_us += window_us

    async def _send(self, visits: Visits) -> None:
        if self._gateway.refusal is not None:
            raise self._gateway.refusal
        for batch in self._outbox.batches(self._monitors.observe(visits)):
            while True:
                try:
                    await self._gateway.send(batch)
                    break
                except BufferUnavailableError:  # the gateway's log says why; a full disk may pass
                    await asyncio.sleep(_RETRY_S)

    def _plan(self, plan: SamplingPlan, after_us: int, until_us: int) -> Visits:
        self._plant.cover(until_us * 1e-6)
        return self._sampler.visits(plan, self._plant.fleet.world.discharges, after_us, until_us)


def _part(visits: Visits, begin: int, end: int) -> Visits:
    return Visits(visits.string[begin:end], visits.time_us[begin:end])
