"""What is injected in the fault campaign: kinds, magnitudes, and which diagnoses are right, tolerable or wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from batterytwin.diagnosis import FaultClass
from simulator.fault_labels import targets_block, targets_location
from simulator.faults import FaultEvent, FaultKind


class Pace(Enum):
    """How fast a fault shows, and so how its string is sampled."""

    DAYS = "days"
    """60 s, 5 s under load (live strings 1 s, so this is the harder case); four days."""
    MONTHS = "months"
    """Hourly, 10 s under load; months. No live string is sampled so rarely, so this is the harder case."""
    ROOM = "room"
    """A whole site, every five minutes, 10 s under load; four days."""


@dataclass(frozen=True, slots=True)
class FaultCase:
    """One way in which strings go wrong.

    Attributes:
        name: as tabulated.
        kinds: of which each injection draws one.
        magnitude: lowest and highest, in the kind's unit (see `FaultKind`); drawn evenly in the logarithm.
        right: diagnoses that name it.
        pace: how fast it shows.
        why: what sets the time until it is found.
        signed: half of the magnitudes are negative.
        tolerated: diagnoses that are true as well, but do not name the cause: neither found nor wrong.
        loaded: only strings whose load exceeds 20 A: it shows under load.
    """

    name: str
    kinds: tuple[FaultKind, ...]
    magnitude: tuple[float, float]
    right: frozenset[FaultClass]
    pace: Pace
    why: str
    signed: bool = False
    tolerated: frozenset[FaultClass] = frozenset()
    loaded: bool = False

    @property
    def slug(self) -> str:
        """The name as part of a figure's name."""
        return self.name.replace(" ", "_").replace("-", "_")


def _only(*classes: FaultClass) -> frozenset[FaultClass]:
    return frozenset(classes)


_C = FaultClass
_K = FaultKind

