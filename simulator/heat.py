"""Heat of a block: a core that takes hours, a post that takes minutes, and the boiling point."""

from simulator.compiled import compiled

POST_TAU_S = 900.0
"""Time constant of a post's temperature."""

POST_K_W = 0.8
"""Rise of a post per watt of heat in its connection, K/W."""

BOILING_C = 105.0
"""Hottest a core gets: from there on its water takes the heat with it as steam."""

MOST_WATER_LOST = 0.9
"""Water that a block can lose, fraction of the electrolyte."""

POST_CORE_SHARE = 0.6
"""Share of the core's rise over the air that reaches its post."""

MOST_CONTACT_K = 300.0
"""Most that current warms a post, K."""

POST_CONTACT_K_PER_A2 = 2.0e-4
"""Rise of a sound post by the square of its current, K/A**2: 2 K at 100 A."""

_STEAM_J_G = 2_257.0
_WATER_G_PER_AH_CELL = 5.4


@compiled
def core_after(core_c: float, settled_c: float, keep: float) -> float:
    """Temperature of a core after a step, before any boiling, degC.

    Args:
        core_c: before it.
        settled_c: where it tends to.
        keep: what is left of the distance between the two after the step, 0...1.
    """
    return settled_c + keep * (core_c - settled_c)


@compiled
def boiled_off(core_c: float, heat_j_k: float, capacity_ah: float, cells: float) -> float:
    """Water that takes away what would heat a core above the boiling point, fraction of the electrolyte."""
    grams = _WATER_G_PER_AH_CELL * capacity_ah * cells
    return (core_c - BOILING_C) * heat_j_k / (_STEAM_J_G * grams)


@compiled
def post_settled_c(around_c: float, core_c: float, loose_ohm: float, current_a: float) -> float:
    """Temperature that a post tends to, degC: warmth of the core, and of its connection by current.

    Args:
        around_c: air around the block, degC.
        core_c: core, degC.
        loose_ohm: resistance that its connection has too much, ohm.
        current_a: current of the string, A.
    """
    contact_k = (POST_CONTACT_K_PER_A2 + loose_ohm * POST_K_W) * current_a * current_a
    return around_c + POST_CORE_SHARE * (core_c - around_c) + min(contact_k, MOST_CONTACT_K)
