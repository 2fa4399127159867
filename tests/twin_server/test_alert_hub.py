"""Who watches hears of the end of what they know, and of what stands; what came and went in the past is not told."""

import pytest_asyncio

from batterytwin.alerts import AlertChange, AlertRule, AlertTransition, Severity
from storage.server_store import ServerStore
from tests.fixtures.small_fleet import small_inventory
from tests.twin_server.live_bench import LiveBench
from twin_server.alert_hub import AlertHub

HOT = "AAA-U1-S01-B07"
ALERT_ID = f"{HOT}/TEMPERATURE_HIGH/1"
HOUR_S = 3_600.0


class Watcher:
    """Follows the alerts of a hub."""

    def __init__(self, hub: AlertHub) -> None:
        self._hub = hub
        active, self.seq = hub.begin_watch()
        self.standing = {alert.alert_id for alert in active}

    async def hear(self) -> list[AlertChange]:
        """What has been told since."""
        await self._hub.refresh()
        changes, self.seq = await self._hub.read_after(self.seq, lambda _: True)
        for change in changes:
            over = change.change == AlertChange.CLEARED
            (self.standing.discard if over else self.standing.add)(change.alert.alert_id)
        return [change.change for change in changes]


class Bench:
    """A hub over a database; a rule of a shard changes alerts of one battery."""

    def __init__(self, store: ServerStore, keys: dict[str, int]) -> None:
        self.store = store
        self.twins = LiveBench(small_inventory(), keys)
        self.hub = AlertHub(store, self.twins.live)
        self.key = keys[HOT]

    async def change(
        self, change: AlertChange, *, ago_s: float = 0.0, rule: AlertRule = AlertRule.TEMPERATURE_HIGH
    ) -> None:
        at_us = self.twins.now_us - round(ago_s * 1e6)
        severity = Severity.CRITICAL if change == AlertChange.ESCALATED else Severity.WARNING
        await self.store.apply_transitions(
            [AlertTransition(ALERT_ID, self.key, "", "", rule, severity, change, at_us, 36.0, 35.0, "degC", "hot")]
        )


@pytest_asyncio.fixture
async def bench(server_store: ServerStore) -> Bench:
    return Bench(server_store, await server_store.register_inventory(small_inventory()))


async def test_the_end_of_an_alert_that_was_told_is_told_however_late_it_comes(bench: Bench) -> None:
    watcher = Watcher(bench.hub)
    await bench.change(AlertChange.RAISED)
    assert await watcher.hear() == [AlertChange.RAISED]
    bench.twins.pass_s(HOUR_S)  # the gateway is cut off, and tells later what was
    await bench.change(AlertChange.CLEARED, ago_s=0.9 * HOUR_S)
    assert await watcher.hear() == [AlertChange.CLEARED]
    assert not watcher.standing


async def test_what_came_and_went_in_the_past_is_told_to_nobody(bench: Bench) -> None:
    watcher = Watcher(bench.hub)
    for change, ago_s in ((AlertChange.RAISED, 3.0), (AlertChange.ESCALATED, 2.0), (AlertChange.CLEARED, 1.0)):
        await bench.change(change, ago_s=ago_s * HOUR_S)
        assert await watcher.hear() == []
    bench.twins.sample(HOT)
    await bench.hub.tell_held()
    assert await watcher.hear() == []


async def test_what_stands_once_the_past_has_come_in_is_told_once_and_to_who_resumes_too(bench: Bench) -> None:
    watcher, gone = Watcher(bench.hub), Watcher(bench.hub)
    await bench.change(AlertChange.RAISED, ago_s=HOUR_S)
    assert await watcher.hear() == await gone.hear() == []
    await bench.hub.tell_held()  # what the gateway has kept is still coming in
    assert await watcher.hear() == []
    bench.twins.sample(HOT)
    for _ in range(2):
        await bench.hub.tell_held()
    assert await watcher.hear() == await gone.hear() == [AlertChange.RAISED]
    assert [change.change for change in await bench.store.changes_since(0, 9)] == [AlertChange.RAISED] * 2
    await bench.change(AlertChange.CLEARED)
    assert await watcher.hear() == [AlertChange.CLEARED]


async def test_a_silence_is_of_the_present_however_long_it_could_not_be_stored(bench: Bench) -> None:
    watcher = Watcher(bench.hub)
    await bench.change(AlertChange.RAISED, ago_s=HOUR_S, rule=AlertRule.NO_DATA)
    assert await watcher.hear() == [AlertChange.RAISED]


async def test_a_watch_that_began_with_an_alert_of_the_past_hears_of_its_end(bench: Bench) -> None:
    await bench.change(AlertChange.RAISED, ago_s=3.0 * HOUR_S)
    await bench.hub.refresh()
    watcher = Watcher(bench.hub)
    assert watcher.standing
    await bench.change(AlertChange.CLEARED, ago_s=2.0 * HOUR_S)
    assert await watcher.hear() == [AlertChange.CLEARED]


async def test_what_a_person_has_closed_before_it_was_told_is_told_by_nobody_but_the_person(bench: Bench) -> None:
    watcher = Watcher(bench.hub)
    await bench.change(AlertChange.RAISED, ago_s=HOUR_S)
    await bench.hub.refresh()
    await bench.store.resolve_alert(ALERT_ID, "anna", "known", bench.twins.now_us)
    assert await watcher.hear() == [AlertChange.RESOLVED]
    bench.twins.sample(HOT)
    await bench.hub.tell_held()
    assert await watcher.hear() == []
