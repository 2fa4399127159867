"""One battery's alert rules on a bench: rows in, changes of alerts out, without a filter or a store."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from actors.alert_kernel import evaluate_rules
from actors.alert_messages import to_transitions
from actors.alert_timer import EVENT_DTYPE
from actors.fleet import TwinSpec
from actors.limit_tables import battery_limits, common_limits, rule_timings
from actors.limits import AlertLimits, PlausibilityLimits
from actors.twin_record import RULE_COUNT, empty_records
from batterytwin.alerts import AlertTransition
from batterytwin.datasheet import BatteryDatasheet, load_datasheet
from batterytwin.telemetry import TELEMETRY_DTYPE, Flag, Regime, Rows, StringMode, pack_status, snap_to_grid

START_US = 1_700_000_000_000_000
MINUTE = 60.0
HOUR = 3_600.0
DAY = 86_400.0


@dataclass(frozen=True)
class Sample:
    """A row as the rules see it: float at 25 degC unless said otherwise."""

    voltage_v: float = 13.65
    temperature_c: float = 25.0
    resistance_mohm: float = np.nan
    soh: float = 1.0
    soh_sigma: float = 0.03
    regime: Regime = Regime.FLOAT
    mode: StringMode = StringMode.UNSPECIFIED
    suspect: bool = False


def held(sample: Sample, seconds: float, period_s: float) -> list[tuple[float, Sample]]:
    """A sample that repeats: `(seconds until the next, sample)`."""
    return [(period_s, sample)] * round(seconds / period_s)


def ramp(sample: Sample, kelvin_per_minute: float, seconds: float, period_s: float) -> list[tuple[float, Sample]]:
    """A temperature that rises from that of `sample`, on the grid of 0.1 degC."""
    return [
        (period_s, replace(sample, temperature_c=sample.temperature_c + kelvin_per_minute * k * period_s / 60))
        for k in range(round(seconds / period_s))
    ]


def small_block() -> BatteryDatasheet:
    """A block of three cells."""
    return BatteryDatasheet(model="small", rated_capacity_ah=10.0, cells=3)


class RuleBench:
    """Feeds samples to the rules of one battery."""

    def __init__(
        self,
        limits: AlertLimits | None = None,
        datasheet: BatteryDatasheet | None = None,
        sample_period_s: float = MINUTE,
    ) -> None:
        self.limits = limits or AlertLimits()
        self.spec = TwinSpec(1, "B1", "S1", datasheet or load_datasheet("HX12-120"), date(2024, 1, 1), sample_period_s)
        self.records = empty_records(1)
        self.now_us = START_US

    def feed(self, samples: Iterable[tuple[float, Sample]]) -> list[AlertTransition]:
        """Changes that the samples cause; time goes on by each sample's period after it."""
        rows = self._rows(list(samples))
        index = np.zeros(len(rows), np.int32)
        events = np.empty(RULE_COUNT * len(rows), EVENT_DTYPE)
        count = evaluate_rules(
            self.records,
            battery_limits([self.spec.datasheet], self.limits, PlausibilityLimits()),
            common_limits(self.limits, [self.spec.sample_period_s]),
            rule_timings(self.limits),
            index,
            index,
            index,
            rows,
            events,
        )
        return list(to_transitions(events[:count], rows, index, [self.spec], self.limits))

    def _rows(self, samples: list[tuple[float, Sample]]) -> Rows:
        rows = np.zeros(len(samples), TELEMETRY_DTYPE)
        for row, (period_s, sample) in zip(rows, samples, strict=True):
            row["sample_time_us"] = self.now_us
            row["voltage_v"] = sample.voltage_v
            row["temperature_c"] = sample.temperature_c
            row["internal_resistance_mohm"] = sample.resistance_mohm
            row["soh_capacity"], row["soh_capacity_sigma"] = sample.soh, sample.soh_sigma
            row["current_a"] = np.nan
            row["status"] = pack_status(Flag.SUSPECT if sample.suspect else 0, sample.mode, sample.regime)
            self.now_us += round(period_s * 1e6)
        for name in ("voltage_v", "temperature_c"):
            rows[name] = snap_to_grid(name, rows[name])
        return rows


def story(transitions: Iterable[AlertTransition]) -> list[str]:
    """What happened, as `RULE CHANGE SEVERITY`."""
    return [f"{t.rule.name} {t.change.name} {t.severity.name}" for t in transitions]
