"""Silence raises one alert per gateway or string, once, and clears it on return."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio

from batterytwin.alerts import AlertRule, AlertState
from storage.alert_query import AlertQuery
from storage.server_store import ServerStore
from tests.fixtures.small_fleet import small_inventory
from tests.twin_server.live_bench import LiveBench
from twin_server.alert_hub import AlertHub
from twin_server.missing_data_rule import MissingData
from twin_server.silence_rules import SilenceRules


@dataclass
class Bench:
    twins: LiveBench
    store: ServerStore
    hub: AlertHub
    silence: SilenceRules
    missing: MissingData

    async def minutes(self, count: int, *speaking: str) -> None:
        """Lets time pass; who speaks sends every minute, and the rule looks twice a minute."""
        for _ in range(count):
            self.twins.pass_s(30)
            await self._look()
            self.twins.pass_s(30)
            if speaking:
                self.twins.sample(*speaking)
            await self._look()
        await self.hub.refresh()

    async def _look(self) -> None:
        await self.silence.sweep()
        await self.missing.sweep()

    def active(self) -> list[str]:
        return sorted(alert.string_id or alert.location_id for alert in self.hub.active.values())

    async def restart(self) -> "Bench":
        hub = AlertHub(self.store, self.twins.live)
        await hub.load()
        silence = SilenceRules(self.store, hub, self.twins.live)
        await silence.load()
        missing = MissingData(self.store, hub, self.twins.live)
        await missing.load()
        return Bench(self.twins, self.store, hub, silence, missing)


@pytest_asyncio.fixture
async def bench(server_store: ServerStore) -> AsyncIterator[Bench]:
    inventory = small_inventory()
    twins = LiveBench(inventory, await server_store.register_inventory(inventory))
    hub = AlertHub(server_store, twins.live)
    silence = SilenceRules(server_store, hub, twins.live)
    yield Bench(twins, server_store, hub, silence, MissingData(server_store, hub, twins.live))


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


async def test_many_silent_batteries_in_strings_that_speak_are_one_alert_of_the_site(bench: Bench) -> None:
    await bench.minutes(2, "AAA", "BBB")
    some = ("AAA-U1-S01-B1", "AAA-U1-S02", "BBB")  # ten of the first string
    await bench.minutes(59, *some)
    assert bench.active() == []
    await bench.minutes(2, *some)
    assert [(alert.location_id, alert.rule) for alert in bench.hub.active.values()] == [("AAA", AlertRule.DATA_MISSING)]
    again = await bench.restart()
    await again.minutes(1, *some)
    assert again.active() == ["AAA"]
    # three of 48 are too few to raise it, and too many to clear it
    but_three = (f"AAA-U1-S01-B{number:02d}" for number in range(4, 25))
    await again.minutes(1, *but_three, "AAA-U1-S02", "BBB")
    assert again.active() == ["AAA"]
    await again.minutes(1, "AAA", "BBB")
    assert again.active() == []
    assert len((await again.store.list_alerts(AlertQuery())).alerts) == 1


async def test_few_silent_batteries_of_a_site_are_no_alert(bench: Bench) -> None:
    await bench.minutes(2, "AAA", "BBB")
    but_four = (f"AAA-U1-S01-B{number:02d}" for number in range(5, 25))
    await bench.minutes(70, *but_four, "AAA-U1-S02", "BBB")
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


async def test_strings_come_back_one_after_the_other_behind_a_gateway_that_was_away(bench: Bench) -> None:
    await bench.minutes(2, "AAA", "BBB")
    await bench.minutes(90, "BBB")
    await bench.minutes(1, "AAA-U1-S01-B01", "BBB")  # block after block, and the rules look in between
    assert bench.active() == []
    await bench.minutes(1, "AAA", "BBB")
    told = (await bench.store.list_alerts(AlertQuery())).alerts
    assert [(alert.rule, alert.string_id) for alert in told] == [(AlertRule.NO_DATA, "")]


async def test_strings_and_batteries_that_do_not_come_back_with_their_gateway_are_told(bench: Bench) -> None:
    await bench.minutes(2, "AAA", "BBB")
    await bench.minutes(90, "BBB")
    await bench.minutes(8, "AAA-U1-S01-B01", "BBB")
    assert bench.active() == ["AAA-U1-S02"]
    await bench.minutes(55, "AAA-U1-S01-B01", "BBB")
    assert bench.active() == ["AAA", "AAA-U1-S02"]
    assert AlertRule.DATA_MISSING in {alert.rule for alert in bench.hub.active.values()}


async def test_a_site_whose_strings_begin_one_after_the_other_is_not_silent(bench: Bench) -> None:
    await bench.minutes(10, "BBB")
    await bench.minutes(1, "AAA-U1-S01", "BBB")
    await bench.minutes(1, "AAA", "BBB")
    told = (await bench.store.list_alerts(AlertQuery())).alerts
    assert [(alert.rule, alert.string_id) for alert in told] == [(AlertRule.NO_DATA, "")]


async def test_a_silence_that_a_person_has_closed_is_the_same_alert_after_a_restart(bench: Bench) -> None:
    await bench.minutes(2, "AAA", "BBB")
    await bench.minutes(8, "BBB")
    [alert_id] = bench.hub.active
    await bench.store.resolve_alert(alert_id, "anna", "works on the line", bench.twins.now_us)
    again = await bench.restart()
    await again.minutes(8, "BBB")
    assert again.active() == []
    await again.minutes(1, "AAA", "BBB")
    [alert] = (await again.store.list_alerts(AlertQuery())).alerts
    assert alert.clear_time_us is not None


async def test_gateways_get_time_to_reconnect_after_a_long_stop_of_the_server(bench: Bench) -> None:
    await bench.minutes(2, "AAA", "BBB")
    bench.twins.pass_s(7_200)
    again = await bench.restart()
    await again.minutes(1)
    await again.minutes(3, "AAA", "BBB")
    assert (await again.store.list_alerts(AlertQuery())).alerts == ()
