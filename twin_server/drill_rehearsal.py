"""Goes once through what a drill does, so that a process has loaded everything before it is needed."""

import time
from dataclasses import replace
from typing import Final

from batterytwin.inventory import Inventory, load_fleet
from simulator.scenario_course import ScenarioPart
from simulator.scenario_library import find_scenario
from twin_server.branch_world import origin_of_nothing
from twin_server.fleet_setup import make_specs

_SCENARIO: Final = "power_outage"
_US: Final = 1_000_000
_PLAYED_US: Final = 120 * _US


def rehearse() -> None:
    """Lives a string of a fleet that nobody has measured through the begin of an outage."""
    location = load_fleet().locations[0]
    system = location.systems[0]
    one = Inventory((replace(location, systems=(replace(system, strings=system.strings[:1]),)),))
    keys = {battery.battery_id: number for number, battery in enumerate(one.locations[0].batteries(), start=1)}
    begin_us = time.time_ns() // 1_000
    origin = origin_of_nothing(one, make_specs(one, keys), begin_us)
    part = ScenarioPart(find_scenario(_SCENARIO), (location.location_id,), {}, start_s=60.0)
    branch, _ = origin.branch([part], seed=1)
    branch.advance(begin_us + _PLAYED_US)