CASES: Final = (
    FaultCase(
        "shorted cell",
        (_K.SHORTED_CELL,),
        (1.0, 1.4),
        _only(_C.SHORTED_CELL),
        Pace.DAYS,
        "its two volts are missing at once",
    ),
    FaultCase(
        "open cell",
        (_K.OPEN_CELL,),
        (1e2, 1e6),
        _only(_C.OPEN_CELL),
        Pace.DAYS,
        "the charger's whole voltage lies over it at once",
        tolerated=_only(_C.CHARGER_VOLTAGE),
    ),
    FaultCase(
        "reversal",
        (_K.REVERSED_BLOCK,),
        (0.5, 0.9),
        _only(_C.REVERSAL),
        Pace.DAYS,
        "a weak cell shows nothing before a discharge has emptied it",
        tolerated=_only(_C.WEAK_BLOCK, _C.IMBALANCE),
        loaded=True,
    ),
    FaultCase(
        "loose connection",
        (_K.LOOSE_CONNECTION_INSIDE, _K.LOOSE_CONNECTION_OUTSIDE),
        (0.003, 0.015),
        _only(_C.LOOSE_CONNECTION),
        Pace.DAYS,
        "0.1 mV on float; shows in the first discharge",
        loaded=True,
    ),
    FaultCase(
        "weak block",
        (_K.WEAK_BLOCK,),
        (0.30, 0.60),
        _only(_C.WEAK_BLOCK),
        Pace.DAYS,
        "capacity shows in a discharge alone",
        tolerated=_only(_C.IMBALANCE, _C.REVERSAL),
        loaded=True,
    ),
    FaultCase(
        "voltage sensor off",
        (_K.VOLTAGE_OFFSET,),
        (0.12, 1.0),
        _only(_C.VOLTAGE_SENSOR),
        Pace.DAYS,
        "averages of the sum rule against the noise of the string's voltage",
        signed=True,
    ),
    FaultCase(
        "temperature sensor off",
        (_K.TEMPERATURE_OFFSET,),
        (4.0, 15.0),
        _only(_C.TEMPERATURE_SENSOR),
        Pace.DAYS,
        "a warm block's voltage would fall; that must be waited for",
        signed=True,
    ),
    FaultCase(
        "stuck sensor",
        (_K.VOLTAGE_STUCK, _K.TEMPERATURE_STUCK, _K.CURRENT_STUCK),
        (1.0, 1.0),
        _only(_C.STUCK_SENSOR),
        Pace.DAYS,
        "a value may repeat by chance; how many repeats are too many depends on resolution and noise",
        tolerated=_only(_C.TEMPERATURE_SENSOR, _C.VOLTAGE_SENSOR),
    ),
    FaultCase(
        "noisy sensor",
        (_K.VOLTAGE_SPIKES,),
        (0.3, 3.0),
        _only(_C.NOISY_SENSOR),
        Pace.DAYS,
        "one sample in fifty jumps",
    ),
    FaultCase(
        "noisy temperature",
        (_K.TEMPERATURE_SPIKES,),
        (3.0, 20.0),
        _only(_C.NOISY_SENSOR, _C.TEMPERATURE_SENSOR),
        Pace.DAYS,
        "one sample in fifty jumps",
    ),
    FaultCase(
        "current sign",
        (_K.CURRENT_SIGN,),
        (1.0, 1.0),
        _only(_C.CURRENT_SIGN),
        Pace.DAYS,
        "float current is smaller than the sensor's noise; shows in the first discharge",
    ),
    FaultCase(
        "current offset",
        (_K.CURRENT_OFFSET,),
        (0.4, 8.0),
        _only(_C.CURRENT_OFFSET),
        Pace.DAYS,
        "averages against noise, and a recharge must be told from it",
        signed=True,
    ),
    FaultCase(
        "charger voltage",
        (_K.CHARGER_VOLTAGE,),
        (0.04, 0.12),
        _only(_C.CHARGER_VOLTAGE),
        Pace.DAYS,
        "a recharge must be told from it",
        signed=True,
    ),
    FaultCase(
        "imbalance",
        (),
        (0.6, 1.0),
        _only(_C.IMBALANCE),
        Pace.DAYS,
        "a change of the blocks' shares must stand for hours",
        tolerated=_only(_C.WEAK_BLOCK),
    ),
    FaultCase(
        "dry-out",
        (_K.DRY_OUT,),
        (0.15, 0.60),
        _only(_C.DRY_OUT),
        Pace.MONTHS,
        "resistance and float share must have moved together, over months",
        tolerated=_only(_C.IMBALANCE),
    ),
    FaultCase(
        "thermal runaway",
        (_K.THERMAL_RUNAWAY,),
        (6.0, 30.0),
        _only(_C.THERMAL_RUNAWAY),
        Pace.MONTHS,
        "hours of heating at the block's time constant",
        tolerated=_only(_C.DRY_OUT, _C.IMBALANCE, _C.SHORTED_CELL),
    ),
    FaultCase(
        "voltage sensor drift",
        (_K.VOLTAGE_DRIFT,),
        (0.002, 0.02),
        _only(_C.VOLTAGE_SENSOR),
        Pace.MONTHS,
        "the drift must have grown beyond the sum rule's limit",
        signed=True,
    ),
    FaultCase(
        "temperature sensor drift",
        (_K.TEMPERATURE_DRIFT,),
        (0.05, 0.5),
        _only(_C.TEMPERATURE_SENSOR),
        Pace.MONTHS,
        "the drift must have grown beyond what a block can be warmer",
        signed=True,
    ),
    FaultCase(
        "charger without compensation",
        (_K.CHARGER_NO_COMPENSATION,),
        (1.0, 1.0),
        _only(_C.CHARGER_VOLTAGE),
        Pace.MONTHS,
        "the room must change its temperature",
    ),
    FaultCase(
        "cooling failed",
        (_K.HVAC_FAILURE,),
        (1.0, 1.0),
        _only(_C.ROOM_COOLING),
        Pace.ROOM,
        "a room warms by 2 K/h",
    ),
    FaultCase(
        "cooling degraded",
        (_K.HVAC_DEGRADED,),
        (0.5, 0.9),
        _only(_C.ROOM_COOLING),
        Pace.ROOM,
        "a part of the cooling power is lost; rooms warm slowly",
    ),
)

CASE_OF: Final = {case.name: case for case in CASES}


def draw_event(
    case: FaultCase, rng: np.random.Generator, names: tuple[Sequence[str], str, str], start_s: float
) -> FaultEvent | None:
    """One fault of a case; None for an imbalance, which is no single fault but the spread of a whole string.

    Args:
        case: what goes wrong.
        rng: draws kind, place and magnitude.
        names: of the string's blocks, of the string, of its location.
        start_s: begin, s since 1970 UTC.
    """
    if not case.kinds:
        return None
    kind = case.kinds[int(rng.integers(len(case.kinds)))]
    low, high = np.log(case.magnitude)
    magnitude = float(np.exp(rng.uniform(low, high)))
    if case.signed and rng.random() < 0.5:
        magnitude = -magnitude
    blocks, string, location = names
    target = location if targets_location(kind) else string
    if targets_block(kind):
        target = blocks[int(rng.integers(len(blocks)))]
    return FaultEvent(kind, target, start_s, magnitude=magnitude)
