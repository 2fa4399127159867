"""Live twins as plain types."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from batterytwin.events import HealthEvidenceKind
from batterytwin.telemetry import Quality, Regime


class TwinOrder(IntEnum):
    """Order of a list of twins. Numbers equal `batterytwin.v1.TwinOrder`."""

    FLEET = 0
    """By location, string and position."""
    SOH_CAPACITY = 1
    """Lowest soh_capacity first."""
    SOC = 2
    """Lowest state of charge first."""
    TEMPERATURE = 3
    """Hottest first."""
    ALERTS = 4
    """Most active alerts first."""
    AGE = 5
    """Oldest data first."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate with its uncertainty.

    Attributes:
        value: expected value, in the unit that the field holding it names.
        sigma: one standard deviation, same unit, >= 0; grows while nothing is learnt.
    """

    value: float
    sigma: float


@dataclass(frozen=True, slots=True)
class HealthEvidence:
    """What one kind of evidence says of the capacity by itself.

    Attributes:
        kind: what it rests on; a bare number if the server is newer than this client.
        soh_capacity: capacity over rated capacity that this kind suggests, at `time`.
        time: when it was last renewed, UTC; None where it has no time.
    """

    kind: HealthEvidenceKind | int
    soh_capacity: Estimate
    time: datetime | None


@dataclass(frozen=True, slots=True)
class Twin:
    """The live twin of one battery. None = never measured, or no estimate yet.

    Attributes:
        battery_id: slot name, for example "BRK-U1-S03-B07".
        grid_id: grid the battery belongs to.
        location_id: site of the battery.
        system_id: UPS or rectifier it serves.
        string_id: string it is part of.
        position: place in the string, 1 = at the positive end.
        model: maker's model, the name of its data sheet.
        serial: serial number of the block in the slot.
        unit_seq: counts the blocks that have been in this slot, 1 = the first.
        install_time: day the block was installed, 00:00 UTC.
        rated_capacity_ah: rated capacity, Ah at the 10-hour rate and 25 degC.
        as_of: sample time of the newest applied reading, UTC.
        age_s: age of `as_of` by the location's clock, s; None without `as_of`.
        quality: how far the values can be trusted; a bare number if the server is newer than this client.
        regime: what the battery is doing; likewise.
        voltage_v: newest measured terminal voltage, V.
        current_a: newest measured current, A, > 0 charges.
        temperature_c: newest measured post temperature, degC.
        internal_resistance_mohm: newest instrument resistance, mOhm (a measurement; `r0_ohm` is the estimate).
        soc: state of charge over present capacity, 0...1.
        soh_capacity: present over rated capacity, 0...1.2; end of life at 0.80.
        soh_resistance: resistance at 25 degC over its own baseline, 1 = as new.
        r0_ohm: series resistance of the model, Ohm.
        innovation_v: measured minus predicted voltage of the newest reading, V; sigma = size the filter expects.
        active_alert_count: alerts neither cleared, resolved nor shelved.
        model_version: filter version that made the estimates.
        capacity_evidence_time: last evidence of capacity, UTC; None = none, so `soh_capacity` is a prior.
        capacity_evidence_kind: kind of that evidence; a bare number if the server is newer than this client.
        health_evidence: what each kind of evidence says by itself, best kind first; `soh_capacity` joins them.
        v1_v: fast polarisation of the model, V, > 0 while charging; None on float, where the circuit is not in use.
        v2_v: slow polarisation of the model, V; likewise.
        float_marker: ln(float current / own gassing current) at the reference voltage and 25 degC.
        current_offset_a: offset of the current sensor that the twin takes off, A.
        current_sign_swapped: the current comes with the wrong sign, and the twin turns it.
    """

    battery_id: str
    grid_id: str
    location_id: str
    system_id: str
    string_id: str
    position: int
    model: str
    serial: str
    unit_seq: int
    install_time: datetime
    rated_capacity_ah: float
    as_of: datetime | None
    age_s: float | None
    quality: Quality | int
    regime: Regime | int
    voltage_v: float | None
    current_a: float | None
    temperature_c: float | None
    internal_resistance_mohm: float | None
    soc: Estimate | None
    soh_capacity: Estimate | None
    soh_resistance: Estimate | None
    r0_ohm: Estimate | None
    innovation_v: Estimate | None
    active_alert_count: int
    model_version: str
    capacity_evidence_time: datetime | None
    capacity_evidence_kind: HealthEvidenceKind | int = HealthEvidenceKind.UNSPECIFIED
    health_evidence: tuple[HealthEvidence, ...] = ()
    v1_v: Estimate | None = None
    v2_v: Estimate | None = None
    float_marker: Estimate | None = None
    current_offset_a: Estimate | None = None
    current_sign_swapped: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class TwinColumns:
    """Many twins as aligned columns, each of shape `(n_twins,)`. NaN = unknown.

    Attributes:
        battery_ids: slot names.
        as_of_unix_ns: sample time of the newest applied reading, nanoseconds since 1970-01-01 UTC, int64; 0 = none yet.
        age_s: age by the location's clock, s, float32.
        qualities: numbers of `Quality`, int32.
        regimes: numbers of `Regime`, int32.
        voltage_v: terminal voltage, V, float32, as every column below.
        current_a: current, A, > 0 charges.
        temperature_c: post temperature, degC.
        internal_resistance_mohm: instrument resistance, mOhm.
        soc: state of charge, 0...1.
        soc_sigma: one sigma of `soc`.
        soh_capacity: present over rated capacity, 0...1.2.
        soh_capacity_sigma: one sigma of `soh_capacity`.
        soh_resistance: resistance at 25 degC over own baseline.
        soh_resistance_sigma: one sigma of `soh_resistance`.
        r0_ohm: series resistance of the model, Ohm.
        r0_sigma_ohm: one sigma of `r0_ohm`, Ohm.
        innovation_v: measured minus predicted voltage, V.
        innovation_sigma_v: size of the innovation that the filter expects, V.
        active_alert_counts: alerts neither cleared, resolved nor shelved, int32.
    """

    battery_ids: tuple[str, ...]
    as_of_unix_ns: NDArray[np.int64]
    age_s: NDArray[np.float32]
    qualities: NDArray[np.int32]
    regimes: NDArray[np.int32]
    voltage_v: NDArray[np.float32]
    current_a: NDArray[np.float32]
    temperature_c: NDArray[np.float32]
    internal_resistance_mohm: NDArray[np.float32]
    soc: NDArray[np.float32]
    soc_sigma: NDArray[np.float32]
    soh_capacity: NDArray[np.float32]
    soh_capacity_sigma: NDArray[np.float32]
    soh_resistance: NDArray[np.float32]
    soh_resistance_sigma: NDArray[np.float32]
    r0_ohm: NDArray[np.float32]
    r0_sigma_ohm: NDArray[np.float32]
    innovation_v: NDArray[np.float32]
    innovation_sigma_v: NDArray[np.float32]
    active_alert_counts: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.battery_ids)


@dataclass(frozen=True, slots=True, eq=False)
class FleetSnapshot:
    """Every twin asked for, at one time.

    Attributes:
        twins: twins in fleet order: location, string, position.
        server_time: time of the answer by the server's clock, UTC.
        model_version: filter version that made the estimates.
    """

    twins: TwinColumns
    server_time: datetime
    model_version: str


@dataclass(frozen=True, slots=True, eq=False)
class TwinUpdate:
    """Twins that changed.

    Attributes:
        twins: whole twins that changed; all of them in the first update of a stream.
        snapshot: True in the first update of a stream: what was known before is void.
        server_time: time of the answer by the server's clock, UTC.
    """

    twins: TwinColumns
    snapshot: bool
    server_time: datetime


@dataclass(frozen=True, slots=True)
class TwinPage:
    """One page of a list of twins.

    Attributes:
        twins: twins of this page.
        next_page_token: token of the next page; empty = this was the last.
        total_count: twins in all pages.
    """

    twins: tuple[Twin, ...]
    next_page_token: str
    total_count: int

    def __iter__(self) -> Iterator[Twin]:
        return iter(self.twins)

    def __len__(self) -> int:
        return len(self.twins)
