"""Strings of blocks in closed form (vrla facts, section 2), with every fault of the signature table (section 7).

Not the simulator's plant and not the filter's model: just the physics of the signatures, for many strings at once.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from actors.string_analysis import Findings, StringFleet
from actors.string_frame import StringFrame, StringSheets
from batterytwin.datasheet import BatteryDatasheet, load_datasheet
from batterytwin.diagnosis import FaultClass
from batterytwin.telemetry import StringMode

Floats = NDArray[np.float64]

N_BLOCKS = 24
DAY_S = 86_400.0
START_S = 1_780_000_000.0
SHEET: BatteryDatasheet = load_datasheet("HX12-120")

OF_BLOCKS = (
    "cells_lost",
    "open_ohm",
    "loose_ohm",
    "weak",
    "ln_gas",
    "warm_k",
    "reversed_v",
    "voltage_offset_v",
    "temperature_offset_k",
    "stuck_voltage",
    "stuck_temperature",
    "spiky_voltage",
    "spiky_temperature",
)
OF_STRINGS = ("outside_ohm", "charger_v", "room_k", "current_offset_a", "swapped", "uncompensated", "stuck_current")


@dataclass
class SignatureFleet:
    """Strings with sensors; time goes on frame by frame, the same for all, and every frame is analysed.

    Each string is a site of its own.

    Attributes:
        faults: what is wrong from now on, by name: shape `(n_strings, N_BLOCKS)` for what is a block's, else
            `(n_strings, 1)`; 0 = nothing.
        raised: `(string, fault or condition, place, time s)` of what was raised, in order; place N_BLOCKS = the string.
        fallen: the same of what has fallen.
    """

    n_strings: int
    seed: int = 1
    order: NDArray[np.intp] = field(default_factory=lambda: np.arange(N_BLOCKS))
    raised: list[tuple[int, int, int, float]] = field(default_factory=list)
    fallen: list[tuple[int, int, int, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        shape = (self.n_strings, N_BLOCKS)
        self._rng = np.random.default_rng(self.seed)
        self.time_s = START_S
        self.faults = {name: np.zeros(shape) for name in OF_BLOCKS}
        self.faults |= {name: np.zeros((self.n_strings, 1)) for name in OF_STRINGS}
        self._ln_gas = 0.3 * np.clip(self._rng.standard_normal(shape), -2, 2)
        self._place_k = 0.5 * np.clip(self._rng.standard_normal(shape), -2, 2)
        self._r_ohm = 0.0055 * np.exp(0.05 * self._rng.standard_normal(shape))
        self._capacity = 1.0 + 0.02 * self._rng.standard_normal(shape)
        self._held: dict[str, Floats] = {}
        self.fleet = StringFleet(
            StringSheets.of([(SHEET, N_BLOCKS)] * self.n_strings), np.arange(self.n_strings, dtype=np.int32)
        )

    def standing(self, string: int) -> set[tuple[int, int]]:
        """`(fault, place)` that stand on a string now, without the limits of its voltage."""
        pairs = np.argwhere(self.fleet.states["active"][string])
        return {(int(fault), int(place)) for fault, place in pairs if fault <= max(FaultClass)}

    def raised_on(self, string: int) -> set[tuple[int, int]]:
        """`(fault, place)` that have been raised on a string, without the limits of its voltage."""
        return {entry[1:3] for entry in self.raised if entry[0] == string and entry[1] <= max(FaultClass)}

    def rest_on_float(self, hours: float, period_s: float = 60.0) -> None:
        """Frames on float."""
        for _ in range(round(hours * 3_600.0 / period_s)):
            self.time_s += period_s
            self.look(*self._float(), StringMode.FLOAT)

    def discharge(
        self, minutes: float, current_a: float = 45.0, period_s: float = 10.0, mode: StringMode = StringMode.DISCHARGE
    ) -> None:
        """Frames under load; the recharge after it is not modelled."""
        taken_ah = 0.0
        for _ in range(round(minutes * 60.0 / period_s)):
            self.time_s += period_s
            taken_ah += current_a * period_s / 3_600.0
            self.look(*self._load(current_a, taken_ah), mode)

    def _warmth(self) -> Floats:
        room_c = 26.0 + self.faults["room_k"] + 0.3 * np.sin(2.0 * np.pi * self.time_s / DAY_S)
        warmth: Floats = room_c + self._place_k + self.faults["warm_k"]
        return warmth

    def _float(self) -> tuple[Floats, Floats, Floats]:
        f, sheet = self.faults, SHEET
        warmth = self._core_c = self._warmth()
        cells = sheet.cells - f["cells_lost"]
        ln_q = np.log(0.012) + self._ln_gas + f["ln_gas"] + sheet.gas_ct_per_k * (warmth - 25.0)
        mean_k = warmth.mean(axis=1, keepdims=True) - 25.0
        set_v = sheet.float_v + sheet.compensation_v_k * np.where(f["uncompensated"] > 0.0, 0.0, mean_k)
        target_v = N_BLOCKS * (set_v + f["charger_v"] * sheet.cells)
        ohm = f["open_ohm"].sum(axis=1, keepdims=True)
        # bisection for ln of the current: the string's voltage rises with it
        low, high = np.full((self.n_strings, 1), -40.0), np.full((self.n_strings, 1), 2.0)
        for _ in range(28):
            ln_a = 0.5 * (low + high)
            over_v = (ln_a - ln_q) / sheet.gas_cu_per_v
            block_v = cells * np.maximum(sheet.gas_u0_v_cell + over_v, sheet.ocv_v[-1] / sheet.cells)
            below = block_v.sum(axis=1, keepdims=True) + ohm * np.exp(ln_a) < target_v
            low, high = np.where(below, ln_a, low), np.where(below, high, ln_a)
        current_a = np.exp(ln_a)
        return block_v + f["open_ohm"] * current_a, current_a, target_v

    def _load(self, drawn_a: float, taken_ah: float) -> tuple[Floats, Floats, Floats]:
        f, sheet = self.faults, SHEET
        self._core_c = self._warmth()
        flows_a = np.where((f["open_ohm"] > 0.0).any(axis=1, keepdims=True), 0.0, drawn_a)
        depth = taken_ah / (sheet.rated_capacity_ah * self._capacity * (1.0 - f["weak"]))
        open_v = np.interp(1.0 - np.minimum(depth, 1.0), sheet.ocv_soc, sheet.ocv_v)
        knee_v = 3.0 * np.maximum(depth - 0.75, 0.0)
        whole = 1.0 - f["cells_lost"] / sheet.cells
        block_v = (open_v - knee_v) * whole - flows_a * (self._r_ohm + f["loose_ohm"])
        block_v -= np.clip((depth - 0.05) / 0.05, 0.0, 1.0) * f["reversed_v"]
        return block_v, -flows_a, block_v.sum(axis=1, keepdims=True) - flows_a * f["outside_ohm"]

    def look(self, voltage_v: Floats, current_a: Floats, string_v: Floats, mode: StringMode) -> None:
        rng, f, shape = self._rng, self.faults, voltage_v.shape
        v = voltage_v + f["voltage_offset_v"] + 0.004 * rng.standard_normal(shape)
        t = self._core_c + f["temperature_offset_k"] + 0.08 * rng.standard_normal(shape)
        a = np.where(f["swapped"] > 0.0, -1.0, 1.0) * current_a + f["current_offset_a"]
        a = np.rint((a + 0.03 * rng.standard_normal((self.n_strings, 1))) * 100.0) / 100.0
        jumps = rng.uniform(size=shape) < 0.02
        v = np.rint((v + np.where(jumps, f["spiky_voltage"], 0.0)) * 1e3) / 1e3
        t = np.rint((t + np.where(jumps, f["spiky_temperature"], 0.0)) * 10.0) / 10.0
        r = np.full(shape, np.nan)
        if self.time_s % DAY_S < 60.0 and mode == StringMode.FLOAT:
            r = 3.2 * (1.0 + 0.008 * rng.standard_normal(shape))
        for name, now in (("stuck_voltage", v), ("stuck_temperature", t), ("stuck_current", a)):
            before = self._held.get(name, now)
            self._held[name] = np.where(f[name] > 0.0, before, now)
        v, t, a = (self._held[name] for name in ("stuck_voltage", "stuck_temperature", "stuck_current"))
        total_v = np.rint((string_v + 0.05 * rng.standard_normal((self.n_strings, 1))) * 100.0) / 100.0
        frame = StringFrame(
            time_us=np.full(self.n_strings, round(self.time_s * 1e6), np.int64),
            voltage_v=v[:, self.order],
            temperature_c=t[:, self.order],
            resistance_mohm=r[:, self.order],
            current_a=a[:, 0],
            string_voltage_v=total_v[:, 0],
            mode=np.full(self.n_strings, mode, np.int16),
        )
        self._note(self.fleet.take(np.arange(self.n_strings), frame))

    def _note(self, findings: Findings) -> None:
        for k in range(len(findings)):
            entry = (int(findings.row[k]), int(findings.condition[k]), int(findings.place[k]), self.time_s)
            (self.raised if findings.raised[k] else self.fallen).append(entry)
