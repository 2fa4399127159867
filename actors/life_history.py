"""The lives of batteries from their history at once: the same accumulators as the stream makes row by row."""

import numpy as np
from numpy.typing import NDArray

from actors.filter_parameters import FilterParameters
from actors.life_kernel import update_life
from actors.life_layout import empty_life
from batterytwin.telemetry import Rows


def lives_of_history(
    rows: Rows, keys: NDArray[np.int32], parameters: FilterParameters, installed_us: NDArray[np.float64] | None = None
) -> Rows:
    """Accumulators after all rows of some blocks.

    Args:
        rows: with the estimates after them, `TELEMETRY_DTYPE`, any order.
        keys: whose, `battery_key` of each, shape `(n_batteries,)`.
        parameters: of these batteries.
        installed_us: when each block came into service, shape `(n_batteries,)`; None = as in `parameters`.

    Returns:
        `LIFE_DTYPE`, shape `(n_batteries,)`.
    """
    order = np.argsort(keys)
    rows = rows[np.lexsort((rows["sample_time_us"], rows["battery_key"]))]
    slots = order[np.searchsorted(keys, rows["battery_key"], sorter=order)].astype(np.int32)
    lives = empty_life(parameters.installed_us if installed_us is None else installed_us)
    update_life(lives, parameters, slots, slots, rows)
    return lives
