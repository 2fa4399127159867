"""Fleets that are followed until their blocks fail: what each is made of, and how its operator looks after it.

Every fleet is a plant of its own: life, activation energy, knee, resistance, gassing, rooms, charger, load, mains, ages
and habits are drawn per fleet. The twins are only told the data sheet that all of them share.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np

from batterytwin.datasheet import BatteryDatasheet, load_datasheet
from batterytwin.inventory import (
    Battery,
    BatteryString,
    Inventory,
    Location,
    LocationClock,
    System,
    SystemKind,
)
from simulator.faults import FaultEvent, FaultKind
from simulator.variant import PlantVariant

TOLD_MODEL: Final = "HX12-120"
"""The data sheet that twins are told."""

START: Final = datetime(2021, 1, 1, tzinfo=UTC)
_BLOCKS: Final = 24
_PLACES: Final = (
    ("central", 13.7, 100.5),
    ("north", 18.8, 99.0),
    ("north-east", 16.4, 102.8),
    ("east", 12.7, 101.1),
    ("south", 7.0, 100.5),
)
_YEAR_S: Final = 365.25 * 86_400.0


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What an operator does.

    Attributes:
        tests_per_year: capacity tests of a string a year; 0 = none ever.
        test_sigma: error of a test, fraction of rated capacity.
        planned_age_years: age at which strings are replaced whatever their state; infinite = never.
        string_share: share of a string's blocks that have failed from which the whole string is replaced.
        resistance_days: days from one resistance reading to the next.
        resistance_sd: error of the resistance instrument beside its repeatability, relative.
    """

    tests_per_year: float
    test_sigma: float
    planned_age_years: float
    string_share: float
    resistance_days: int
    resistance_sd: float


@dataclass(frozen=True, slots=True)
class FailurePlan:
    """One fleet to follow.

    Attributes:
        seed: of the fleet.
        inventory: as the plant is made, with the data sheet that its blocks really have.
        variant: other numbers of the plant.
        upkeep: what its operator does.
        faults: of rooms, chargers and blocks.
        years: how long it is followed.
    """

    seed: int
    inventory: Inventory
    variant: PlantVariant
    upkeep: Upkeep
    faults: tuple[FaultEvent, ...]
    years: float


def failure_plan(
    seed: int, *, sites: int = 4, strings_per_site: int = 2, years: float = 8.0, first_day: datetime = START
) -> FailurePlan:
    """Draws a fleet.

    Args:
        seed: chooses everything.
        sites: locations.
        strings_per_site: strings of 24 blocks at each.
        years: how long it is followed.
        first_day: when that begins, with time zone.
    """
    rng = np.random.default_rng([seed, 31])
    variant = PlantVariant(
        median_life=float(np.exp(rng.normal(np.log(1.35), 0.08))),
        ln_life_sd=float(rng.uniform(0.08, 0.14)),
        ln_life_string_sd=float(rng.uniform(0.03, 0.06)),
        warmer_k=float(rng.uniform(-2.0, 4.0)),
        warmer_sd_k=float(rng.uniform(0.5, 2.0)),
        leak=float(rng.uniform(0.8, 2.5)),
        outages=float(rng.uniform(0.7, 2.5)),
        load=float(rng.uniform(0.8, 1.2)),
    )
    sheet = _true_sheet(rng)
    upkeep = Upkeep(
        tests_per_year=float(rng.choice([0.0, 0.0, 0.5, 1.0, 1.0])),
        test_sigma=float(rng.uniform(0.02, 0.03)),
        planned_age_years=float(rng.choice([np.inf, np.inf, 12.0, 9.0])),
        string_share=float(rng.choice([0.3, 0.5, 1.0])),
        resistance_days=int(rng.choice([1, 1, 7, 30])),
        resistance_sd=float(rng.uniform(0.0, 0.015)),
    )
    inventory = Inventory(tuple(_site(rng, k, sheet, strings_per_site, first_day) for k in range(sites)))
    faults = _faults(rng, inventory, first_day.timestamp(), years * _YEAR_S)
    return FailurePlan(seed, inventory, variant, upkeep, tuple(faults), years)


