"""Faults of strings as alerts, without a server."""

from collections.abc import Sequence

from actors.string_limits import LIMITS
from batterytwin.alerts import AlertChange, AlertTransition
from batterytwin.diagnosis import Diagnosis, FaultClass
from storage.alert_records import AlertChangeRecord, AlertRecord
from tests.fixtures.small_fleet import small_inventory, specs_of
from twin_server.alert_hub import AlertHub
from twin_server.live_table import LiveTable
from twin_server.location_clock import LocationClocks
from twin_server.routing import FleetMap
from twin_server.string_alerts import StringAlerts

WARM = Diagnosis(FaultClass.ROOM_COOLING, (), 0, ())


class Store:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.changes: list[AlertTransition] = []

    async def apply_transitions(self, transitions: Sequence[AlertTransition]) -> None:
        self.changes += transitions

    async def active_alerts(self) -> list[AlertRecord]:
        return []

    async def last_change_seq(self) -> int:
        return 0

    async def changes_since(self, seq: int, limit: int) -> list[AlertChangeRecord]:
        del seq, limit
        return []


class Learned:
    """Conditions of strings that have learnt their baselines."""

    now_us = 1_000_000

    def condition(self, number: int, condition: int) -> bool:
        del number, condition
        return False

    def value(self, number: int, name: str) -> float:
        return float(self.now_us + number) if name == "last_us" else 10.0 * LIMITS.learn_s


async def test_a_warm_room_is_one_alert_however_many_strings_feel_it_at_once() -> None:
    inventory = small_inventory()
    fleet_map = FleetMap(inventory, [specs_of(inventory)])
    live = LiveTable(fleet_map, LocationClocks([location.clock for location in inventory.locations]))
    store, conditions = Store(), Learned()
    alerts = StringAlerts(store, AlertHub(store, live), fleet_map)
    first, second = (number for number, place in enumerate(fleet_map.string_location) if place == 0)

    assert await alerts.follow({first: (WARM,), second: (WARM,)}, conditions) == [first, second]
    assert [change.change for change in store.changes] == [AlertChange.RAISED]
    assert await alerts.follow({first: (WARM,), second: (WARM,)}, conditions) == []
    assert await alerts.follow({first: (), second: (WARM,)}, conditions) == []
    await alerts.follow({first: (), second: ()}, conditions)
    assert [change.change for change in store.changes] == [AlertChange.RAISED, AlertChange.CLEARED]
    assert len({change.alert_id for change in store.changes}) == 1
