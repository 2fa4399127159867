"""Capacity tests of whole strings, recorded as a technician would: charge, current, temperature and end voltage.

Each string carries its load until it is cut off. The charge of a block counts until it reaches its own end voltage, by
the monitors' readings; blocks that the cut-off spares have had a stopped test, which says "at least". Loads differ,
from the ten-hour rate to half an hour's, so the product's correction for the rate is tested too. Two blocks in each
string have lost capacity beyond their age.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from actors.capacity_test import tested_capacity
from actors.filter import FilterParameters, live_estimates, run_evidence
from batterytwin.events import CapacityTest, TwinInput, TwinInputKind
from batterytwin.inventory import load_fleet
from batterytwin.telemetry import LIVE_ESTIMATE_COLUMNS, Regime
from simulator.plant import Plant
from tests.validation.scoring import coverage
from tests.validation.section import Context
from tests.validation.simulated_fleet import Floats, Outage, Recording, force_outages, record_string
from tests.validation.simulated_month import some_strings
from tests.validation.simulated_outages import weak_blocks
from tests.validation.twin_runs import run_twins

_SEED: Final = 20_267
_START: Final = datetime(2026, 6, 1, tzinfo=UTC)
_LONGEST_H: Final = 14.0

Found = dict[str, list[Floats]]


def measure(context: Context) -> Mapping[str, float]:
    """Errors of the tests themselves and of what twins say after them."""
    inventory = load_fleet()
    faults = weak_blocks(inventory, _SEED)
    weak = {fault.target_id for fault in faults}
    plant = Plant(inventory, _SEED, _START, faults)
    begin_s = _START.timestamp() + 86_400.0
    force_outages(plant, _START.timestamp(), [[Outage(begin_s, _LONGEST_H * 3_600.0)] for _ in inventory.locations])
    found: Found = defaultdict(list)
    for number, string in enumerate(some_strings(inventory, 2)):
        if number % 4 == 3 or not context.quick:
            until = _START + timedelta(days=1.0, hours=_LONGEST_H)
            recording = record_string(plant, inventory, _SEED, string, until)
            _judge(recording, found)
            found["weak"].append(np.array([spec.battery_id in weak for spec in recording.specs], dtype=np.float64))
    of = {name: np.concatenate(parts) for name, parts in found.items()}
    share = coverage(of["complete"], of["complete_sigma"])
    is_weak = of["weak"] > 0.0
    return {
        "capacity.test_error_percent": _median_percent(of["twin"][~is_weak]),
        "capacity.test_weak_block_error_percent": _median_percent(of["twin"][is_weak]),
        "capacity.test_error_before_percent": _median_percent(of["before"][~is_weak]),
        "capacity.test_weak_block_error_before_percent": _median_percent(of["before"][is_weak]),
        "capacity.test_by_itself_error_percent": 100.0 * float(np.median(np.abs(of["complete"]))),
        "capacity.test_by_itself_bias_percent": 100.0 * float(np.median(of["complete"])),
        "capacity.test_within_1_sigma_percent": share.one_sigma,
        "capacity.test_within_2_sigma_percent": share.two_sigma,
        "capacity.test_blocks": float(len(of["twin"])),
        "capacity.test_complete_blocks": float(len(of["complete"])),
    }


def _median_percent(relative: Floats) -> float:
    return 100.0 * float(np.median(np.abs(relative))) if len(relative) else float("nan")


def _judge(recording: Recording, found: Found) -> None:
    discharging = np.flatnonzero(recording.regime == int(Regime.DISCHARGE))
    rated_ah = np.array([spec.datasheet.rated_capacity_ah for spec in recording.specs])
    truth = recording.capacity_ah[-1]
    run = run_twins(recording)
    soh = LIVE_ESTIMATE_COLUMNS.index("soh_capacity")
    before = run.estimates[discharging[0] - 1, :, soh]
    inputs, twins = [], []
    for block, (test, visit) in enumerate(tests_of_blocks(recording)):
        tested = tested_capacity(test, recording.specs[block].datasheet)
        inputs.append(
            TwinInput(
                battery_key=recording.specs[block].battery_key,
                kind=tested.kind,
                time_us=int(recording.time_us[visit]),
                soh_capacity=tested.soh_capacity,
                sigma=tested.sigma,
                source_id="test",
            )
        )
        twins.append(block)
        if tested.kind is TwinInputKind.CAPACITY_TEST:
            found["complete"].append(np.array([tested.soh_capacity * rated_ah[block] / truth[block] - 1.0]))
            found["complete_sigma"].append(np.array([tested.sigma * rated_ah[block] / truth[block]]))
    state = run.end.copy()
    chosen = np.array(twins, dtype=np.int32)
    run_evidence(state, FilterParameters.from_specs(recording.specs), chosen, chosen, inputs)
    after = live_estimates(state)[:, soh]
    found["twin"].append(after * rated_ah / truth - 1.0)
    found["before"].append(before * rated_ah / truth - 1.0)


def tests_of_blocks(recording: Recording) -> list[tuple[CapacityTest, int]]:
    """What a technician would write down for each block of a string, and the visit at which its test ended."""
    discharging = np.flatnonzero(recording.regime == int(Regime.DISCHARGE))
    first, last = int(discharging[0]), int(discharging[-1])
    seconds = np.diff(recording.time_us[first - 1 : last + 1]) * 1e-6
    drawn_a = -recording.current_a[first : last + 1].astype(np.float64)
    drawn_ah = np.cumsum(drawn_a * seconds) / 3_600.0
    tests = []
    for block, spec in enumerate(recording.specs):
        voltage_v = recording.voltage_v[first : last + 1, block].astype(np.float64)
        ended = np.flatnonzero(voltage_v <= spec.datasheet.end_v_cell * spec.datasheet.cells)
        end = int(ended[0]) if len(ended) else len(voltage_v) - 1
        test = CapacityTest(
            discharged_ah=float(drawn_ah[end]),
            current_a=float(drawn_a[: end + 1].mean()),
            temperature_c=float(recording.temperature_c[first : first + end + 1, block].mean()),
            end_voltage_v=float(voltage_v[end]),
        )
        tests.append((test, first + end))
    return tests
