"""One root cause, one diagnosis: what a fault explains is not diagnosed beside it; and how long a fault must show."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.string_look import Flags, Look
from actors.string_signs import Sign
from actors.string_state import N_CONDITIONS, STRING_VOLTAGE_CRITICAL, STRING_VOLTAGE_WARNING
from batterytwin.diagnosis import FaultClass as F

_MINUTE: Final = 60.0
_HOUR: Final = 3_600.0
_DAY: Final = 86_400.0

_BATTERY: Final = (
    F.OPEN_CELL,
    F.SHORTED_CELL,
    F.REVERSAL,
    F.LOOSE_CONNECTION,
    F.WEAK_BLOCK,
    F.THERMAL_RUNAWAY,
    F.DRY_OUT,
    F.IMBALANCE,
)

_EXPLAINS_IN_BLOCK: Final[dict[int, tuple[int, ...]]] = {
    F.STUCK_SENSOR: (F.NOISY_SENSOR, F.VOLTAGE_SENSOR, F.TEMPERATURE_SENSOR, F.CHARGER_VOLTAGE, *_BATTERY),
    F.NOISY_SENSOR: (F.VOLTAGE_SENSOR, F.TEMPERATURE_SENSOR, *_BATTERY),
    F.SHORTED_CELL: (F.VOLTAGE_SENSOR, F.TEMPERATURE_SENSOR, *_BATTERY[2:]),
    F.VOLTAGE_SENSOR: (F.TEMPERATURE_SENSOR, *_BATTERY[2:]),
    F.TEMPERATURE_SENSOR: (F.THERMAL_RUNAWAY, F.DRY_OUT, F.IMBALANCE),
    F.REVERSAL: (F.LOOSE_CONNECTION, F.IMBALANCE),
    # a block that has boiled or dried has more resistance and less capacity; none of them heats or dries a block
    F.THERMAL_RUNAWAY: (F.DRY_OUT, F.IMBALANCE, F.LOOSE_CONNECTION, F.WEAK_BLOCK),
    F.DRY_OUT: (F.IMBALANCE, F.LOOSE_CONNECTION, F.WEAK_BLOCK),
    F.LOOSE_CONNECTION: (F.WEAK_BLOCK,),
    F.WEAK_BLOCK: (F.IMBALANCE,),
}
"""What a fault of a block explains in that block; of a whole string, in the string. Earlier ones come first."""

_EXPLAINS_IN_STRING: Final[dict[int, tuple[int, ...]]] = {
    F.OPEN_CELL: (
        *_BATTERY[1:],
        F.VOLTAGE_SENSOR,
        F.TEMPERATURE_SENSOR,
        F.CURRENT_OFFSET,
        F.CHARGER_VOLTAGE,
        STRING_VOLTAGE_WARNING,
        STRING_VOLTAGE_CRITICAL,
    ),
    F.THERMAL_RUNAWAY: (F.CURRENT_OFFSET, F.CHARGER_VOLTAGE),
    F.CURRENT_SIGN: (F.CURRENT_OFFSET,),
    F.CHARGER_VOLTAGE: (F.CURRENT_OFFSET,),
    F.ROOM_COOLING: (F.CURRENT_OFFSET,),
}
"""What a fault of a block or string explains anywhere in its string."""


@dataclass(frozen=True, slots=True)
class _Hold:
    on_s: float
    frames: int
    off_s: float


_HOLDS: Final[dict[int, _Hold]] = {
    F.SHORTED_CELL: _Hold(2 * _MINUTE, 3, 10 * _MINUTE),
    F.OPEN_CELL: _Hold(0.0, 2, 10 * _MINUTE),
    F.REVERSAL: _Hold(0.0, 3, 2 * _MINUTE),
    F.LOOSE_CONNECTION: _Hold(20.0, 3, 2 * _MINUTE),
    F.DRY_OUT: _Hold(2 * _DAY, 3, 2 * _DAY),
    F.THERMAL_RUNAWAY: _Hold(_HOUR, 3, 6 * _HOUR),
    F.IMBALANCE: _Hold(12 * _HOUR, 3, 6 * _HOUR),
    F.WEAK_BLOCK: _Hold(0.0, 1, 0.0),
    F.VOLTAGE_SENSOR: _Hold(20 * _MINUTE, 4, _HOUR),
    F.TEMPERATURE_SENSOR: _Hold(_HOUR, 3, _HOUR),
    F.CURRENT_SIGN: _Hold(0.0, 2, _MINUTE),
    F.CURRENT_OFFSET: _Hold(_HOUR, 3, 2 * _HOUR),
    F.STUCK_SENSOR: _Hold(0.0, 1, 5 * _MINUTE),
    F.NOISY_SENSOR: _Hold(0.0, 1, _HOUR),
    F.CHARGER_VOLTAGE: _Hold(30 * _MINUTE, 3, _HOUR),
    F.ROOM_COOLING: _Hold(20 * _MINUTE, 3, _HOUR),
    STRING_VOLTAGE_WARNING: _Hold(10 * _MINUTE, 2, 10 * _MINUTE),
    STRING_VOLTAGE_CRITICAL: _Hold(10 * _MINUTE, 2, 10 * _MINUTE),
}


def _column(name: str) -> NDArray[np.float64]:
    values = [getattr(_HOLDS[number], name) if number in _HOLDS else np.inf for number in range(N_CONDITIONS)]
    return np.array(values, np.float64)


_ON_US: Final = _column("on_s") * 1e6
_FRAMES: Final = _column("frames")
_OFF_US: Final = _column("off_s") * 1e6


def explain_and_time(look: Look, signs: dict[int, Sign]) -> None:
    """Takes what another fault explains off the signs, and moves the timers of every fault of these strings.

    A fault stands when its sign has held for its time and frames, and falls when the sign is gone by the weaker limit
    for its time. Time is sample time; where a sign cannot be told, its timer stands still.
    """
    n_strings, _, n_places = look.state["active"].shape
    # conditions first: each is worked on by itself
    on, stay, known = (np.zeros((N_CONDITIONS, n_strings, n_places), np.bool_) for _ in range(3))
    for number, sign in signs.items():
        on[number], stay[number], known[number] = sign.on & sign.known, sign.stay & sign.known, sign.known
    _explain(look, on, stay, known)
    _time(look, on, stay, known)


def _explain(look: Look, on: Flags, stay: Flags, known: Flags) -> None:
    active = np.ascontiguousarray(look.state["active"].transpose(1, 0, 2))

    def there(cause: int) -> Flags:
        stands: Flags = on[cause] | (active[cause] & (stay[cause] | ~known[cause]))
        return stands

    for cause, effects in _EXPLAINS_IN_STRING.items():
        strings = there(cause).any(axis=1)
        if strings.any():
            for effect in effects:
                on[effect, strings] = stay[effect, strings] = False
                known[effect, strings] = True
    for cause, effects in _EXPLAINS_IN_BLOCK.items():
        places = there(cause)
        if places.any():
            for effect in effects:
                on[effect] &= ~places
                stay[effect] &= ~places
                known[effect] |= places


def _time(look: Look, on: Flags, stay: Flags, known: Flags) -> None:
    """Moves the timers that run or begin; most stand at nothing."""
    s = look.state
    busy = on.transpose(1, 0, 2) | s["active"] | (s["since_us"] > 0.0)
    at = np.nonzero(busy)
    string, condition, place = at
    now_us, fresh = look.now_us[string, 0], look.fresh[string, 0]
    is_on, stays, told = (flags[condition, string, place] for flags in (on, stay, known))
    active, since_us, held, gone_us = (s[name][at] for name in ("active", "since_us", "held", "gone_us"))
    waits, stands = told & ~active, told & active
    # nothing counts as held across a gap
    begun_us = np.where((since_us > 0.0) & fresh, since_us, now_us)
    since_us = np.where(waits, np.where(is_on, begun_us, 0.0), since_us)
    held = np.where(waits, np.where(is_on, held + 1, 0), held)
    raised = waits & is_on & (held >= _FRAMES[condition]) & (now_us - since_us >= _ON_US[condition])
    gone_us = np.where(stands, np.where(stays, 0.0, np.where(gone_us > 0.0, gone_us, now_us)), gone_us)
    fallen = stands & ~stays & (now_us - gone_us >= _OFF_US[condition])
    s["active"][at] = (active | raised) & ~fallen
    s["since_us"][at] = np.where(fallen, 0.0, since_us)
    s["held"][at] = np.where(fallen, 0, held)
    s["gone_us"][at] = np.where(fallen | raised, 0.0, gone_us)
