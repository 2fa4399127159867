"""What is known of a life does not depend on how often a battery was looked at, on a plant that is not its model."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from actors.life_inputs import AGEING_MONTHS, life_records
from actors.life_values import life_inputs
from actors.limits import AlertLimits, PlausibilityLimits
from actors.twin_step import TwinStepper
from batterytwin.inventory import load_fleet
from batterytwin.telemetry import READING_DTYPE, Rows, pack_status
from simulator.plant import Plant
from tests.validation.simulated_fleet import Outage, Recording, force_outages, record_string

_START = datetime(2026, 4, 1, tzinfo=UTC)
_DAYS = 12
_HOUR_US = 3_600_000_000
_SEED = 7
_OUTAGES = [(2.2, 20.0), (7.7, 45.0), (10.9, 120.0)]  # day, minutes


@pytest.fixture(scope="module")
def recording() -> Recording:
    inventory = load_fleet()
    plant = Plant(inventory, _SEED, _START)
    start_s = _START.timestamp()
    outages = [Outage(start_s + day * 86_400.0, 60.0 * length) for day, length in _OUTAGES]
    force_outages(plant, start_s, [outages] * len(inventory.locations))
    return record_string(plant, inventory, _SEED, 4, _START + timedelta(days=_DAYS))


def _lived(recording: Recording, visits: NDArray[np.intp]) -> Rows:
    """What is known of the string's blocks after some visits to them."""
    blocks = len(recording.specs)
    stepper = TwinStepper(recording.specs, AlertLimits(), PlausibilityLimits())
    memory = stepper.blank(np.arange(blocks, dtype=np.int32))
    rows = np.zeros((len(visits), blocks), READING_DTYPE)
    rows["twin"] = np.arange(blocks)
    rows["sample_time_us"] = recording.time_us[visits, np.newaxis]
    rows["current_a"] = recording.current_a[visits, np.newaxis]
    rows["status"] = pack_status(0, recording.mode[visits].astype(np.int16))[:, np.newaxis]
    rows["voltage_v"] = recording.voltage_v[visits]
    rows["temperature_c"] = recording.temperature_c[visits]
    rows["internal_resistance_mohm"] = recording.resistance_mohm[visits]
    flat = rows.ravel()
    stepper.step(memory, flat["twin"].copy(), flat, judged=False)
    return life_records(life_inputs(memory.lives, memory.state, stepper.parameters))


def _sparse(recording: Recording, event_s: int) -> NDArray[np.intp]:
    """Visits once an hour, and every minute or more often from an outage to twelve hours after it."""
    since_us = recording.time_us - recording.time_us[0]
    eventful = np.zeros(len(since_us), np.bool_)
    for day, minutes in _OUTAGES:
        begin_us = day * 24 * _HOUR_US
        eventful |= (since_us >= begin_us - 60e6) & (since_us <= begin_us + minutes * 60e6 + 12 * _HOUR_US)
    slots = since_us // np.where(eventful, event_s * 1_000_000, _HOUR_US)
    first = np.diff(slots, prepend=-1) != 0
    return np.flatnonzero(first | (np.diff(eventful, prepend=False) != 0))


@pytest.mark.parametrize("event_s", [60, 5])
def test_hourly_readings_and_more_in_events_tell_the_same(recording: Recording, event_s: int) -> None:
    full = _lived(recording, np.arange(len(recording.time_us)))
    visits = _sparse(recording, event_s)
    sparse = _lived(recording, visits)
    assert len(visits) < len(recording.time_us) / 5
    for name in ("temperature_mean_30d_c", "temperature_max_30d_c", "covered_30d_h", "observed_s", "discharged_ah"):
        assert sparse[name] == pytest.approx(full[name], rel=0.01), name
    for name in ("thermal_age_s", "stress_age_s"):
        before_s = 1e-6 * (recording.time_us[0] - full["installed_us"]) * _factor(full, 25.0)
        assert sparse[name] - before_s == pytest.approx(full[name] - before_s, rel=0.01), name
    month = AGEING_MONTHS[_START.month - 1]
    assert sparse[month] == pytest.approx(full[month], rel=0.01)
    assert sparse["discharges"].tolist() == full["discharges"].tolist() == [len(_OUTAGES)] * len(full)
    assert sparse["temperature_cycles"].tolist() == full["temperature_cycles"].tolist()
    for name in ("depth_sum", "cycle_wear"):  # the charge is the filter's: it has learnt from other readings
        assert sparse[name].mean() == pytest.approx(full[name].mean(), rel=0.02), name


def _factor(known: Rows, temperature_c: float) -> NDArray[np.float64]:
    return np.exp(known["life_activation_k"] * (1.0 / 293.15 - 1.0 / (273.15 + temperature_c)))
