"""Rows to put under a server store, written the plain way."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import numpy as np
import psycopg

from batterytwin.alerts import AlertChange, AlertRule, AlertTransition, Severity
from batterytwin.datasheet import load_datasheet
from batterytwin.inventory import (
    Battery,
    BatteryString,
    Inventory,
    Location,
    LocationClock,
    System,
    SystemKind,
)
from batterytwin.telemetry import TELEMETRY_DTYPE, Rows
from storage.instants import to_datetime

NOW_US = 1_790_000_000_000_000  # 2026-09-21
MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US


def small_location(location_id: str = "BRK", strings: int = 2, batteries: int = 3) -> Location:
    datasheet = load_datasheet("HX12-120")
    systems = []
    for number in range(1, strings + 1):
        string_id = f"{location_id}-U1-S{number:02d}"
        slots = tuple(
            Battery(f"{string_id}-B{n:02d}", n, f"SN-{string_id}-{n}", 1, date(2022, 1, n))
            for n in range(1, batteries + 1)
        )
        string = BatteryString(string_id, datasheet, slots)
        systems.append(System(f"{location_id}-U{number}", SystemKind.UPS, (string,)))
    return Location(
        location_id, "egat", f"Site {location_id}", "Central", 13.75, 100.5, LocationClock.WALL, 60.0, tuple(systems)
    )


def small_inventory(*location_ids: str) -> Inventory:
    return Inventory(tuple(small_location(name) for name in location_ids or ("BRK",)))


def transition(battery_key: int | None = 1, **changes: object) -> AlertTransition:
    made = AlertTransition(
        alert_id="",
        battery_key=battery_key,
        string_id="",
        location_id="",
        rule=AlertRule.TEMPERATURE_HIGH,
        severity=Severity.WARNING,
        change=AlertChange.RAISED,
        sample_time_us=NOW_US,
        value=36.5,
        threshold=35.0,
        unit="degC",
        message="Post temperature above 35 degC",
    )
    made = replace(made, **changes)  # type: ignore[arg-type]  # names are checked by replace itself
    return made if made.alert_id else replace(made, alert_id=f"{battery_key}/{made.rule.name}/{made.sample_time_us}")


def telemetry(battery_key: int, times_us: Iterable[int], seed: int = 0) -> Rows:
    times = np.fromiter(times_us, np.int64)
    random = np.random.default_rng(seed)
    rows = np.zeros(len(times), TELEMETRY_DTYPE)
    rows["battery_key"] = battery_key
    rows["sample_time_us"] = times
    for name in TELEMETRY_DTYPE.names or ():
        if TELEMETRY_DTYPE[name] == np.float32:
            rows[name] = random.normal(13.0, 1.0, len(times)).astype(np.float32)
    return rows


def store_rows(database_url: str, rows: Rows, *, late: bool = False) -> None:
    """Writes rows with a plain COPY; the partition of each day is made when it is missing."""
    with psycopg.connect(database_url) as connection:
        if not late:
            for day in {int(t) // DAY_US for t in rows["sample_time_us"]}:
                start, end = to_datetime(day * DAY_US), to_datetime((day + 1) * DAY_US)
                connection.execute(
                    f"CREATE TABLE IF NOT EXISTS reading_{start:%Y%m%d} PARTITION OF reading "
                    f"FOR VALUES FROM ('{start}') TO ('{end}')"
                )
        table = "late_reading" if late else "reading"
        names = ["sample_time" if name == "sample_time_us" else name for name in rows.dtype.names or ()]
        with connection.cursor().copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
            for row in rows:
                cells = [
                    to_datetime(int(v)) if n == "sample_time" else v.item() for n, v in zip(names, row, strict=True)
                ]
                copy.write_row(cells)


def make_minutes(database_url: str, start_us: int, end_us: int) -> None:
    """Fills `reading` with one row of battery 1 each minute, made inside the database."""
    start, end = to_datetime(start_us), to_datetime(end_us)
    with psycopg.connect(database_url) as connection:
        connection.execute(f"CREATE TABLE reading_all PARTITION OF reading FOR VALUES FROM ('{start}') TO ('{end}')")
        connection.execute(
            "INSERT INTO reading "
            "SELECT 1, t, 13.5, 0.1, 25, 'NaN', 0, 1, 0.01, 1, 0.02, 1, 0.0035, 0.001, 0.03, 0.0002, 0.002, 0 "
            "FROM generate_series(%s, %s - interval '1 minute', interval '1 minute') t",
            (start, end),
        )
