"""Strings of a branch: their frames through the analysis of strings, and what that says of faults and capacities."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actors.fleet import TwinSpec
from actors.string_analysis import StringFleet
from actors.string_frame import StringFrame, StringSheets
from actors.string_rank import discharge_ranks
from actors.string_state import pack_state, unpack_state
from actors.string_words import standing
from batterytwin.branch import StringVisits
from batterytwin.diagnosis import Diagnosis, FaultClass
from batterytwin.events import TwinInput, TwinInputKind
from batterytwin.telemetry import Rows


@dataclass(frozen=True, slots=True)
class BranchFinding:
    """A fault of a string that began to stand, or stands no longer.

    Attributes:
        time_us: sample time that showed it, microseconds since 1970 UTC.
        string_id: the string.
        fault: what it is.
        position: index of the block in the string; -1 = the whole string.
        raised: it stands from now on.
    """

    time_us: int
    string_id: str
    fault: FaultClass
    position: int
    raised: bool


class BranchStrings:
    """The strings of a branch, in the order in which its twins come.

    Args:
        specs: twins of the branch, string by string.
        site_of: number of each string's site.
        states: what is remembered of strings by name (see `string_state.pack_state`); others begin from nothing.
    """

    def __init__(
        self, specs: Sequence[TwinSpec], site_of: Sequence[int], states: Mapping[str, bytes] | None = None
    ) -> None:
        counts = Counter(spec.string_id for spec in specs)
        self.names = list(counts)
        self._specs = specs
        self._first = np.concatenate([[0], np.cumsum([counts[name] for name in self.names])]).astype(np.int64)
        sheets = [
            (specs[first].datasheet, counts[name]) for first, name in zip(self._first[:-1], self.names, strict=True)
        ]
        self._fleet = StringFleet(StringSheets.of(sheets), np.array(site_of, np.int32))
        self._width = self._fleet.sheets.present.shape[1]
        for row, name in enumerate(self.names):
            if states is not None and name in states:
                self._fleet.states[row] = unpack_state(states[name], counts[name], self._width)[0]

    def take(self, visits: StringVisits, live: Rows) -> tuple[list[BranchFinding], list[TwinInput]]:
        """Analyses visits.

        Args:
            visits: in order of time.
            live: present of the twins, `LIVE_DTYPE`.

        Returns:
            Faults that came and went, and what discharges that are over say of capacities.
        """
        findings: list[BranchFinding] = []
        ranks: list[TwinInput] = []
        turn = _turns(visits.string)
        for number in range(int(turn.max(initial=-1)) + 1):
            chosen = np.flatnonzero(turn == number)
            rows = visits.string[chosen].astype(np.intp)
            before_us = self._fleet.states["judged_us"][rows]
            frame = self._frame(visits, chosen)
            changes = self._fleet.take(rows, frame)
            for row, condition, place, raised in zip(
                changes.row, changes.condition, changes.place, changes.raised, strict=True
            ):
                if condition <= max(FaultClass):
                    position = int(place) if place < self._width else -1
                    name = self.names[rows[row]]
                    fault = FaultClass(int(condition))
                    findings.append(BranchFinding(int(frame.time_us[row]), name, fault, position, bool(raised)))
            for row in rows[self._fleet.states["judged_us"][rows] > before_us].tolist():
                ranks += self._rank(row, live)
        return findings, ranks

    def pack(self) -> dict[str, bytes]:
        """What is remembered of each string, by name, to begin from."""
        counts = np.diff(self._first)
        return {
            name: pack_state(self._fleet.states[row : row + 1], int(counts[row])) for row, name in enumerate(self.names)
        }

    def diagnoses(self, string: int) -> tuple[Diagnosis, ...]:
        """Faults that stand on a string, gravest first."""
        first, last = self._first[string], self._first[string + 1]
        return standing(self._fleet.states[string : string + 1], self._specs[first].datasheet, int(last - first))

    def _frame(self, visits: StringVisits, chosen: NDArray[np.intp]) -> StringFrame:
        shape = (len(chosen), self._width)
        voltage_v, temperature_c, resistance_mohm = (np.full(shape, np.nan) for _ in range(3))
        for k, visit in enumerate(chosen):
            rows = visits.rows[visits.first_row[visit] : visits.first_row[visit + 1]]
            voltage_v[k, : len(rows)] = rows["voltage_v"]
            temperature_c[k, : len(rows)] = rows["temperature_c"]
            resistance_mohm[k, : len(rows)] = rows["internal_resistance_mohm"]
        return StringFrame(
            time_us=visits.time_us[chosen],
            voltage_v=voltage_v,
            temperature_c=temperature_c,
            resistance_mohm=resistance_mohm,
            current_a=visits.current_a[chosen],
            string_voltage_v=visits.string_voltage_v[chosen],
            mode=visits.mode[chosen],
        )

    def _rank(self, string: int, live: Rows) -> list[TwinInput]:
        first, last = self._first[string], self._first[string + 1]
        state = self._fleet.states[string : string + 1]
        mine = live[first:last]
        soh, sigma = discharge_ranks(
            state,
            self._specs[first].datasheet,
            mine["soh_capacity"].astype(np.float64),
            mine["soh_capacity_sigma"].astype(np.float64),
        )
        return [
            TwinInput(
                battery_key=spec.battery_key,
                kind=TwinInputKind.DISCHARGE_RANK,
                time_us=int(state["load_us"][0]),
                soh_capacity=float(soh[place]),
                sigma=float(sigma[place]),
                source_id=f"{self.names[string]}/RANK/{int(state['event_us'][0])}",
            )
            for place, spec in enumerate(self._specs[first:last])
            if np.isfinite(soh[place])
        ]


def _turns(string: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many earlier visits of the same string there are, for each visit."""
    order = np.argsort(string, kind="stable")
    ordered = string[order]
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(ordered) else ordered
    turn = np.empty(len(string), np.int64)
    turn[order] = np.arange(len(string)) - np.repeat(begins, np.diff(np.append(begins, len(string))))
    return turn