def _true_sheet(rng: np.random.Generator) -> BatteryDatasheet:
    told = load_datasheet(TOLD_MODEL)
    return told.model_copy(
        update={
            "life_activation_energy_j_mol": float(rng.uniform(45_000.0, 55_000.0)),
            "life_knee_exponent": told.life_knee_exponent * float(rng.uniform(0.9, 1.15)),
            "resistance_gain_at_end_of_life": told.resistance_gain_at_end_of_life * float(rng.uniform(0.9, 1.2)),
            "gas_i0_ma_per_100ah": told.gas_i0_ma_per_100ah * float(np.exp(rng.normal(0.0, 0.2))),
        }
    )


def _site(
    rng: np.random.Generator, number: int, sheet: BatteryDatasheet, n_strings: int, first_day: datetime
) -> Location:
    region, latitude_deg, longitude_deg = _PLACES[int(rng.integers(len(_PLACES)))]
    kind = SystemKind(int(rng.integers(1, 3)))
    new = rng.uniform() < 0.35
    strings = []
    for s in range(n_strings):
        age = timedelta(days=0.0 if new else float(rng.uniform(0.2, 8.0) * 365.25))
        string_id = f"SITE{number}-S{s}"
        strings.append(BatteryString(string_id, sheet, _blocks(string_id, (first_day - age).date())))
    return Location(
        location_id=f"SITE{number}",
        grid_id="GRID",
        display_name=f"Site {number}",
        region=region,
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        clock=LocationClock.FEED,
        sample_period_s=3_600.0,
        systems=(System(f"SITE{number}-U", kind, tuple(strings)),),
    )


def _blocks(string_id: str, installed_on: date) -> tuple[Battery, ...]:
    return tuple(
        Battery(f"{string_id}-B{n:02d}", n, f"{string_id}-{n}", 1, installed_on) for n in range(1, _BLOCKS + 1)
    )


def _faults(rng: np.random.Generator, inventory: Inventory, begin_s: float, span_s: float) -> Sequence[FaultEvent]:
    """Cooling that fails for hours and is weak for weeks, chargers that are set wrong, blocks that age fast."""
    faults: list[FaultEvent] = []
    years = span_s / _YEAR_S
    for site in inventory.locations:
        for kind, a_year, median_s, low, high in (
            (FaultKind.HVAC_FAILURE, 0.7, 12.0 * 3_600.0, 0.0, 0.0),
            (FaultKind.HVAC_DEGRADED, 0.3, 20.0 * 86_400.0, 0.4, 0.8),
        ):
            for _ in range(int(rng.poisson(a_year * years))):
                start_s = begin_s + float(rng.uniform(0.0, span_s))
                end_s = start_s + median_s * float(np.exp(0.7 * rng.standard_normal()))
                faults.append(FaultEvent(kind, site.location_id, start_s, end_s, float(rng.uniform(low, high))))
        for string in site.strings():
            if rng.uniform() < 0.15:
                volts = float(rng.uniform(-0.01, 0.02))
                faults.append(FaultEvent(FaultKind.CHARGER_VOLTAGE, string.string_id, begin_s, magnitude=volts))
            if rng.uniform() < 0.05:
                faults.append(FaultEvent(FaultKind.CHARGER_NO_COMPENSATION, string.string_id, begin_s))
            for battery in string.batteries:
                if rng.uniform() < 0.01:
                    start_s = begin_s + float(rng.uniform(0.0, span_s))
                    factor = float(rng.uniform(1.5, 3.0))
                    faults.append(
                        FaultEvent(FaultKind.ACCELERATED_AGEING, battery.battery_id, start_s, magnitude=factor)
                    )
    return faults
