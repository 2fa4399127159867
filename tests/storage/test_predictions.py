"""Laws of stored predictions and of the registry of models."""

import hashlib
import time
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest

from batterytwin.life_models import ModelState
from batterytwin.telemetry import Rows
from storage.life_model_table import NewLifeModel
from storage.prediction_keeper import thin_predictions
from storage.prediction_rows import CASES, PREDICTION_DTYPE, SHADOW, TOLD
from storage.prediction_table import TOLD_BEFORE, told_before_values
from storage.server_store import ServerStore
from tests.storage.server_stores import small_inventory

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
T0_US = 1_790_000_000_000_000


def predictions(keys: list[int], at_us: int, days: float = 500.0, *, role: int = TOLD, **columns: float) -> Rows:
    rows = np.zeros(len(keys), PREDICTION_DTYPE)
    for number, name in enumerate(PREDICTION_DTYPE.names or ()):
        if rows.dtype[name].kind == "f":
            rows[name] = number / 3
    rows["battery_key"], rows["role"], rows["predicted_at"], rows["as_of"] = keys, role, at_us, at_us - 60_000_000
    rows["unit_seq"], rows["source"], rows["days_50"], rows["model_days"] = 1, 1, days, np.nan
    rows["upper_known"] = True
    rows["inputs_hash"] = np.frombuffer(hashlib.sha256(b"x").digest(), "V32")
    for name in CASES:
        rows[name] = -1
    for name, value in columns.items():
        rows[name] = value
    return rows


async def _keys(store: ServerStore) -> list[int]:
    return list((await store.register_inventory(small_inventory("BRK"))).values())


async def test_what_was_predicted_is_read_as_it_was(server_store: ServerStore, database_url: str) -> None:
    keys = await _keys(server_store)
    inputs = np.random.default_rng(1).normal(size=(len(keys), 7))
    for hour in range(3):
        await server_store.add_predictions(predictions(keys, T0_US + hour * HOUR_US), inputs + hour)
    shadow = predictions(keys, T0_US + 2 * HOUR_US, 9.0, role=SHADOW)
    await server_store.add_predictions(shadow)
    newest = await server_store.newest_predictions()
    wanted = predictions(keys, T0_US + 2 * HOUR_US)
    for name in PREDICTION_DTYPE.names or ():
        np.testing.assert_array_equal(
            np.sort(newest, order="battery_key")[name], np.sort(wanted, order="battery_key")[name]
        )
    history, versions = await server_store.life_history(keys[0], T0_US, T0_US + DAY_US, 100)
    assert history["predicted_at"].tolist() == [T0_US + hour * HOUR_US for hour in range(3)]
    assert versions == ("", "", "")
    few, _ = await server_store.life_history(keys[0], T0_US, T0_US + DAY_US, 2)
    assert few["predicted_at"].tolist() == [T0_US, T0_US + 2 * HOUR_US]
    with psycopg.connect(database_url) as connection:
        stored = connection.execute("SELECT inputs FROM prediction_input ORDER BY predicted_at, battery_key").fetchall()
        assert np.frombuffer(stored[0][0], "<f8").tolist() == inputs[np.argmin(keys)].tolist()
        with pytest.raises(psycopg.Error, match="never changed"):
            connection.execute("UPDATE prediction SET days_50 = 1")


async def test_hours_become_days_and_days_go(server_store: ServerStore, database_url: str) -> None:
    keys = (await _keys(server_store))[:2]
    with psycopg.connect(database_url) as connection:
        (now_s,) = connection.execute("SELECT extract(epoch FROM date_trunc('day', now()))::bigint").fetchone() or (0,)
    today_us = now_s * 1_000_000
    for day in (0, 5, 6, 40):
        for hour in (1, 2, 3):
            at_us = today_us - day * DAY_US + hour * HOUR_US - 4 * HOUR_US
            await server_store.add_predictions(predictions(keys, at_us), np.zeros((2, 3)))
    assert thin_predictions(database_url, hourly_days=3, kept_days=30) > 0
    assert thin_predictions(database_url, hourly_days=3, kept_days=30) == 0
    left, _ = await server_store.life_history(keys[0], 0, today_us + DAY_US, 1_000)
    assert len(left) == 3 + 1 + 1
    with psycopg.connect(database_url) as connection:
        (count,) = connection.execute("SELECT count(*) FROM prediction_input").fetchone() or (0,)
        assert count == 2 * (3 + 1 + 1)


