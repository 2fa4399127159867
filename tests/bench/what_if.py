"""What-if runs: a year of the fleet by the minute, ten years of its life, and others that step one battery."""

import statistics
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from batterytwin.inventory import load_fleet
from tests.bench.run import Run
from twin_server.branch_world import BranchOrigin, origin_of_nothing
from twin_server.fleet_setup import make_specs
from twin_server.inventory_part import part_of_inventory
from twin_server.plant_days import plant_days
from twin_server.projection import ProjectionOptions, Projector
from twin_server.projection_answers import HALF_YEAR_DAYS, carrying, cost_of_warmth, replacements_by_year

_DAYS: Final = 365
_MINUTES_A_DAY: Final = 1_440
_PEER_STEPS: Final = 2_000
_ROUNDS: Final = 3
_CELL_AH: Final = 5.0


def what_if(run: Run) -> None:
    """The product's fleet of 1,944 on both cores, and peers with one cell on one core."""
    origin = _fleet()
    plant_days(_one_string(), 1, 1)  # compiles
    _warm_up(_one_string())
    measured = run.measured
    run.say(f"{len(origin.specs):,} batteries, {_DAYS} days by the minute ...")
    wall_s, cpu_s = _timed(lambda: plant_days(origin, _DAYS, 1))
    measured["fleet_year_by_minute_s"], measured["fleet_year_by_minute_cpu_s"] = wall_s, cpu_s
    measured["battery_steps_per_cpu_s"] = len(origin.specs) * _DAYS * _MINUTES_A_DAY / cpu_s
    run.say("ten years of life, 100 members ...")
    wall_s, cpu_s = _timed(lambda: _ten_years(origin))
    measured["ten_years_100_members_s"], measured["ten_years_100_members_cpu_s"] = wall_s, cpu_s
    peers: dict[str, Callable[[], Callable[[], None]]] = {"pybamm": _pybamm, "progpy": _progpy}
    for name, make in peers.items():
        run.say(f"{name}, an equivalent-circuit cell ...")
        try:
            step = make()
        except ImportError:
            run.say(f"  {name} is not installed")
            continue
        rate = statistics.median(_steps_per_s(step) for _ in range(_ROUNDS))
        measured[f"{name}_steps_per_s"] = rate
        measured[f"battery_steps_over_{name}"] = measured["battery_steps_per_cpu_s"] / rate


def _fleet() -> BranchOrigin:
    inventory = load_fleet(None)
    batteries = [battery for location in inventory.locations for battery in location.batteries()]
    keys = {battery.battery_id: number for number, battery in enumerate(batteries, start=1)}
    return origin_of_nothing(inventory, make_specs(inventory, keys), time.time_ns() // 1_000)


def _one_string() -> BranchOrigin:
    whole = _fleet()
    part = part_of_inventory(whole.inventory, [whole.specs[0].string_id])
    names = {battery.battery_id for location in part.locations for battery in location.batteries()}
    specs = [spec for spec in whole.specs if spec.battery_id in names]
    return origin_of_nothing(part, specs, whole.time_us)


def _warm_up(origin: BranchOrigin) -> None:
    projector = Projector(origin, ProjectionOptions(1.0, 2))
    carrying(origin, projector.project(soh_days=(HALF_YEAR_DAYS,)), 30.0, 1.0)


def _ten_years(origin: BranchOrigin) -> None:
    """What `batterytwin project --warmth` computes: the fleet as it is, who carries its load, and five warmer ones."""
    projector = Projector(origin, ProjectionOptions(10.0, 100))
    projection = projector.project(soh_days=(HALF_YEAR_DAYS,))
    replacements_by_year(projection)
    carrying(origin, projection, 30.0, 1.0)
    cost_of_warmth(projector, projector.course(()), 100.0, range(1, 6))


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor time, s."""
    began_s, cpu_s = time.monotonic(), time.process_time()
    work()
    return time.monotonic() - began_s, time.process_time() - cpu_s


def _steps_per_s(step: Callable[[], None]) -> float:
    step()
    count, began_s = 0, time.process_time()
    while count < _PEER_STEPS and time.process_time() - began_s < 5.0:
        step()
        count += 1
    return count / (time.process_time() - began_s)


def _pybamm() -> Callable[[], None]:
    """Steps of a minute of PyBaMM's Thevenin cell."""
    import pybamm  # noqa: PLC0415  # measured where it is installed, and no dependency of the product

    pybamm.set_logging_level("ERROR")
    model = pybamm.equivalent_circuit.Thevenin()
    values = model.default_parameter_values
    values["Current function [A]"] = 1e-3 * _CELL_AH
    simulation = pybamm.Simulation(model, parameter_values=values)

    def step() -> None:
        simulation.step(60.0, save=False)

    return step


def _progpy() -> Callable[[], None]:
    """Steps of a second of progpy's equivalent circuit, which longer ones make unstable."""
    from progpy.models import BatteryCircuit  # noqa: PLC0415  # likewise

    battery = BatteryCircuit()
    load = battery.InputContainer({"i": 1e-3 * _CELL_AH})
    state = battery.initialize(load, battery.OutputContainer({"t": 20.0, "v": 4.1}))

    def step() -> None:
        nonlocal state
        state = battery.next_state(state, load, 1.0)
        if not np.isfinite(battery.output(state)["v"]):
            state = battery.initialize(load, battery.OutputContainer({"t": 20.0, "v": 4.1}))

    return step
