"""Strings with made-up values: those of their blocks, one string with faults, one that only partly speaks."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.telemetry import Quality
from clients import types as clients
from tests.streamlit_app import dummy_fleet
from tests.streamlit_app.dummy_fleet import NOW, SITES

FAULTY: Final = "BRK-U1-S01"
"""A string with a shorted cell, a sensor that is off and a warm room."""
SHORTED: Final = "BRK-U1-S01-B07"
USUAL_LOAD_W: Final = 25_000.0


def string(string_id: str, alerts: Iterable[clients.Alert], load_w: float | None) -> clients.StringTwin:
    """A string of the fleet; a load makes its autonomy shorter in proportion."""
    site, names = next((s, t) for s in SITES for t in s.strings() if t.string_id == string_id)
    twins = dummy_fleet.twins([battery.battery_id for battery in names.batteries], alerts)
    if string_id == FAULTY:
        twins[6] = replace(twins[6], voltage_v=(twins[6].voltage_v or 0.0) - 2.05)
    voltages = _known(twins, "voltage_v")
    warmth, resistance = _known(twins, "temperature_c"), _known(twins, "internal_resistance_mohm")
    whole = all(twin.quality is Quality.LIVE for twin in twins)
    total = float(voltages.sum())
    power = USUAL_LOAD_W if load_w is None else load_w
    return clients.StringTwin(
        string_id=string_id,
        location_id=site.location_id,
        system_id=string_id.rsplit("-", 1)[0],
        as_of=NOW - timedelta(seconds=12) if whole else None,
        age_s=12.0 if whole else None,
        mode=clients.StringMode.FLOAT,
        current_a=0.062,
        voltage_v=float(np.nan_to_num(voltages, nan=13.62).sum()) + 0.04,
        block_sum_v=None if np.isnan(total) else total,
        set_point_v=326.9,
        blocks=tuple(
            clients.StringBlock(
                twin=twin,
                voltage_deviation_v=_or_none(voltages[i] - np.nanmedian(voltages)),
                temperature_deviation_k=_or_none(warmth[i] - np.nanmedian(warmth)),
                resistance_ratio=_or_none(resistance[i] / np.nanmedian(resistance)),
            )
            for i, twin in enumerate(twins)
        ),
        diagnoses=_faults() if string_id == FAULTY else (),
        autonomy=None
        if np.isnan(total)
        else clients.Autonomy(
            load_w=power,
            present_load=False,
            expected_s=3_500 * USUAL_LOAD_W / power,
            lower_s=2_900 * USUAL_LOAD_W / power,
            upper_s=4_050 * USUAL_LOAD_W / power,
            limiting_battery_id=twins[min(6, len(twins) - 1)].battery_id,
        ),
    )


def _faults() -> tuple[clients.StringDiagnosis, ...]:
    Evidence = clients.DiagnosisEvidence  # noqa: N806 - a type under a shorter name
    return (
        clients.StringDiagnosis(
            clients.FaultClass.SHORTED_CELL,
            clients.FaultSource.BATTERY,
            (SHORTED,),
            NOW - timedelta(minutes=42),
            (
                Evidence("Voltage below the string's median", -2.05, 0.0, "V"),
                Evidence("The other blocks share what is missing, each above its own usual voltage", 0.089, 0.0, "V"),
            ),
        ),
        clients.StringDiagnosis(
            clients.FaultClass.ROOM_COOLING,
            clients.FaultSource.ROOM,
            (),
            NOW - timedelta(hours=3),
            (Evidence("Median temperature of the string", 31.4, 25.2, "degC"),),
        ),
    )


def _known(twins: list[clients.Twin], name: str) -> NDArray[np.float64]:
    return np.array([getattr(twin, name) for twin in twins], np.float64)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