async def test_pairs_of_one_block_tell_how_true_it_was(server_store: ServerStore) -> None:
    keys = (await _keys(server_store))[:3]
    for days_ago, days in ((50, 500.0), (40, 480.0), (1, 400.0)):
        await server_store.add_predictions(predictions(keys, T0_US - days_ago * DAY_US, days))
    await server_store.add_predictions(predictions(keys[2:], T0_US, 900.0, unit_seq=2.0))
    pairs = {pair.battery_key: pair for pair in await server_store.life_innovations(30, 365)}
    assert set(pairs) == set(keys[:2]), "another block has nothing to compare with"
    pair = pairs[keys[0]]
    assert (pair.older_days, pair.newer_days, pair.realised) == (480.0, 400.0, False)
    assert pair.newer_s - pair.older_s == pytest.approx(39 * 86_400)


async def test_a_battery_that_was_not_read_meanwhile_says_nothing_of_what_was_told(server_store: ServerStore) -> None:
    silent, heard = (await _keys(server_store))[:2]
    for days_ago in (50, 40, 1):
        rows = predictions([silent, heard], T0_US - days_ago * DAY_US)
        rows["as_of"][0] = T0_US - 60 * DAY_US
        await server_store.add_predictions(rows)
    (pair,) = await server_store.life_innovations(30, 365)
    assert pair.battery_key == heard


async def test_models_keep_their_state_in_a_log(server_store: ServerStore) -> None:
    models = [NewLifeModel(f"m{n}", "layout", T0_US, "{}", f"archive {n}".encode()) for n in range(2)]
    for model in models:
        assert await server_store.add_life_model(model, "ann", T0_US)
        assert not await server_store.add_life_model(model, "bob", T0_US)
    second, first = await server_store.life_models()
    assert (first.version, first.imported_by, first.state) == ("m0", "ann", ModelState.CANDIDATE)
    archive, sha256 = await server_store.life_model_archive("m1") or (b"", b"")
    assert (archive, hashlib.sha256(archive).digest()) == (b"archive 1", sha256)
    assert await server_store.approve_life_model(first.model_key, "ann", "good", T0_US)
    assert not await server_store.approve_life_model(first.model_key, "bob", "better", T0_US)

    async def switch(role: int, key: int | None, request_id: str = "") -> bool:
        name = request_id or str(uuid.uuid4())
        return await server_store.switch_life_model(role, key, "ann", "", T0_US, name)

    async def states() -> list[ModelState]:
        return [model.state for model in reversed(await server_store.life_models())]

    request_id = str(uuid.uuid4())
    assert await switch(TOLD, first.model_key, request_id)
    assert not await switch(TOLD, first.model_key)
    assert await switch(SHADOW, second.model_key)
    assert await states() == [ModelState.ACTIVE, ModelState.SHADOW]
    assert await switch(TOLD, second.model_key)
    assert not await switch(TOLD, first.model_key, request_id), "heard before"
    assert await states() == [ModelState.RETIRED, ModelState.ACTIVE]
    assert await switch(SHADOW, None)
    found = await server_store.life_model("m0")
    assert found is not None
    assert (found.approved_by, found.approve_note) == ("ann", "good")
    assert await server_store.life_model("none") is None


FILL = """
INSERT INTO prediction ({columns}) SELECT {values} FROM prediction p, generate_series(1, 30 * 24) n
"""


@pytest.mark.parametrize("is_fed", [False, True])
async def test_what_was_told_before_is_found_by_its_index(
    server_store: ServerStore, database_url: str, is_fed: bool
) -> None:
    keys = (await _keys(server_store))[:40]
    rows = predictions(keys, time.time_ns() // 1_000)
    await server_store.add_predictions(rows)
    names = PREDICTION_DTYPE.names or ()
    moved = {"predicted_at", "as_of"}
    values = ", ".join(f"{name} - n * interval '1 hour'" if name in moved else name for name in names)
    asked = told_before_values(rows, np.full(len(rows), is_fed), (86_400, 31 * 86_400))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(FILL.format(columns=", ".join(names), values=values).encode())
        for prepare in ("SELECT 1", "ANALYZE prediction"):  # also before the planner knows the table
            connection.execute(prepare.encode())
            row = connection.execute(b"EXPLAIN (FORMAT JSON) " + TOLD_BEFORE, asked).fetchone()
            assert row is not None
            (scan,) = scans_of(row[0][0]["Plan"], "prediction")
            assert scan["Node Type"] in {"Index Scan", "Bitmap Heap Scan"}, "it is read 15,552 times for a fleet"


def scans_of(plan: dict[str, Any], table: str) -> Iterator[dict[str, Any]]:
    """Nodes of a plan that read a table."""
    if plan.get("Relation Name") == table:
        yield plan
    for part in plan.get("Plans", []):
        yield from scans_of(part, table)
