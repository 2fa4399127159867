"""Laws of stored drills."""

import math
import time
import uuid
from dataclasses import replace

import psycopg
import pytest

from batterytwin.scenarios import DrillState
from storage.drill_records import DrillChangeRecord, DrillPart, DrillRecord, DrillReportRecord
from storage.server_store import ServerStore
from storage.what_if_keeper import forget_what_ifs
from tests.twin_server.scripted_drills import alert

T0_US = 1_790_000_000_000_000
PART = DrillPart("hvac_failure", '{"name": "hvac_failure"}', ("AAA",), {"duration_h": 8.0}, 60.0)


def drill(drill_id: str = "d1", *locations: str) -> DrillRecord:
    return DrillRecord(
        drill_id=drill_id,
        title="Cooling fails",
        parts=(PART,),
        names=locations or ("AAA",),
        location_ids=locations or ("AAA",),
        battery_count=48,
        seed=-3,
        speed=60.0,
        started_us=T0_US,
        started_by="anna",
    )


async def add(store: ServerStore, *drills: DrillRecord) -> None:
    for one in drills:
        assert await store.add_drill(one, str(uuid.uuid4()))


async def test_a_drill_is_read_as_it_was_saved(server_store: ServerStore) -> None:
    await add(server_store, drill())
    assert await server_store.drill("d1") == drill()
    assert await server_store.drill("d2") is None
    lived = replace(
        drill(),
        state=DrillState.RUNNING,
        parts=(PART, replace(PART, targets=(), parameters={})),
        begin_us=T0_US - 1,
        now_us=T0_US + 5,
        end_us=T0_US + 9,
        reading_count=2**40,
        revision=2,
    )
    change = DrillChangeRecord(T0_US, None, "anna", "started")
    await server_store.save_drill(lived, change=change)
    assert await server_store.drill("d1") == lived
    assert await server_store.drill_changes("d1") == [change]


async def test_what_has_ended_stays_as_it_ended(server_store: ServerStore) -> None:
    await add(server_store, drill())
    ended = replace(drill(), state=DrillState.STOPPED, stopped_us=T0_US + 1, stopped_by="anna")
    await server_store.save_drill(ended)
    await server_store.save_drill(replace(ended, state=DrillState.FAILED, reason="too late"))
    assert await server_store.drill("d1") == ended
    assert await server_store.fail_left_drills("restarted", T0_US + 2) == []


async def test_a_request_is_heard_once(server_store: ServerStore) -> None:
    asked, changed = str(uuid.uuid4()), str(uuid.uuid4())
    assert await server_store.add_drill(drill(), asked)
    assert not await server_store.add_drill(drill("d2"), asked)
    assert await server_store.drill_of_request(asked) == "d1"
    assert await server_store.drill_of_request(changed) is None
    for _ in range(2):
        await server_store.save_drill(drill(), request_id=changed)
    assert await server_store.drill_of_request(changed) == "d1"


async def test_those_that_live_come_first_and_only_to_whom_sees_all_of_their_locations(
    server_store: ServerStore,
) -> None:
    await add(server_store, drill("d1", "AAA"), drill("d2", "AAA", "BBB"), drill("d3", "BBB"))
    await server_store.save_drill(replace(drill("d3", "BBB"), state=DrillState.FAILED, stopped_us=T0_US))

    async def names(**selection: object) -> list[str]:
        return [one.drill_id for one in await server_store.drills(**{"limit": 9} | selection)]  # type: ignore[arg-type]

    assert await names() == ["d2", "d1", "d3"]
    assert await names(only_active=True) == ["d2", "d1"]
    assert await names(location_ids=["AAA"]) == ["d1"]
    assert await names(location_ids=["BBB", "AAA"]) == ["d2", "d1", "d3"]
    assert await names(location_ids=[]) == []
    assert await names(skip=1, limit=1) == ["d1"]


async def test_what_is_left_at_a_start_has_failed(server_store: ServerStore) -> None:
    await add(server_store, drill("d1"), drill("d2"))
    await server_store.save_drill(replace(drill("d2"), state=DrillState.STOPPING))
    assert sorted(await server_store.fail_left_drills("the server was restarted", T0_US + 9)) == ["d1", "d2"]
    found = await server_store.drill("d2")
    assert found is not None
    assert (found.state, found.reason, found.stopped_us) == (DrillState.FAILED, "the server was restarted", T0_US + 9)


async def test_a_report_keeps_alerts_whose_values_are_no_numbers(server_store: ServerStore) -> None:
    await add(server_store, drill())
    assert await server_store.drill_report("d1") == DrillReportRecord()
    report = DrillReportRecord((alert("a"), alert("b", 9.5)), 12_000, ("lowest voltage: 9.5 V", "über 40 °C"))
    for _ in range(2):  # keeping it again changes nothing
        await server_store.save_drill_report("d1", report)
    kept = await server_store.drill_report("d1")
    assert math.isnan(kept.alerts[0].value)
    assert replace(kept, alerts=kept.alerts[1:]) == replace(report, alerts=report.alerts[1:])
    assert replace(kept.alerts[0], value=0.0) == alert("a", 0.0)


async def test_what_never_lived_is_forgotten_whole(server_store: ServerStore, database_url: str) -> None:
    asked = str(uuid.uuid4())
    await server_store.add_drill(drill(), asked)
    await server_store.save_drill(drill(), change=DrillChangeRecord(T0_US, None, "anna", "started"))
    await server_store.remove_drill("d1")
    assert await server_store.drill_of_request(asked) is None
    with psycopg.connect(database_url) as connection:
        for table in ("drill", "drill_change", "drill_request", "drill_report"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


async def test_a_drill_without_an_end_has_no_end_state(server_store: ServerStore, database_url: str) -> None:
    await add(server_store, drill())
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("UPDATE drill SET state = 4")


async def test_what_is_over_for_long_is_forgotten_whole(server_store: ServerStore, database_url: str) -> None:
    await add(server_store, drill("d1"), drill("d2"), drill("d3"))
    now_us = time.time_ns() // 1_000
    for name, days in (("d1", 11), ("d2", 9)):
        ended = replace(drill(name), state=DrillState.STOPPED, stopped_us=now_us - days * 86_400_000_000)
        await server_store.save_drill(ended, change=DrillChangeRecord(T0_US, None, "anna", "stopped"))
        await server_store.save_drill_report(name, DrillReportRecord((alert("a"),), 1, ()))
    assert forget_what_ifs(database_url, 10) == 1
    assert forget_what_ifs(database_url, 10) == 0
    assert [one.drill_id for one in await server_store.drills(limit=9)] == ["d3", "d2"]
    with psycopg.connect(database_url) as connection:
        for table in ("drill_change", "drill_report"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,)
