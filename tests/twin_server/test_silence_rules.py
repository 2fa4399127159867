"""Silence raises one alert per gateway or string, once, and clears it on return."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio

from batterytwin.alerts import AlertState
from storage.alert_query import AlertQuery
from storage.server_store import ServerStore
from tests.fixtures.small_fleet import small_inventory
from tests.twin_server.live_bench import LiveBench
from twin_server.alert_hub import AlertHub
from twin_server.silence_rules import SilenceRules


@dataclass
class Bench:
    twins: LiveBench
    store: ServerStore
    hub: AlertHub
    silence: SilenceRules

    async def minutes(self, count: int, *speaking: str) -> None:
        """Lets time pass; who speaks sends every minute, and the rule looks twice a minute."""
        for _ in range(count):
            self.twins.pass_s(30)
            await self.silence.sweep()
            self.twins.pass_s(30)
            if speaking:
                self.twins.sample(*speaking)
            await self.silence.sweep()
        await self.hub.refresh()

    def active(self) -> list[str]:
        return sorted(alert.string_id or alert.location_id for alert in self.hub.active.values())

    async def restart(self) -> "Bench":
        hub = AlertHub(self.store, self.twins.live)
        await hub.load()
        silence = SilenceRules(self.store, hub, self.twins.live)
        silence.load()
        return Bench(self.twins, self.store, hub, silence)


@pytest_asyncio.fixture
async def bench(server_store: ServerStore) -> AsyncIterator[Bench]:
    inventory = small_inventory()
    twins = LiveBench(inventory, await server_store.register_inventory(inventory))
    hub = AlertHub(server_store, twins.live)
    yield Bench(twins, server_store, hub, SilenceRules(server_store, hub, twins.live))


async def test_a_silent_gateway_is_one_alert_and_clears_when_it_is_back(bench: Bench) -> None:
    await bench.minutes(2, "AAA", "BBB")
    await bench.minutes(5, "BBB")
    assert bench.active() == []
    await bench.minutes(30, "BBB")
    assert bench.active() == ["AAA"]
    await bench.minutes(1, "AAA", "BBB")
    assert bench.active() == []
    page = await bench.store.list_alerts(AlertQuery())
    assert [alert.state for alert in page.alerts] == [AlertState.CLEARED]


async def test_a_silent_string_is_one_alert_of_its_own(bench: Bench) -> None:
    await bench.minutes(2, "AAA", "BBB")
    await bench.minutes(10, "AAA-U1-S01", "BBB")
    assert bench.active() == ["AAA-U1-S02"]
    await bench.minutes(10, "BBB")
    assert bench.active() == ["AAA", "AAA-U1-S02"]
    await bench.minutes(1, "AAA", "BBB")
    assert bench.active() == []


async def test_one_silent_battery_is_no_alert(bench: Bench) -> None:
    await bench.minutes(2, "AAA", "BBB")
    await bench.minutes(15, "AAA-U1-S01-B1", "AAA-U1-S02", "BBB")
    assert bench.active() == []


async def test_a_gateway_that_never_came_is_told_five_minutes_after_the_start(bench: Bench) -> None:
    await bench.minutes(4, "BBB")
    assert bench.active() == []
    await bench.minutes(3, "BBB")
    assert bench.active() == ["AAA"]


async def test_a_restart_neither_repeats_nor_forgets(bench: Bench) -> None:
    await bench.minutes(2, "AAA", "BBB")
    await bench.minutes(8, "BBB")
    again = await bench.restart()
    await again.minutes(8, "BBB")
    assert again.active() == ["AAA"]
    assert len((await again.store.list_alerts(AlertQuery())).alerts) == 1
    await again.minutes(1, "AAA", "BBB")
    assert again.active() == []


async def test_gateways_get_time_to_reconnect_after_a_long_stop_of_the_server(bench: Bench) -> None:
    await bench.minutes(2, "AAA", "BBB")
    bench.twins.pass_s(7_200)
    again = await bench.restart()
    await again.minutes(1)
    await again.minutes(3, "AAA", "BBB")
    assert (await again.store.list_alerts(AlertQuery())).alerts == ()
