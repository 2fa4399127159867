"""A string as columns of its blocks, for the figure and the table."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from batterytwin.telemetry import Quality
from clients.types import Estimate, StringBlock, StringTwin, Twin
from streamlit_app.charts.block_columns import Blocks
from streamlit_app.fault_words import FAULT_TEXT
from streamlit_app.wording import number, word


def blocks_of(string: StringTwin, *, away: bool = False) -> Blocks:
    """Columns of the blocks in order of position.

    Args:
        string: the string.
        away: the server does not answer, so what was live is so no more.
    """
    twins = [block.twin for block in string.blocks]
    qualities = np.array([int(twin.quality) for twin in twins], np.int64)
    if away:
        qualities[qualities == Quality.LIVE] = Quality.STALE
    return Blocks(
        battery_ids=[twin.battery_id for twin in twins],
        qualities=qualities,
        alert_counts=np.array([twin.active_alert_count for twin in twins], np.int64),
        faults=[faults_of(string, twin.battery_id) for twin in twins],
        voltage_deviation_v=_column(string.blocks, lambda block: block.voltage_deviation_v),
        temperature_deviation_k=_column(string.blocks, lambda block: block.temperature_deviation_k),
        resistance_ratio=_column(string.blocks, lambda block: block.resistance_ratio),
        soc=_values(twins, lambda twin: twin.soc),
        soc_sigma=_sigmas(twins, lambda twin: twin.soc),
        soh_capacity=_values(twins, lambda twin: twin.soh_capacity),
        soh_capacity_sigma=_sigmas(twins, lambda twin: twin.soh_capacity),
        medians={
            "voltage_deviation_v": _median(twins, lambda twin: twin.voltage_v, 3, "V"),
            "temperature_deviation_k": _median(twins, lambda twin: twin.temperature_c, 1, "°C"),
            "resistance_ratio": _median(twins, lambda twin: twin.internal_resistance_mohm, 2, "mΩ"),
        },
    )


def faults_of(string: StringTwin, battery_id: str) -> str:
    """Words of the diagnosed faults that name a block; empty = none does."""
    return ", ".join(
        word(FAULT_TEXT, diagnosis.fault).lower()
        for diagnosis in string.diagnoses
        if battery_id in diagnosis.battery_ids
    )


def _column(blocks: Sequence[StringBlock], read: Callable[[StringBlock], float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if (value := read(block)) is None else value for block in blocks], np.float64)


def _median(twins: Sequence[Twin], read: Callable[[Twin], float | None], decimals: int, unit: str) -> str:
    known = [value for twin in twins if (value := read(twin)) is not None and np.isfinite(value)]
    return number(float(np.median(known)), decimals, unit) if known else ""


def _values(twins: Sequence[Twin], read: Callable[[Twin], Estimate | None]) -> NDArray[np.float64]:
    return np.array([found.value if (found := read(twin)) else np.nan for twin in twins], np.float64)


def _sigmas(twins: Sequence[Twin], read: Callable[[Twin], Estimate | None]) -> NDArray[np.float64]:
    return np.array([found.sigma if (found := read(twin)) else np.nan for twin in twins], np.float64)
