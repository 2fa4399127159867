"""Laws of what is kept of blocks that have gone."""

import numpy as np
import psycopg
import pytest

from batterytwin.events import EventKind, Replacement, ReplacementReason, TwinInputKind
from batterytwin.life_ends import BlockEnd, LifeOutcome, ShownCapacity
from storage.event_records import EventRecord
from storage.instants import to_datetime
from storage.server_store import ServerStore
from tests.storage.server_stores import DAY_US, NOW_US, small_inventory
from tests.storage.test_predictions import predictions

LAYOUTS = {24: "three"}
GONE_US = NOW_US


def replacement(key: int, at_us: int, reason: ReplacementReason = ReplacementReason.UNSPECIFIED) -> EventRecord:
    name = f"replaced {key} {at_us}"
    return EventRecord(
        event_id=name, request_id=name, kind=EventKind.REPLACEMENT, location_id="BRK", string_id="BRK-U1-S01",
        battery_key=key, battery_id="", start_us=at_us, end_us=None, note="", capacity_test=None,
        recorded_by="ann", record_us=at_us, replacement=Replacement(f"new {at_us}", "old", reason),
    )  # fmt: skip


def apply(
    url: str, key: int, seq: int, at_us: int, *, kind: TwinInputKind, source: str, soh: float | None = None
) -> None:
    """Writes an input of a twin down, as its shard does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO twin_input (battery_key, seq, watermark, kind, at, soh_capacity, sigma, source_id, known_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, now())",
            (key, seq, to_datetime(at_us), kind, to_datetime(at_us), soh, None if soh is None else 0.03, source),
        )


async def _told(store: ServerStore, keys: list[int], days_ago: list[tuple[int, float]], unit: int = 1) -> None:
    """Predictions of blocks so many days before they went, with the health that was told."""
    for days, soh in days_ago:
        at_us = GONE_US - days * DAY_US
        rows = predictions(keys, at_us, 10.0 * days, soh_capacity=soh, unit_seq=float(unit))
        await store.add_predictions(rows, np.full((len(keys), 3), float(days)))


async def test_what_is_known_of_the_end_of_a_block(server_store: ServerStore, database_url: str) -> None:
    key, other = list((await server_store.register_inventory(small_inventory("BRK"))).values())[:2]
    told = [(90, 0.9), (60, 0.79), (50, 0.81), (40, 0.79), (20, 0.78), (-1, 0.99), (-30, 0.99)]
    await _told(server_store, [key, other], told)
    for seq, (days, soh, kind) in enumerate(
        (
            (70, 0.85, TwinInputKind.CAPACITY_TEST),
            (65, 0.50, TwinInputKind.DISCHARGE_RANK),
            (45, 0.70, TwinInputKind.STOPPED_CAPACITY_TEST),
            (-5, 0.99, TwinInputKind.CAPACITY_TEST),
        ),
        start=1,
    ):
        apply(database_url, key, seq, GONE_US - days * DAY_US, kind=kind, source=f"s{seq}", soh=soh)
    assert await server_store.unnoted_blocks() == []
    event = await server_store.record_event(replacement(key, GONE_US, ReplacementReason.OTHER))
    assert event.replacement is not None
    assert event.replacement.reason is ReplacementReason.OTHER
    assert await server_store.unnoted_blocks() == [], "not before it has reached the twin"
    apply(database_url, key, 5, GONE_US, kind=TwinInputKind.REPLACEMENT, source=event.event_id)
    (block,) = await server_store.unnoted_blocks()
    assert (block.battery_key, block.unit_seq, block.gone_us, block.end_soh) == (key, 1, GONE_US, 0.8)
    assert (block.battery_id, block.serial) == ("BRK-U1-S01-B01", "SN-BRK-U1-S01-1")
    assert (block.reason, block.event_id) == (ReplacementReason.OTHER, event.event_id)
    minute_us = 60_000_000  # readings are a minute older than the predictions
    assert block.below_us == GONE_US - 40 * DAY_US - minute_us, "what was told of the slot later is of another block"
    assert block.newest_us == GONE_US - 20 * DAY_US - minute_us
    assert block.tests == (
        ShownCapacity(GONE_US - 70 * DAY_US, 0.85),
        ShownCapacity(GONE_US - 45 * DAY_US, 0.70, stopped=True),
    )
    serving = {block.battery_key: block for block in await server_store.serving_blocks([key, other])}
    assert (serving[key].unit_seq, serving[key].gone_us, serving[key].newest_us) == (2, None, None)
    assert serving[other].newest_us == GONE_US + 30 * DAY_US - minute_us
    assert serving[other].below_us is None


async def test_an_end_is_noted_once_and_outlives_what_it_is_made_from(
    server_store: ServerStore, database_url: str
) -> None:
    key = next(iter((await server_store.register_inventory(small_inventory("BRK"))).values()))
    days = [400, 381, 380, 350, 320, 290, 260, 10, 5]
    await _told(server_store, [key], [(day, 0.9) for day in days])
    await server_store.add_predictions(predictions([key], GONE_US - 200 * DAY_US), np.zeros((1, 2)))  # unknown layout
    event = await server_store.record_event(replacement(key, GONE_US))
    apply(database_url, key, 1, GONE_US, kind=TwinInputKind.REPLACEMENT, source=event.event_id)
    (block,) = await server_store.unnoted_blocks()
    end = BlockEnd(LifeOutcome.END_SAID, GONE_US - 7 * DAY_US)
    assert await server_store.note_end(block, end, LAYOUTS)
    assert not await server_store.note_end(block, BlockEnd(LifeOutcome.REPLACED, GONE_US), LAYOUTS)
    assert await server_store.unnoted_blocks() == []
    assert await server_store.life_outcomes() == {LifeOutcome.END_SAID: 1}

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM prediction; DELETE FROM prediction_input")
    cases = await server_store.life_cases(10, 100)
    assert {case.end for case in cases} == {end}
    ago = [round((GONE_US - case.moment.predicted_us) / DAY_US) for case in cases]
    months = {to_datetime(GONE_US - day * DAY_US).strftime("%Y-%m") for day in days[:-1]}
    assert len(ago) == len(months), "the last of each month, none after the end, none that cannot be read"
    assert ago == sorted(ago, reverse=True)
    assert 380 in ago
    assert 381 not in ago
    for day, case in zip(ago, cases, strict=True):
        assert np.frombuffer(case.moment.inputs, "<f8").tolist() == [day] * 3
        assert (case.moment.told_days, case.moment.inputs_layout) == (10.0 * day, "three")
    few = await server_store.life_cases(10, 3)
    assert len(few) <= 3
    assert few[-1].moment.as_of_us == cases[-1].moment.as_of_us
    assert await server_store.life_cases(0, 3) == []
    with psycopg.connect(database_url, autocommit=True) as connection:
        for statement in (
            "UPDATE life_end SET outcome = 4",
            "DELETE FROM life_end",
            "UPDATE life_case SET told_days = 1",
            "DELETE FROM life_case",
        ):
            with pytest.raises(psycopg.Error, match="never changed"):
                connection.execute(statement)


async def test_what_predictions_rest_on_is_found_while_it_is_kept(server_store: ServerStore) -> None:
    keys = list((await server_store.register_inventory(small_inventory("BRK"))).values())[:3]
    rows = predictions(keys[:2], NOW_US)
    await server_store.add_predictions(rows, np.arange(6.0).reshape(2, 3))
    found = await server_store.prediction_inputs(
        np.array([keys[1], keys[2], keys[0]], np.int32), np.full(3, NOW_US, np.int64)
    )
    assert found == [np.arange(3.0, 6.0).tobytes(), None, np.arange(3.0).tobytes()]
