"""Runs a simulated fleet against a server: one gateway a site, history first, then live."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from batterytwin.errors import InvalidArgumentError, Reason, TwinError
from batterytwin.inventory import Inventory, load_fleet
from clients.gateway import GatewayClient
from simulator.monitors import Monitors
from simulator.options import SimulationOptions
from simulator.pace import Pace
from simulator.plant import Plant
from simulator.progress import Progress, Report
from simulator.sampling import SiteSampler, history_plan, live_plan, string_offsets_us
from simulator.site_feed import SiteFeed

__all__ = ["SimulationOptions", "run_simulation"]

_HISTORY_PERIOD_S: Final = 3_600.0
_REPORT_INTERVAL_S: Final = 10.0


async def run_simulation(options: SimulationOptions, tokens: Mapping[str, str], report: Report) -> None:
    """Streams a simulated fleet until it is cancelled.

    Every site with a token gets a gateway of its own. A site that the server refuses for good is reported and left
    out; the others go on. While the server is away they wait, or fill their disk buffers in `options.buffer_dir`; then
    all go on in order where they were.

    Args:
        options: the fleet, the server and the time.
        tokens: gateway token of each location.
        report: takes the events (see `simulator.progress.Report`).

    Raises:
        InvalidArgumentError: a location or string is not in the fleet, there is no token, or the folder for buffers
            cannot be made.
        TwinError: every site was refused; this is the last one's reason.
    """
    await _Simulation(options, tokens, report).run()


class _Simulation:
    def __init__(self, options: SimulationOptions, tokens: Mapping[str, str], report: Report) -> None:
        inventory = load_fleet(options.fleet_file)
        _check_names(inventory, options, tokens)
        start = options.start or datetime.now(UTC)
        self._options = options
        self._tokens = tokens
        self._inventory = inventory
        self._start_us = round(start.timestamp() * 1e6)
        # real time does not wait for history to be sent: live begins with the seconds that this took
        self._real_time = Pace(self._start_us, 1.0) if options.speed == 1.0 else None
        self._progress = Progress(report, tokens)
        longest_period_s = max(location.sample_period_s for location in inventory.locations)
        before = timedelta(days=options.backfill_days, seconds=longest_period_s)
        self._plant = Plant(inventory, options.seed, start - before, options.faults)
        self._monitors = Monitors(inventory, self._plant, options.seed, options.faults)

    async def run(self) -> None:
        if self._options.buffer_dir is not None:
            _make_folder(self._options.buffer_dir)
        reporter = asyncio.create_task(self._report_live())
        try:
            errors = await asyncio.gather(*(self._run_site(location_id) for location_id in self._tokens))
        finally:
            reporter.cancel()
        raise errors[-1]

    async def _run_site(self, location_id: str) -> TwinError:
        """Feeds one site; returns only when the server refuses it."""
        try:
            async with self._gateway(location_id) as gateway:
                await self._feed_site(location_id, gateway)
        except TwinError as error:
            self._progress.failed(location_id, error)
            return error
        raise AssertionError("a live feed does not end by itself")

    def _gateway(self, location_id: str) -> GatewayClient:
        options = self._options
        buffer = options.buffer_dir / f"{location_id}.buffer" if options.buffer_dir else None
        return GatewayClient(options.target, self._tokens[location_id], tls=options.tls, buffer=buffer)

    async def _feed_site(self, location_id: str, gateway: GatewayClient) -> None:
        options, locations = self._options, self._inventory.locations
        ids = [[string.string_id for string in location.strings()] for location in locations]
        site = next(k for k, location in enumerate(locations) if location.location_id == location_id)
        period_s, first = locations[site].sample_period_s, sum(len(names) for names in ids[:site])
        offsets_us = string_offsets_us([len(names) for names in ids], period_s)[first : first + len(ids[site])]
        feed = SiteFeed(gateway, self._monitors, self._plant, SiteSampler(first, offsets_us))

        # the newest sample of every string before the start goes ahead, so that all twins are fresh at once
        live, last_us = live_plan(period_s, len(ids[site])), self._start_us - round(period_s * 1e6)
        begin_us = last_us - _days_us(options.backfill_days)
        fine_us = last_us - _days_us(min(options.fine_days, options.backfill_days))
        hourly = [_HISTORY_PERIOD_S] * len(ids[site])
        finer = [period_s if name == options.fine_string else _HISTORY_PERIOD_S for name in ids[site]]

        def done(time_us: int) -> None:
            # whole only once acknowledged
            share = (time_us - begin_us) / (self._start_us - begin_us)
            self._progress.filled(location_id, min(share, 0.99), time_us)

        await feed.fill(history_plan(hourly), begin_us, fine_us, done)
        await feed.fill(history_plan(finer), fine_us, last_us, done)
        await feed.fill(live, last_us, self._start_us, done)
        await gateway.drain()
        self._progress.filled(location_id, 1.0, self._start_us)
        pace = self._real_time or Pace(self._start_us, options.speed)
        await feed.run(live, self._start_us, pace, self._progress.sent)

    async def _report_live(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_INTERVAL_S)
            self._progress.report_live()


def _check_names(inventory: Inventory, options: SimulationOptions, tokens: Mapping[str, str]) -> None:
    location_ids = {location.location_id for location in inventory.locations}
    if not tokens:
        raise InvalidArgumentError("Give the gateway token of at least one location.", field="tokens")
    for location_id in tokens:
        if location_id not in location_ids:
            raise InvalidArgumentError(
                f"No location {location_id} is in the fleet; it has {', '.join(sorted(location_ids))}.",
                reason=Reason.UNKNOWN_LOCATION,
                field="tokens",
                value=location_id,
            )
    strings = {string.string_id for location in inventory.locations for string in location.strings()}
    if options.fine_string and options.fine_string not in strings:
        raise InvalidArgumentError(
            f"No string {options.fine_string} is in the fleet; names look like {min(strings)}.",
            reason=Reason.UNKNOWN_STRING,
            field="fine_string",
            value=options.fine_string,
        )


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidArgumentError(
            f"The folder for gateway buffers cannot be made: {error}. Name one that can be written.",
            field="buffer_dir",
            value=path,
        ) from error


def _days_us(days: float) -> int:
    return round(days * 86_400e6)
