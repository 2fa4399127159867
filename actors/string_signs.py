"""Whether a condition of a fault holds, and where that can be told at all."""

from dataclasses import dataclass

import numpy as np

from actors.string_look import Flags, Look
from actors.string_robust import Floats


@dataclass(frozen=True, slots=True)
class Sign:
    """One condition of blocks or strings.

    Shapes: `(n_strings, n_blocks)`, for whole strings `(n_strings, 1)`, for both `(n_strings, n_blocks + 1)` with the
    whole string in the last place.

    Attributes:
        on: it holds.
        stay: it holds by the weaker limit that keeps a fault standing.
        known: it can be judged in this frame; elsewhere nothing changes.
    """

    on: Flags
    stay: Flags
    known: Flags


def above(value: Floats, limit: Floats | float, known: Flags, *, band: float = 0.7) -> Sign:
    """Holds while a value is above a limit, and stays until it is below a share `band` of it."""
    with np.errstate(invalid="ignore"):
        return Sign(value > limit, value > band * np.asarray(limit), known & ~np.isnan(value))


def nothing(shape: tuple[int, ...]) -> Sign:
    """A condition that cannot be told anywhere, so that nothing of it changes."""
    none = np.zeros(shape, np.bool_)
    return Sign(none, none, none)


def when(condition: Flags, known: Flags) -> Sign:
    """Holds exactly while a condition does."""
    return Sign(condition, condition, known)


def beside(blocks: Sign, string: Sign | None = None) -> Sign:
    """Puts the condition of the whole string beside those of its blocks; without one, there is none."""
    whole = string or nothing((len(blocks.on), 1))

    def joined(left: Flags, right: Flags) -> Flags:
        both = np.empty((len(blocks.on), blocks.on.shape[1] + 1), np.bool_)
        both[:, :-1], both[:, -1:] = left, right
        return both

    return Sign(joined(blocks.on, whole.on), joined(blocks.stay, whole.stay), joined(blocks.known, whole.known))


def of_string(string: Sign, look: Look) -> Sign:
    """A condition that only the whole string can have."""
    return beside(nothing(look.sheets.present.shape), string)
