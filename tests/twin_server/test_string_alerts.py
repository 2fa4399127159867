"""Faults of strings as alerts, without a server."""

import re
from collections.abc import Collection, Mapping

import numpy as np
import pytest
import pytest_asyncio

from actors.string_analysis import StringFleet
from actors.string_frame import StringFrame, StringSheets
from actors.string_limits import LIMITS
from batterytwin.alerts import AlertChange, AlertRule
from batterytwin.datasheet import load_datasheet
from batterytwin.diagnosis import Diagnosis, FaultClass
from batterytwin.inventory import BatteryUnit
from batterytwin.telemetry import StringMode
from storage.server_store import ServerStore
from tests.fixtures.small_fleet import small_inventory
from tests.twin_server.live_bench import START_US, LiveBench
from twin_server.alert_hub import AlertHub
from twin_server.string_alerts import StringAlerts, StringConditions

SHEET = load_datasheet("HX12-120")
WARM = Diagnosis(FaultClass.ROOM_COOLING, (), 0, ())
STUCK = Diagnosis(FaultClass.STUCK_SENSOR, (7,), 0, ())
FIRST, SECOND = 0, 1
"""Two strings of one location."""


class Learned:
    """Strings that have learnt their baselines, or have not yet; some feel a warm room."""

    def __init__(self, now_us: int, warm: Collection[int], learned_s: float) -> None:
        self._now_us = now_us
        self._warm = warm
        self._learned_s = learned_s

    def condition(self, number: int, condition: int) -> bool:
        return condition == FaultClass.ROOM_COOLING and number in self._warm

    def value(self, number: int, name: str) -> float:
        return float(self._now_us + number) if name == "last_us" else self._learned_s

    def voltage_off(self, number: int) -> float:
        del number
        return 0.0


class Bench:
    """A server that watches strings: what it told is in the database."""

    def __init__(self, store: ServerStore, keys: dict[str, int]) -> None:
        self.store = store
        self._keys = keys
        self._twins = LiveBench(small_inventory(), keys)
        self._begin()

    def _begin(self) -> None:
        self._alerts = StringAlerts(self.store, AlertHub(self.store, self._twins.live), self._twins.fleet_map)

    async def restart(self) -> None:
        self._begin()
        await self._alerts.load()

    def replace(self, battery_id: str) -> None:
        unit = BatteryUnit(2, "NEW", self._twins.now_us + 1)
        self._twins.fleet_map.take_units({self._keys[battery_id]: unit})

    async def look(
        self,
        *numbers: int,
        warm: Collection[int] = (),
        stuck: Collection[int] = (),
        learned_s: float = 10.0 * LIMITS.learn_s,
    ) -> None:
        """A minute goes by, and some strings are looked at."""
        self._twins.pass_s(60)
        found = {number: (WARM,) * (number in warm) + (STUCK,) * (number in stuck) for number in numbers}
        await self.follow(found, Learned(self._twins.now_us, warm, learned_s))

    async def follow(self, found: Mapping[int, tuple[Diagnosis, ...]], conditions: StringConditions) -> None:
        await self._alerts.follow(found, conditions)

    async def told(self) -> list[tuple[AlertRule, AlertChange]]:
        return [(change.alert.rule, change.change) for change in await self.store.changes_since(0, 1_000)]


@pytest_asyncio.fixture
async def bench(server_store: ServerStore) -> Bench:
    return Bench(server_store, await server_store.register_inventory(small_inventory()))


RAISED, CLEARED = (AlertRule.ROOM_COOLING, AlertChange.RAISED), (AlertRule.ROOM_COOLING, AlertChange.CLEARED)


async def test_a_warm_room_is_one_alert_however_many_strings_feel_it_at_once(bench: Bench) -> None:
    await bench.look(FIRST, SECOND, warm=(FIRST, SECOND))
    await bench.look(FIRST, SECOND, warm=(FIRST, SECOND))
    await bench.look(FIRST, SECOND, warm=(SECOND,))
    assert await bench.told() == [RAISED]
    await bench.look(FIRST, SECOND)
    assert await bench.told() == [RAISED, CLEARED]
    assert len({change.alert.alert_id for change in await bench.store.changes_since(0, 9)}) == 1


