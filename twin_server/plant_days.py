"""Days of a fitted plant by the minute, as it is and with a scenario: what its monitors would see, by location."""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from simulator.fitted_plant import FittedPlant
from simulator.minutes import Summary, summarise
from simulator.scenario_course import Course
from twin_server.branch_world import BranchOrigin

RUNAWAY_C: Final = 60.0
"""No room makes a block that warm: its own gassing does, and its string is lost."""

_DAY_S: Final = 86_400.0
_NO_COURSE: Final = Course()


@dataclass(frozen=True, slots=True)
class LocationDays:
    """What blocks and strings of one location went through.

    Attributes:
        location_id: the location.
        voltage_mean_v: mean voltage of a block.
        voltage_min_v: least one.
        core_mean_c: mean temperature inside.
        core_max_c: warmest daily mean inside.
        soc_min: least charge.
        load_h: time on load, mean of the strings.
        life_used: life that it took, mean of the blocks.
        worst_life_used: most that it took of one block.
        first_runaway_day: first day on which a block's mean inside is above `RUNAWAY_C`, from 1; None = on none.
    """

    location_id: str
    voltage_mean_v: float
    voltage_min_v: float
    core_mean_c: float
    core_max_c: float
    soc_min: float
    load_h: float
    life_used: float
    worst_life_used: float
    first_runaway_day: int | None


def plant_days(origin: BranchOrigin, days: int, seed: int, course: Course = _NO_COURSE) -> list[LocationDays]:
    """Lives a plant that is fitted to twins by the minute.

    Args:
        origin: the twins.
        days: how long.
        seed: draws what the twins do not know, and the weather.
        course: what happens.
    """
    plant = FittedPlant(origin.inventory, origin.copies, seed, origin.time_us * 1e-6, course)
    before = plant.fleet.blocks.life.copy()
    summary = summarise(plant, _DAY_S, days)
    string_site = plant.fleet.world.strings.site
    block_site = np.repeat(string_site, np.diff(plant.fleet.world.first_block))
    used = plant.fleet.blocks.life - before
    return [
        _of_location(location.location_id, summary, block_site == site, string_site == site, used)
        for site, location in enumerate(origin.inventory.locations)
    ]


def as_rows(found: list[LocationDays]) -> list[dict[str, Any]]:
    """As plain values."""
    return [asdict(one) for one in found]


def _of_location(
    location_id: str,
    summary: Summary,
    blocks: np.ndarray[Any, np.dtype[np.bool_]],
    strings: np.ndarray[Any, np.dtype[np.bool_]],
    used: np.ndarray[Any, np.dtype[np.float64]],
) -> LocationDays:
    hot = (summary.core_mean_c[:, blocks] > RUNAWAY_C).any(axis=1)
    return LocationDays(
        location_id,
        voltage_mean_v=float(summary.voltage_mean_v[:, blocks].mean()),
        voltage_min_v=float(summary.voltage_min_v[:, blocks].min()),
        core_mean_c=float(summary.core_mean_c[:, blocks].mean()),
        core_max_c=float(summary.core_mean_c[:, blocks].max()),
        soc_min=float(summary.soc_min[:, blocks].min()),
        load_h=float(summary.load_s[:, strings].sum(axis=0).mean() / 3_600.0),
        life_used=float(used[blocks].mean()),
        worst_life_used=float(used[blocks].max()),
        first_runaway_day=int(hot.argmax()) + 1 if hot.any() else None,
    )
