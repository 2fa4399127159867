"""The checker of the fault suite fails whenever it should, and so does its comparison of states."""

import asyncio
from collections.abc import Callable

import grpc
import numpy as np
import pytest

from actors.local_fleet import LocalFleet
from storage.memory_shard_store import MemoryDatabase, MemoryShardStore
from tests.actors.telemetry import small_specs
from tests.chaos.checker import StoredRows, check
from tests.chaos.ledger import Ledger, SentBatch, voltage_v
from tests.chaos.messages import all_methods
from tests.chaos.states import NEVER_S, differing, reading_rows
from twin_server.server import SERVICE_NAMES

BATTERY = "AAA-U1-S01-B01"
BASE_US = 1_760_000_000_000_000


def ledger_of(acked: int, unacked: int = 0) -> Ledger:
    ledger = Ledger((BATTERY,), BASE_US)
    if acked:
        ledger.batches.append(SentBatch(ledger.take(acked), 0.0, 1.0))
    if unacked:
        ledger.batches.append(SentBatch(ledger.take(unacked), 0.0))
    return ledger


def rows_of(ledger: Ledger, sequences: list[int]) -> StoredRows:
    numbers = np.array(sequences, np.int64)
    return StoredRows(ledger.time_us(numbers), voltage_v(numbers))


def newest(sequence: int) -> dict[str, int]:
    return {BATTERY: BASE_US + sequence * 1_000_000}


def test_what_was_acknowledged_and_is_there_once_passes() -> None:
    ledger = ledger_of(5)
    verdict = check(ledger, {BATTERY: rows_of(ledger, [3, 1, 2, 5, 4])}, newest(5))
    assert (verdict.acked, verdict.violations) == (5, 0)


@pytest.mark.parametrize("stored", [5, 6, 7])
def test_what_was_not_acknowledged_may_be_there_or_not(stored: int) -> None:
    ledger = ledger_of(5, unacked=2)
    rows = rows_of(ledger, list(range(1, stored + 1)))
    assert check(ledger, {BATTERY: rows}, newest(stored)).violations == 0


def test_nothing_sent_and_nothing_stored_passes() -> None:
    assert check(ledger_of(0), {}, {}).violations == 0


def altered(ledger: Ledger) -> StoredRows:
    rows = rows_of(ledger, [1, 2, 3, 4, 5])
    rows.voltage_v[2] += np.float32(0.001)
    return rows


@pytest.mark.parametrize(
    ("make_rows", "twin", "found"),
    [
        (lambda book: rows_of(book, [1, 2, 3, 4]), 4, {"lost": 1}),
        (lambda book: rows_of(book, [1, 2, 4, 5]), 2, {"lost": 1, "holes": 1}),
        (lambda book: rows_of(book, [1, 2, 3, 3, 4, 5]), 5, {"doubled": 1}),
        (lambda book: rows_of(book, [1, 2, 3, 4, 5, 6]), 5, {"foreign": 1}),
        (altered, 5, {"altered": 1}),
        (lambda book: rows_of(book, [1, 2, 3, 4, 5]), 4, {"wrong_twins": 1}),
        (lambda book: rows_of(book, [1, 2, 3, 4, 5]), 6, {"wrong_twins": 1}),
        (lambda book: rows_of(book, []), 0, {"lost": 5}),
    ],
    ids=["lost", "hole", "doubled", "foreign", "altered", "twin behind", "twin ahead", "all lost"],
)
def test_each_violation_is_found(make_rows: Callable[[Ledger], StoredRows], twin: int, found: dict[str, int]) -> None:
    ledger = ledger_of(5)
    verdict = check(ledger, {BATTERY: make_rows(ledger)}, newest(twin))
    assert {name: getattr(verdict, name) for name in found} == found
    assert verdict.violations == sum(found.values())
    assert verdict.examples


def test_random_messages_go_to_every_service_of_the_product() -> None:
    with grpc.insecure_channel("127.0.0.1:1") as channel:
        told = {method.name.split(".")[0] for method in all_methods(channel)}
    assert {f"batterytwin.v1.{name}" for name in told} == set(SERVICE_NAMES)


def test_a_hole_among_unacknowledged_rows_is_found() -> None:
    ledger = ledger_of(2, unacked=3)
    verdict = check(ledger, {BATTERY: rows_of(ledger, [1, 2, 4])}, newest(2))
    assert (verdict.lost, verdict.holes) == (0, 1)


SPECS = small_specs(2)


def fleet_with(ledger: Ledger, sequences: list[int], *, altered: bool = False) -> LocalFleet:
    """A fleet whose twins have been given these sequences, in this order."""
    database = MemoryDatabase()

    def fleet() -> LocalFleet:
        return LocalFleet([SPECS], lambda: MemoryShardStore(database), NEVER_S)

    async def feed() -> None:
        before = fleet()
        await before.start()
        for sequence in sequences:
            rows = reading_rows(ledger, np.array([sequence], np.int64), range(len(SPECS)))
            if altered and sequence == sequences[-1]:
                rows["voltage_v"][0] += np.float32(0.001)
            await before.apply(0, rows, BASE_US)
        await before.stop()

    asyncio.run(feed())
    return fleet()


@pytest.mark.parametrize(
    ("sequences", "altered", "differing_twins"),
    [
        (list(range(1, 31)), False, 0),
        ([*range(1, 10), *range(11, 31), 10, 10], False, 0),
        ([*range(1, 10), *range(11, 31)], False, len(SPECS)),
        (list(range(1, 32)), False, len(SPECS)),
        (list(range(1, 31)), True, 1),
        ([], False, len(SPECS)),
    ],
    ids=["same", "late and twice", "one is missing", "one too many", "one value of one twin", "nothing"],
)
def test_each_state_that_differs_is_found(sequences: list[int], *, altered: bool, differing_twins: int) -> None:
    ledger = Ledger(tuple(spec.battery_id for spec in SPECS), BASE_US)
    ledger.batches.append(SentBatch(ledger.take(30), 0.0, 1.0))
    found = fleet_with(ledger, sequences, altered=altered)
    assert asyncio.run(differing(found, SPECS, [ledger])) == differing_twins
