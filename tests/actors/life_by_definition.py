"""The life of one battery by the definitions, without rings, streams or kernels: what the accumulators must hold."""

import itertools
import math
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from actors.life_layout import LIFE_DTYPE, RING_DAYS, RING_MONTHS
from actors.numerics import exponential, power
from batterytwin.telemetry import Flag, Regime, Rows, regime_of

_HOUR_US = 3_600_000_000
_GAP_US = 2 * _HOUR_US
_USUAL_US = 30 * 24 * _HOUR_US


def _ageing(p: Any, temperature_c: float) -> float:
    return float(exponential.py_func(p["life_activation_k"] * (1 / 293.15 - 1 / (273.15 + temperature_c))))  # type: ignore[attr-defined]


def _month_of(hour: int) -> int:
    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
    return 12 * day.year + day.month - 1


def life_by_definition(rows: Rows, p: Any, installed_us: int) -> dict[str, Any]:
    """Fields of `LIFE_DTYPE` after the rows of one block, by name.

    Args:
        rows: in order, `TELEMETRY_DTYPE`.
        p: its parameters, one record.
        installed_us: when it came into service.
    """
    rows = rows[rows["status"] & Flag.SUSPECT == 0]
    found: dict[str, Any] = dict.fromkeys(LIFE_DTYPE.names or (), 0) | {"installed_us": installed_us}
    if len(rows):
        life = _Life(rows, p, installed_us)
        found |= life.temperatures() | life.discharges() | life.resistances() | life.marker() | life.ends()
    return found


