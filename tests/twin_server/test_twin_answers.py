"""Answers that are written by a short way are those of the long one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from batterytwin.inventory import BatteryUnit
from batterytwin.telemetry import LIVE_DTYPE, LIVE_ESTIMATE_COLUMNS, MEASURED_COLUMNS, Flag, Rows, regime_of
from batterytwin.v1 import twin_pb2, twin_service_pb2
from tests.twin_server.live_bench import LiveBench
from twin_server.twin_answers import TwinAnswers
from twin_server.twin_proto import COLUMNS_DTYPE, view_to_columns, view_to_twins
from twin_server.twin_view import TwinView, view_twins


def some_rows(bench: LiveBench, count: int, seed: int) -> Rows:
    """Rows with gaps, as old as may be."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, LIVE_DTYPE)
    for name in LIVE_DTYPE.names or ():
        if LIVE_DTYPE[name].base.kind == "f":
            values = rng.uniform(0.0, 2.0, rows[name].shape)
            rows[name] = np.where(rng.random(rows[name].shape) < 0.2, np.nan, values)
    ages_us = (10.0 ** rng.uniform(0, 14, count)).astype(np.int64)
    rows["as_of_us"] = np.where(rng.random(count) < 0.1, 0, bench.now_us - ages_us)
    rows["status"] = rng.choice([0, int(Flag.SUSPECT), 0x100, 0x201], count)
    rows["evidence_us"] = rng.choice([0, bench.now_us], rows["evidence_us"].shape)
    rows["current_sign"] = rng.choice([-1, 1], count)
    return rows


def columns_by_protobuf(view: TwinView, bench: LiveBench) -> twin_pb2.TwinColumns:
    live = view.live
    return twin_pb2.TwinColumns(
        battery_ids=[bench.fleet_map.battery_ids[ordinal] for ordinal in view.ordinals.tolist()],
        as_of_unix_ns=(live["as_of_us"] * 1_000).tolist(),
        age_s=view.ages_s.tolist(),
        qualities=view.qualities.tolist(),
        regimes=regime_of(live["status"]).tolist(),
        active_alert_counts=view.alert_counts.tolist(),
        **{name: live[name].tolist() for name in (*MEASURED_COLUMNS, *LIVE_ESTIMATE_COLUMNS)},
    )


@settings(max_examples=30)
@given(
    seed=st.integers(0, 1_000_000),
    waits_s=st.lists(st.floats(0, 1e6), min_size=1, max_size=3),
    change=st.sampled_from(["nothing", "rows", "unit"]),
)
def test_one_twin_is_told_as_among_many(seed: int, waits_s: list[float], change: str) -> None:
    bench = LiveBench()
    count = len(bench.fleet_map)
    bench.live.replace_shard(0, some_rows(bench, count, seed))
    answers, ordinals = TwinAnswers(bench.live), np.arange(count, dtype=np.int32)
    counts = np.random.default_rng(seed).integers(0, 3, count).astype(np.int32)
    for number, wait_s in enumerate(waits_s):
        bench.pass_s(wait_s)
        many = view_to_twins(view_twins(bench.live, counts, ordinals), bench.fleet_map)
        for ordinal, twin in enumerate(many):
            found = answers.answer(ordinal, int(counts[ordinal]))
            assert found == twin_service_pb2.GetTwinResponse(twin=twin)
            found.twin.Clear()  # what a caller does with an answer is no matter to the next one
        if change == "rows":
            bench.live.replace_shard(0, some_rows(bench, count, seed + number + 1))
        elif change == "unit":
            key = bench.fleet_map.identities[number].battery_key
            bench.fleet_map.take_units({key: BatteryUnit(number + 2, f"N{number}", bench.now_us)})


@given(
    seed=st.integers(0, 1_000_000),
    picks=st.one_of(st.none(), st.lists(st.integers(0, 47), unique=True, max_size=48)),
    most_alerts=st.sampled_from([0, 1, 127, 128, 70_000]),
)
def test_columns_are_what_protobuf_makes_of_them(seed: int, picks: list[int] | None, most_alerts: int) -> None:
    bench = LiveBench()
    count = len(bench.fleet_map)
    bench.live.replace_shard(0, some_rows(bench, count, seed))
    ordinals = np.arange(count, dtype=np.int32)
    if picks is not None:
        ordinals = ordinals[[pick for pick in picks if pick < count]]
    counts = np.random.default_rng(seed).integers(0, most_alerts + 1, count).astype(np.int32)
    found = view_to_columns(view_twins(bench.live, counts, ordinals, COLUMNS_DTYPE), bench.fleet_map)
    wanted = columns_by_protobuf(view_twins(bench.live, counts, ordinals), bench)
    assert found.SerializeToString(deterministic=True) == wanted.SerializeToString(deterministic=True)
