"""Whether systems carry their load: less surely for longer, for more, with fewer strings and older blocks."""

import itertools

import numpy as np

from actors.autonomy import BlockEstimates
from actors.system_carry import StringEstimates, carry_probability
from batterytwin.datasheet import load_datasheet

SHEET = load_datasheet("HX12-120")


def string(soh: float) -> StringEstimates:
    def all_of(value: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.full(24, value)

    blocks = BlockEstimates(
        soc=all_of(1.0),
        soc_sigma=all_of(0.01),
        soh_capacity=all_of(soh),
        soh_sigma=all_of(0.04),
        r0_ohm=all_of(0.004),
        r0_sigma_ohm=all_of(0.0003),
        temperature_c=all_of(26.0),
        cells_lost=all_of(0.0),
    )
    return StringEstimates(blocks, SHEET)


def test_longer_heavier_and_older_is_less_sure() -> None:
    system = [string(0.9), string(0.85)]
    for chances in (
        [carry_probability(system, 60.0 * minutes) for minutes in (10, 30, 45, 60, 90)],
        [carry_probability(system, 2_400.0, load=load) for load in (0.5, 0.8, 1.0, 1.5, 2.5)],
        [carry_probability([string(soh)] * 2, 2_400.0) for soh in (1.0, 0.9, 0.8, 0.6, 0.4)],
    ):
        assert all(before >= after for before, after in itertools.pairwise(chances))
        assert chances[0] > 0.95
        assert chances[-1] < 0.05


def test_one_more_string_helps_and_helps_a_small_system_more() -> None:
    weak = string(0.75)
    gains = [
        carry_probability([weak] * strings, 2_700.0, added=1) - carry_probability([weak] * strings, 2_700.0)
        for strings in (1, 2, 6)
    ]
    assert gains[0] >= gains[1] > gains[2] >= 0.0
