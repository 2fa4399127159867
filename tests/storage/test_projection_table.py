"""Projections in the database: a queue that neither forgets nor doubles, and results until they are deleted."""

import time
import uuid
from dataclasses import replace

from batterytwin.scenarios import ProjectionState
from storage.projection_records import NewProjection, ProjectionOutcome
from storage.server_store import ServerStore
from storage.what_if_keeper import forget_what_ifs
from twin_server.audit import audit_entry

NOW_US = 1_790_000_000_000_000
DONE = ProjectionOutcome(ProjectionState.DONE, NOW_US - 7, 1.5, result=b"result", totals=b"totals")


def new(number: int = 1, location_ids: tuple[str, ...] = ("AAA",)) -> NewProjection:
    return NewProjection(
        projection_id=f"prj-{number}",
        request_id=str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))),
        request=b"request",
        location_ids=location_ids,
        battery_count=48,
        batteries_sha256=bytes(32),
        asked_us=NOW_US + number,
        asked_by="ann",
    )


async def test_a_request_is_taken_once_and_a_full_queue_takes_no_other(server_store: ServerStore) -> None:
    audit = audit_entry("projection.ask", "prj-1")
    first = await server_store.add_projection(new(1), 2, audit)
    again = await server_store.add_projection(replace(new(1), projection_id="prj-other"), 2, audit)
    assert first == again
    assert first is not None
    assert (first.projection_id, first.state, first.asked_us) == ("prj-1", ProjectionState.WAITING, NOW_US + 1)
    assert len(await server_store.audit_trail(10)) == 1
    assert await server_store.add_projection(new(2), 2) is not None
    assert await server_store.add_projection(new(3), 2) is None
    assert await server_store.add_projection(new(2), 2) is not None, "what was taken is told, however full it is"


async def test_the_oldest_runs_first_and_again_after_a_restart(server_store: ServerStore) -> None:
    for number in (1, 2):
        await server_store.add_projection(new(number), 20)
    begun = await server_store.begin_projection()
    assert begun is not None
    assert (begun.projection_id, begun.state) == ("prj-1", ProjectionState.RUNNING)
    await server_store.requeue_projections()
    again = await server_store.begin_projection()
    assert again is not None
    assert again.projection_id == "prj-1"
    assert await server_store.end_projection("prj-1", DONE, NOW_US)
    last = await server_store.begin_projection()
    assert last is not None
    assert last.projection_id == "prj-2"
    assert await server_store.begin_projection() is None


async def test_results_stay_until_they_are_deleted_and_a_repeated_call_deletes_nothing_more(
    server_store: ServerStore,
) -> None:
    await server_store.add_projection(new(1), 20)
    await server_store.begin_projection()
    await server_store.end_projection("prj-1", DONE, NOW_US)
    found = await server_store.projection("prj-1")
    assert found is not None
    assert (found.result, found.begin_us, found.done_us, found.took_s) == (b"result", NOW_US - 7, NOW_US, 1.5)
    assert (await server_store.projection_totals(["prj-1", "prj-2"]))["prj-1"] == (found, b"totals")
    request_id = str(uuid.uuid4())
    assert await server_store.cancel_projection("prj-1", request_id, NOW_US)
    assert not await server_store.cancel_projection("prj-1", request_id, NOW_US)
    assert await server_store.projection("prj-1") is None
    left = await server_store.projection("prj-1", deleted_too=True)
    assert left is not None
    assert (left.state, left.result) == (ProjectionState.DONE, None)
    assert (await server_store.list_projections(None, None, 10), await server_store.projection_totals(["prj-1"])) == (
        [],
        {},
    )
    taken = await server_store.add_projection(new(1), 20)
    assert taken is not None
    assert taken.state is ProjectionState.DONE, "its request is known still"


async def test_a_fleet_that_has_grown_meanwhile_is_told_as_it_was_copied(server_store: ServerStore) -> None:
    """Else somebody who may not see the new location would see what becomes of it."""
    await server_store.add_projection(new(1), 20)
    await server_store.begin_projection()
    grown = replace(DONE, location_ids=("AAA", "BBB"), battery_count=96, batteries_sha256=b"x" * 32)
    assert await server_store.end_projection("prj-1", grown, NOW_US)
    found = await server_store.projection("prj-1")
    assert found is not None
    assert (found.location_ids, found.battery_count, found.batteries_sha256) == (("AAA", "BBB"), 96, b"x" * 32)
    assert await server_store.list_projections(frozenset(("AAA",)), None, 10) == []


async def test_one_that_was_cancelled_keeps_no_result_and_is_deleted_by_a_further_call(
    server_store: ServerStore,
) -> None:
    await server_store.add_projection(new(1), 20)
    await server_store.begin_projection()
    once, twice = (str(uuid.uuid4()) for _ in range(2))
    assert await server_store.cancel_projection("prj-1", once, NOW_US)
    assert not await server_store.end_projection("prj-1", DONE, NOW_US)
    assert not await server_store.cancel_projection("prj-1", once, NOW_US)
    left = await server_store.projection("prj-1")
    assert left is not None
    assert (left.state, left.result, left.done_us) == (ProjectionState.CANCELLED, None, NOW_US)
    assert await server_store.cancel_projection("prj-1", twice, NOW_US)
    assert await server_store.projection("prj-1") is None
    await server_store.cancel_projection("prj-9", twice, NOW_US + 40 * 86_400_000_000)
    assert await server_store.projection("prj-1", deleted_too=True) is None, "a month later nothing is left"


async def test_lists_hold_what_may_be_seen_as_a_whole_newest_first(server_store: ServerStore) -> None:
    for number, places in enumerate((("AAA",), ("BBB",), ("AAA", "BBB"), ("AAA",)), start=1):
        await server_store.add_projection(new(number, places), 20)
    of_a = await server_store.list_projections(frozenset(("AAA",)), None, 10)
    assert [record.projection_id for record in of_a] == ["prj-4", "prj-1"]
    page = await server_store.list_projections(None, None, 3)
    assert [record.projection_id for record in page] == ["prj-4", "prj-3", "prj-2"]
    rest = await server_store.list_projections(None, page[-1].projection_key, 3)
    assert [record.projection_id for record in rest] == ["prj-1"]


async def test_what_is_over_for_long_is_forgotten_and_what_waits_is_not(
    server_store: ServerStore, database_url: str
) -> None:
    for number in (1, 2, 3):
        await server_store.add_projection(new(number), 20)
    now_us = time.time_ns() // 1_000
    for number, days in ((1, 11), (2, 9)):
        await server_store.begin_projection()
        assert await server_store.end_projection(f"prj-{number}", DONE, now_us - days * 86_400_000_000)
    assert forget_what_ifs(database_url, 10) == 1
    assert [found.projection_id for found in await server_store.list_projections(None, None, 9)] == ["prj-3", "prj-2"]
