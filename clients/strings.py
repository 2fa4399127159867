"""Strings as plain types: blocks side by side, what is wrong with them, how long they last."""

from dataclasses import dataclass
from datetime import datetime

from batterytwin.diagnosis import DiagnosisEvidence, FaultClass, FaultSource
from batterytwin.telemetry import StringMode
from clients.twins import Twin


@dataclass(frozen=True, slots=True)
class StringDiagnosis:
    """A fault that a string's own measurements show.

    Attributes:
        fault: what it is; a bare number if the server is newer than this client.
        source: which part is at fault; likewise.
        battery_ids: blocks concerned; empty = the whole string.
        since_time: sample time from which the evidence stands, UTC.
        evidence: what speaks for it.
    """

    fault: FaultClass | int
    source: FaultSource | int
    battery_ids: tuple[str, ...]
    since_time: datetime
    evidence: tuple[DiagnosisEvidence, ...]


@dataclass(frozen=True, slots=True)
class Autonomy:
    """How long a string can carry a load.

    Attributes:
        load_w: power assumed, W, > 0 discharges.
        present_load: True if it is the load that the string carries now.
        expected_s: time until its weakest block reaches its end voltage, s.
        lower_s: the true time exceeds it with 95 % probability, s.
        upper_s: the true time stays under it with 95 % probability, s.
        limiting_battery_id: block that ends the discharge.
    """

    load_w: float
    present_load: bool
    expected_s: float
    lower_s: float
    upper_s: float
    limiting_battery_id: str


@dataclass(frozen=True, slots=True)
class StringBlock:
    """One block beside its neighbours. None = not known.

    Attributes:
        twin: its twin.
        voltage_deviation_v: voltage minus the median of the string, corrected for temperature on float, V.
        temperature_deviation_k: temperature minus the median of the string, K.
        resistance_ratio: instrument resistance over the median of the string.
    """

    twin: Twin
    voltage_deviation_v: float | None
    temperature_deviation_k: float | None
    resistance_ratio: float | None


@dataclass(frozen=True, slots=True)
class StringTwin:
    """One string. None = not known or not measured.

    Attributes:
        string_id: its name.
        location_id: site.
        system_id: UPS or rectifier.
        as_of: sample time of the newest frame with all blocks, UTC.
        age_s: age of `as_of` by the location's clock, s; None without `as_of`.
        mode: what the charger reports; a bare number if the server is newer than this client.
        current_a: robust string current, A, > 0 charges.
        voltage_v: voltage measured over the whole string, V.
        block_sum_v: sum of the blocks' voltages, V.
        set_point_v: temperature-compensated set point of the charger, V.
        blocks: in order of position.
        diagnoses: faults that stand now, gravest first.
        autonomy: how long the load can be carried.
    """

    string_id: str
    location_id: str
    system_id: str
    as_of: datetime | None
    age_s: float | None
    mode: StringMode | int
    current_a: float | None
    voltage_v: float | None
    block_sum_v: float | None
    set_point_v: float
    blocks: tuple[StringBlock, ...]
    diagnoses: tuple[StringDiagnosis, ...]
    autonomy: Autonomy | None

    @property
    def sum_residual_v(self) -> float | None:
        """Voltage over the string minus the sum of its blocks, V."""
        if self.voltage_v is None or self.block_sum_v is None:
            return None
        return self.voltage_v - self.block_sum_v