async def test_a_warm_room_stays_one_alert_when_one_string_feels_it_no_longer_and_another_begins_to(
    bench: Bench,
) -> None:
    await bench.look(FIRST, SECOND, warm=(FIRST,))
    await bench.look(FIRST, SECOND, warm=(SECOND,))
    assert await bench.told() == [RAISED]


async def test_a_warm_room_outlasts_a_restart_whichever_string_is_looked_at_first(bench: Bench) -> None:
    await bench.look(FIRST, SECOND, warm=(SECOND,))
    await bench.restart()
    await bench.look(FIRST, warm=(SECOND,))
    await bench.look(SECOND, warm=(SECOND,))
    assert await bench.told() == [RAISED]


async def test_a_fault_that_a_person_has_closed_is_the_same_alert_after_a_restart(bench: Bench) -> None:
    await bench.look(FIRST, stuck=(FIRST,))
    [alert] = await bench.store.active_alerts()
    await bench.store.resolve_alert(alert.alert_id, "anna", "is being changed", START_US)
    await bench.restart()
    await bench.look(FIRST, stuck=(FIRST,))
    assert await bench.store.active_alerts() == []
    await bench.look(FIRST)
    rule = AlertRule.SENSOR_FAULT
    assert await bench.told() == [(rule, AlertChange.RAISED), (rule, AlertChange.RESOLVED), (rule, AlertChange.CLEARED)]


async def test_an_alert_ends_with_the_block_that_it_was_about_whatever_its_string_has_learned(bench: Bench) -> None:
    raised, cleared = ((AlertRule.SENSOR_FAULT, change) for change in (AlertChange.RAISED, AlertChange.CLEARED))
    await bench.look(FIRST, stuck=(FIRST,), learned_s=0.0)
    await bench.look(FIRST, learned_s=0.0)
    await bench.restart()
    await bench.look(FIRST, learned_s=0.0)
    assert await bench.told() == [raised]  # without baselines nobody can say that it is over
    bench.replace("AAA-U1-S01-B08")
    await bench.look(FIRST, learned_s=0.0)
    assert await bench.told() == [raised, cleared]
    await bench.look(FIRST, stuck=(FIRST,), learned_s=0.0)
    await bench.look(FIRST, learned_s=0.0)
    assert await bench.told() == [raised, cleared, raised]


class Judged:
    """What the analysis remembers of one string."""

    def __init__(self, fleet: StringFleet) -> None:
        self._fleet = fleet

    def condition(self, number: int, condition: int) -> bool:
        return bool(self._fleet.states["active"][number, condition, -1])

    def value(self, number: int, name: str) -> float:
        return float(self._fleet.states[name][number])

    def voltage_off(self, number: int) -> float:
        return float(self._fleet.voltage_off[number])


@pytest.mark.parametrize("share", [1.0103, 1.015, 0.9896, 1.05])
async def test_a_string_voltage_that_has_passed_its_limit_is_told_so(bench: Bench, share: float) -> None:
    fleet = StringFleet(StringSheets.of([(SHEET, 24)]), np.zeros(1, np.int32))
    for minute in range(12):  # from the first frame on: nothing has settled yet
        voltage_v = np.full((1, 24), share * SHEET.float_v)
        fleet.take(
            np.zeros(1, np.intp),
            StringFrame(
                time_us=np.array([START_US + minute * 60_000_000]),
                voltage_v=voltage_v,
                temperature_c=np.full((1, 24), 25.0),
                resistance_mohm=np.full((1, 24), np.nan),
                current_a=np.array([0.02]),
                string_voltage_v=voltage_v.sum(axis=1),
                mode=np.array([StringMode.FLOAT], np.int16),
            ),
        )
        await bench.follow({FIRST: ()}, Judged(fleet))
    [alert] = await bench.store.active_alerts()
    assert alert.value == pytest.approx(100.0 * (share - 1.0), abs=1e-3)
    assert abs(alert.threshold) < abs(alert.value)
    told, limit = (float(number) for number in re.findall(r"([0-9.]+) %", alert.message))
    assert told > limit == abs(alert.threshold)
    assert ("above" if share > 1.0 else "below") in alert.message