class _Life:
    def __init__(self, rows: Rows, p: Any, installed_us: int) -> None:
        self.rows, self.p = rows, p
        self.times = rows["sample_time_us"].tolist()
        self.regimes = regime_of(rows["status"]).tolist()
        self.voltages = rows["voltage_v"].astype(float).tolist()
        self.currents = rows["current_a"].astype(float).tolist()
        self.warm = [k for k, t in enumerate(rows["temperature_c"].tolist()) if -60 < t < 150]
        self.dc = {k: round(10.0 * float(rows["temperature_c"][k])) for k in self.warm}
        self.room = _ageing(p, 25.0)
        self.assumed = self.assumed_stress = int(np.rint(self.room * max(self.times[0] - installed_us, 0)))
        self.age_at: list[int] = []  # thermal age after each row, us

    def factors(self, k: int) -> tuple[float, float]:
        temperature_c, v = self.dc[k] / 10.0, self.voltages[k]
        factor = _ageing(self.p, temperature_c)
        if self.regimes[k] != Regime.FLOAT or not abs(v) < 10 * self.p["cells"]:
            return factor, factor
        off = abs(v - (self.p["float_v"] + self.p["compensation_v_k"] * (temperature_c - 25.0))) / self.p["cells"]
        return factor, factor * float(exponential.py_func(math.log(2.0) / 0.08 * min(off, 0.12)))  # type: ignore[attr-defined]

    def temperatures(self) -> dict[str, Any]:
        hours: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
        months: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        first_hour = self.times[0] // _HOUR_US
        seen = {_month_of(first_hour)}
        observed = thermal = stress = 0
        before, begin = None, self.times[0]
        for k, now in enumerate(self.times):
            if k in self.dc:
                span, here = now - begin, self.factors(k)
                if before is None or span > _GAP_US:
                    usual = (self.room * _USUAL_US + thermal) / (_USUAL_US + observed)
                    usual_stress = (self.room * _USUAL_US + stress) / (_USUAL_US + observed)
                    self.assumed += int(np.rint(usual * span))
                    self.assumed_stress += int(np.rint(usual_stress * span))
                else:
                    there = self.factors(before)
                    cuts = [begin, *range((begin // _HOUR_US + 1) * _HOUR_US, now, _HOUR_US), now]
                    for left, right in itertools.pairwise(cuts):
                        low, high = (left - begin) / span, (right - begin) / span
                        rise = self.dc[k] - self.dc[before]
                        a, b = self.dc[before] + rise * low, self.dc[before] + rise * high
                        mean = 0.5 * (low + high)
                        age = int(np.rint((there[0] + (here[0] - there[0]) * mean) * (right - left)))
                        hour, month = hours[left // _HOUR_US], months[_month_of(left // _HOUR_US)]
                        hour[0] += int(np.rint(50.0 * (a + b) * (right - left)))
                        hour[1] += right - left
                        above = sorted((a, b))
                        share = 0.0 if above[1] <= 300 else 1.0 if above[0] >= 300 else (above[1] - 300) / abs(b - a)
                        hour[2] += int(np.rint(share * (right - left)))
                        month[0] += age
                        month[1] += right - left
                        seen.add(_month_of(left // _HOUR_US))
                        observed += right - left
                        thermal += age
                        stress += int(np.rint((there[1] + (here[1] - there[1]) * mean) * (right - left)))
                seen.add(_month_of(now // _HOUR_US))
                before, begin = k, now
            self.age_at.append(self.assumed + thermal)
        hour = begin // _HOUR_US
        now_mc, now_covered, _ = hours[hour]
        found = {
            "temperature_us": begin,
            "hour": hour,
            "month": _month_of(hour),
            "hour_mc_us": now_mc,
            "hour_covered_us": now_covered,
            "observed_us": observed,
            "thermal_age_us": thermal,
            "stress_age_us": stress,
            "assumed_age_us": self.assumed,
            "assumed_stress_us": self.assumed_stress,
            "temperature_dc": -(2**31) if before is None else self.dc[before],
        }
        if before is not None:
            found |= dict(zip(("ageing", "stressed"), self.factors(before), strict=True))
        return found | self._days(hours, hour) | self._climate(months, seen) | self._swings()

    def _days(self, hours: dict[int, list[int]], last: int) -> dict[str, Any]:
        days: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
        hottest: dict[int, int] = defaultdict(lambda: -(2**31))
        for hour, sums in hours.items():
            days[hour // 24] = [a + b for a, b in zip(days[hour // 24], sums, strict=True)]
            if sums[1] and hour < last:
                hottest[hour // 24] = max(hottest[hour // 24], _mean_cc(*sums[:2]))
        ring = np.zeros((4, RING_DAYS), int)
        for day in range(last // 24 - RING_DAYS, last // 24):
            mc, covered_us, above_us = days[day]
            if covered_us:
                rest = ((us + 30_000_000) // 60_000_000 for us in (covered_us, above_us))
                ring[:, day % RING_DAYS] = (_mean_cc(mc, covered_us), hottest[day], *rest)
        names = ("ring_mean_cc", "ring_hottest_cc", "ring_covered_min", "ring_above_min")
        now = dict(zip(("day_mc_us", "day_covered_us", "day_above_us"), days[last // 24], strict=True))
        return dict(zip(names, ring, strict=True)) | now | {"day_hottest_cc": hottest[last // 24]}

    def _climate(self, months: dict[int, list[int]], seen: set[int]) -> dict[str, Any]:
        age, covered, years = [0] * 12, [0] * 12, [0] * 12
        for month in sorted(seen):
            place = month % 12
            age[place] = age[place] // 2 + months[month][0]
            covered[place] = covered[place] // 2 + months[month][1]
            years[place] = month // 12
        return {"month_age_us": age, "month_covered_us": covered, "month_year": years}

    def _swings(self) -> dict[str, Any]:
        temperatures = [self.dc[k] for k in self.warm]
        cycles, risen, low, high = 0, 0, *(temperatures[:1] * 2 or [0, 0])
        for t in temperatures[1:]:
            if risen:
                high = max(high, t)
            else:
                low = min(low, t)
            if risen and high - t > 50:
                cycles, risen, low = cycles + 1, 0, t
            elif not risen and t - low > 50:
                risen, high = 1, t
        return {"temperature_cycles": cycles, "risen": risen, "swing_low_dc": low, "swing_high_dc": high}

    def discharges(self) -> dict[str, Any]:
        soc = [int(np.rint(1e6 * s)) for s in self.rows["soc"].tolist()]
        top, depths, charge, milliamperes = None, [], 0, [0] * len(soc)
        for k, regime in enumerate(self.regimes):
            before = milliamperes[k - 1] if k else 0
            if regime == Regime.DISCHARGE:
                known = abs(self.currents[k]) < 20 * self.p["capacity_ah"]
                milliamperes[k] = int(np.rint(1e3 * abs(self.currents[k]))) if known else before
                top = soc[max(k - 1, 0)] if top is None else top
            elif regime in (Regime.FLOAT, Regime.RECHARGE) and top is not None:
                depths.append(min(top - soc[k - 1], 1_000_000))
                top = None
            if k:
                dt, same = self.times[k] - self.times[k - 1], regime == self.regimes[k - 1]
                if dt <= (_GAP_US if same else 120_000_000):
                    charge += int(np.rint(0.5e-6 * (before + milliamperes[k]) * dt))
        counted = [depth for depth in depths if depth >= 10_000]
        return {
            "soc_ppm": soc[-1],
            "top_soc_ppm": -(2**31) if top is None else top,
            "discharges": len(counted),
            "depth_ppm": sum(counted),
            "depth_max_ppm": max(counted, default=0),
            "cycle_wear_ppt": sum(int(np.rint(1e12 * (_power(1e-6 * depth) / 230.0))) for depth in counted),
            "discharged_mas": charge,
            "discharge_ma": milliamperes[-1],
        }

    def resistances(self) -> dict[str, Any]:
        months: dict[int, list[int]] = {}
        seen = None
        for k, now in enumerate(self.times):
            seen = k if k in self.dc else seen
            r = float(self.rows["internal_resistance_mohm"][k])
            if self.regimes[k] not in (Regime.FLOAT, Regime.REST) or not 1e-3 < r < 1e4:
                continue
            if seen is None or now - self.times[seen] > _GAP_US:
                continue
            warmth = max(1.0 + self.p["r_per_k"] * (self.dc[seen] / 10.0 - 25.0), 0.3)
            month = months.setdefault(_month_of(now // _HOUR_US), [0, 0, 0])
            month[0] += 1
            month[1] += int(np.rint(1e3 * r / warmth))
            month[2] += self.age_at[k] // 1_000_000
        newest = max(months, default=0)
        ring = np.zeros((3, RING_MONTHS), int)
        for number, sums in months.items():
            if number > newest - RING_MONTHS:
                ring[:, number % RING_MONTHS] = sums
        names = ("resistance_count", "resistance_uohm", "resistance_age_s")
        return dict(zip(names, ring, strict=True)) | {"resistance_month": newest}

    def marker(self) -> dict[str, Any]:
        since = row_us = integral = covered = 0
        value = 0.0
        for k, now in enumerate(self.times):
            if self.regimes[k] != Regime.FLOAT:
                since = row_us = 0
                continue
            since = now if since == 0 or now - self.times[k - 1] > _GAP_US else since
            if k not in self.dc or not abs(self.voltages[k]) < 10 * self.p["cells"]:
                continue
            if covered >= 7 * 24 * _HOUR_US or now - since < 48 * _HOUR_US:
                row_us = 0
                continue
            at_25c = self.voltages[k] - self.p["compensation_v_k"] * (self.dc[k] / 10.0 - 25.0)
            here = (at_25c - self.p["cells"] * self.p["gas_u0_v_cell"]) / self.p["volts_per_marker"]
            if row_us and now - row_us <= _GAP_US:
                integral += int(np.rint(0.5 * (value + here) * (now - row_us)))
                covered += now - row_us
            value, row_us = here, now
        names = ("float_since_us", "marker_row_us", "marker_us", "marker_covered_us", "marker")
        return dict(zip(names, (since, row_us, integral, covered, value), strict=True))

    def ends(self) -> dict[str, Any]:
        return {"first_us": self.times[0], "as_of_us": self.times[-1], "regime": self.regimes[-1]}


def _mean_cc(mc_us: int, covered_us: int) -> int:
    return math.floor((2 * mc_us + 10 * covered_us) // (20 * covered_us))


def _power(depth: float) -> float:
    return float(power(depth, 1.6))
