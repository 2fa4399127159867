"""One step of the twins: rows in, changed twins, rows to store and alert changes out. Pure; knows no store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.admission_kernel import admit
from actors.alert_kernel import evaluate_rules
from actors.alert_timer import EVENT_DTYPE
from actors.filter import FilterParameters, compile_kernels, run_evidence, run_filter
from actors.filter_layout import parameter_records
from actors.fleet import TwinSpec
from actors.life_kernel import update_life
from actors.limit_tables import battery_limits, common_limits, rule_timings
from actors.limits import AlertLimits, PlausibilityLimits
from actors.replacement import renew_block
from actors.sensor_correction import correct_sensor
from actors.twin_memory import TwinMemory
from actors.twin_record import RULE_COUNT
from batterytwin.events import TwinInput, TwinInputKind
from batterytwin.telemetry import (
    LIVE_ESTIMATE_COLUMNS,
    MEASURED_COLUMNS,
    STORED_ESTIMATE_COLUMNS,
    TELEMETRY_DTYPE,
    Outcome,
    Rows,
)
from storage.shard_store import LoggedInput

_STORED: Final = tuple((name, LIVE_ESTIMATE_COLUMNS.index(name)) for name in STORED_ESTIMATE_COLUMNS)


@dataclass(frozen=True, slots=True)
class Step:
    """What rows did to twins.

    Attributes:
        outcomes: `Outcome` of each row, uint8, shape `(n_rows,)`. A LATE one may be a duplicate: the store knows.
        twins: position in the shard of the twin of each accepted row, shape `(n_accepted,)`.
        stored: accepted rows with the estimates after them, `TELEMETRY_DTYPE`, shape `(n_accepted,)`.
        events: alert changes, `EVENT_DTYPE`; `row` points into `stored`.
    """

    outcomes: NDArray[np.uint8]
    twins: NDArray[np.int32]
    stored: Rows
    events: Rows


class TwinStepper:
    """Filter, alert rules and plausibility of the twins of one shard.

    Args:
        specs: twins, in the order of their positions.
        alerts: limits of the alert rules.
        plausibility: limits of plausibility.

    Attributes:
        parameters: of these twins.
        twin_of: position in the shard of each battery, by key.
    """

    def __init__(self, specs: Sequence[TwinSpec], alerts: AlertLimits, plausibility: PlausibilityLimits) -> None:
        self.parameters = FilterParameters.from_specs(specs)
        self._keys = np.array([spec.battery_key for spec in specs], np.int32)
        self.twin_of = {spec.battery_key: twin for twin, spec in enumerate(specs)}
        self._limits = battery_limits(self.parameters.sheets, alerts, plausibility)
        periods_s, index = np.unique([spec.sample_period_s for spec in specs], return_inverse=True)
        self._period_index = index.astype(np.int32)
        self._common = common_limits(alerts, periods_s.tolist())
        self._timings = rule_timings(alerts)
        compile_kernels()

    def step(self, memory: TwinMemory, slots: NDArray[np.int32], rows: Rows, *, judged: bool) -> Step:
        """Applies rows to a copy of the twins that they touch.

        Lives that the copy has follow; else `follow` makes them do so later.

        Args:
            memory: the touched twins; changed in place.
            slots: place in `memory` of each row's twin, shape `(n_rows,)`.
            rows: `READING_DTYPE`, shape `(n_rows,)`, in order of arrival; their `status` is changed.
            judged: the rows come from the store: their SUSPECT flags stand.
        """
        outcomes = np.empty(len(rows), np.uint8)
        accepted = admit(memory.records, self._limits, self.parameters.model_index, slots, rows, judged, outcomes)
        if accepted < len(rows):
            kept = outcomes <= Outcome.SUSPECT
            rows, slots = rows[kept], slots[kept]
        twins = np.ascontiguousarray(rows["twin"])
        stored = self._estimated(memory, slots, twins, rows)
        memory.records["status"][slots] = stored["status"]
        events = np.empty(RULE_COUNT * len(rows), EVENT_DTYPE)
        count = evaluate_rules(
            memory.records,
            self._limits,
            self._common,
            self._timings,
            slots,
            self.parameters.model_index[twins],
            self._period_index[twins],
            stored,
            events,
        )
        if len(memory.lives):
            update_life(memory.lives, self.parameters, slots, twins, stored)
        return Step(outcomes, twins, stored, events[:count])

    def follow(self, lives: Rows, step: Step) -> None:
        """Lets the lives of all twins of the shard follow a step that was taken without them."""
        update_life(lives, self.parameters, step.twins, step.twins, step.stored)

    def blank(self, twins: NDArray[np.int32]) -> TwinMemory:
        """Twins that have seen nothing, by position in the shard."""
        return TwinMemory.blank(self.parameters.take(twins))

    def take_inputs(
        self, memory: TwinMemory, touched: NDArray[np.int32], inputs: Sequence[TwinInput]
    ) -> list[LoggedInput]:
        """Applies inputs, in order, to a copy of the twins that they touch.

        Args:
            memory: the touched twins; changed in place.
            touched: their positions in the shard, shape `(n_touched,)`.
            inputs: for these twins.

        Returns:
            The inputs with their places in the logs of their twins.
        """
        slot_of = {int(twin): slot for slot, twin in enumerate(touched)}
        logged = []
        for given in inputs:
            twin = np.array([self.twin_of[given.battery_key]], np.int32)
            slot = slot_of[int(twin[0])]
            if given.kind == TwinInputKind.REPLACEMENT:
                renew_block(memory, slot, self.blank(twin), given.time_us)
            elif given.current_sensor is not None:
                model = self.parameters.model_index[twin[0]]
                capacity_ah = float(parameter_records(self.parameters.values)["capacity_ah"][model])
                correct_sensor(memory, slot, given.current_sensor, capacity_ah, given.time_us)
            else:
                run_evidence(memory.state, self.parameters, np.array([slot], np.int32), twin, [given])
            record = memory.records[slot]
            record["input_seq"] += 1
            logged.append(LoggedInput(int(record["input_seq"]), int(record["watermark_us"]), given))
        return logged

    def unapplied_rows(self, rows: Rows) -> Rows:
        """Rows that are not applied, as they are stored: without estimates, `TELEMETRY_DTYPE`, shape `(n_rows,)`."""
        unapplied = np.empty(len(rows), TELEMETRY_DTYPE)
        self._copy_measured(rows, np.ascontiguousarray(rows["twin"]), unapplied)
        for name in STORED_ESTIMATE_COLUMNS:
            unapplied[name] = np.nan
        unapplied["received_s"] = 0
        return unapplied

    def _copy_measured(self, rows: Rows, twins: NDArray[np.int32], into: Rows) -> None:
        into["battery_key"] = self._keys[twins]
        for name in ("sample_time_us", "status", *MEASURED_COLUMNS):
            into[name] = rows[name]

    def _estimated(self, memory: TwinMemory, slots: NDArray[np.int32], twins: NDArray[np.int32], rows: Rows) -> Rows:
        stored = np.empty(len(rows), TELEMETRY_DTYPE)
        self._copy_measured(rows, twins, stored)
        status = np.ascontiguousarray(rows["status"])
        estimates = np.empty((len(rows), len(LIVE_ESTIMATE_COLUMNS)), np.float32)
        run_filter(
            memory.state,
            self.parameters,
            slots,
            twins,
            rows["sample_time_us"],
            rows["voltage_v"],
            rows["current_a"],
            rows["temperature_c"],
            rows["internal_resistance_mohm"],
            status,
            estimates,
        )
        stored["status"] = status
        for name, k in _STORED:
            stored[name] = estimates[:, k]
        stored["received_s"] = 0
        return stored
