"""Holds the database and the twins to what was acknowledged. Pure, so that it can itself be shown to fail."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray

from storage.archive_files import read_rows
from storage.archive_manifest import FileKind, current_files
from tests.chaos.ledger import Ledger, voltage_v

_MOST_EXAMPLES = 5

_STORED = """
SELECT b.battery_id, (extract(epoch FROM s.sample_time) * 1000000)::bigint, s.voltage_v
FROM (SELECT battery_key, sample_time, voltage_v FROM reading
      UNION ALL SELECT battery_key, sample_time, voltage_v FROM late_reading) AS s
JOIN battery AS b USING (battery_key)
WHERE b.battery_id = ANY(%s)
"""
_KEYS = "SELECT battery_id, battery_key FROM battery WHERE battery_id = ANY(%s)"


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Rows of one battery, in any order.

    Attributes:
        time_us: sample times, microseconds since 1970.
        voltage_v: measured voltages, V.
    """

    time_us: NDArray[np.int64]
    voltage_v: NDArray[np.float32]


@dataclass(slots=True)
class Verdict:
    """What the checker found; each count is of (battery, sequence) but `wrong_twins`, which is of twins.

    Attributes:
        acked: acknowledged.
        lost: acknowledged and not stored.
        doubled: stored more than once.
        foreign: stored and never sent.
        altered: stored with another value.
        holes: not stored although a later one of the same battery is.
        wrong_twins: twins whose newest sample is not the last of their contiguous sequence.
        examples: some of them, for people.
    """

    acked: int = 0
    lost: int = 0
    doubled: int = 0
    foreign: int = 0
    altered: int = 0
    holes: int = 0
    wrong_twins: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def violations(self) -> int:
        """Everything that must be zero, added up."""
        return self.lost + self.doubled + self.foreign + self.altered + self.holes + self.wrong_twins

    def add(self, other: "Verdict") -> None:
        """Joins the verdict on another gateway."""
        for name in ("acked", "lost", "doubled", "foreign", "altered", "holes", "wrong_twins"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.examples = (self.examples + other.examples)[:_MOST_EXAMPLES]


def check(ledger: Ledger, stored: Mapping[str, StoredRows], newest_us: Mapping[str, int]) -> Verdict:
    """Compares one gateway's book with what was read back.

    Args:
        ledger: what was sent and acknowledged.
        stored: rows by battery.
        newest_us: sample time of the newest applied reading of each twin, microseconds; absent = none.
    """
    verdict = Verdict()
    acked, sent = ledger.acked(), ledger.sent()
    nothing = StoredRows(np.zeros(0, np.int64), np.zeros(0, np.float32))
    for battery_id in ledger.battery_ids:
        rows = stored.get(battery_id, nothing)
        sequences, rest = np.divmod(rows.time_us - ledger.base_us, ledger.period_us)
        known = (rest == 0) & np.isin(sequences, sent)
        there, times = np.unique(sequences[known], return_counts=True)
        contiguous = int(np.argmax(there != np.arange(1, len(there) + 1))) if len(there) else 0
        if len(there) and there[-1] == len(there):
            contiguous = len(there)
        newest = newest_us.get(battery_id, ledger.base_us)
        found = {
            "lost": len(np.setdiff1d(acked, there)),
            "doubled": int(np.sum(times - 1)),
            "foreign": int(np.sum(~known)),
            "altered": int(np.sum(rows.voltage_v[known] != voltage_v(sequences[known]))),
            "holes": int(there[-1]) - len(there) if len(there) else 0,
            "wrong_twins": int(newest != ledger.base_us + contiguous * ledger.period_us),
        }
        examples = [f"{battery_id}: {count} {name}" for name, count in found.items() if count]
        verdict.add(Verdict(len(acked), **found, examples=examples))
    return verdict


def read_back(url: str, archive: Path, battery_ids: tuple[str, ...]) -> dict[str, StoredRows]:
    """Rows of some batteries, those that came late and those that were sealed included, in table order."""
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("LOCK TABLE reading IN ACCESS SHARE MODE")  # a day may be just moving
        rows = connection.execute(_STORED, (list(battery_ids),)).fetchall()
        keys = connection.execute(_KEYS, (list(battery_ids),)).fetchall()
        files = current_files(connection, FileKind.READINGS)
    names = np.array([row[0] for row in rows])
    times = np.array([row[1] for row in rows], np.int64)
    volts = np.array([row[2] for row in rows], np.float32)
    sealed = list(read_rows(archive, [file.path for file in files], [key for _, key in keys]))
    found = {}
    for name, key in keys:
        parts = [part[part["battery_key"] == key] for part in sealed]
        found[name] = StoredRows(
            np.concatenate([times[names == name], *(part["sample_time_us"] for part in parts)]),
            np.concatenate([volts[names == name], *(part["voltage_v"] for part in parts)]),
        )
    return found
