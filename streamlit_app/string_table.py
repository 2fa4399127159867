"""The blocks of a string as a table."""

from typing import Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from clients.types import StringTwin
from streamlit_app.charts.block_columns import Blocks
from streamlit_app.wording import QUALITY_TEXT, age, word

COLUMN_CONFIG: Final = {
    "block": st.column_config.TextColumn("Block", pinned=True, width="small"),
    "deviation": st.column_config.NumberColumn("ΔV mV", format="%+.0f", help="Voltage minus the string's median"),
    "warm": st.column_config.NumberColumn("ΔT K", format="%+.1f", help="Temperature minus the string's median"),
    "ratio": st.column_config.NumberColumn("R of median %", format="%.0f", help="Instrument resistance over median"),
    "soc": st.column_config.NumberColumn("SOC %", format="%.1f", help="Charge left over present capacity"),
    "soc_sigma": st.column_config.NumberColumn("± %", format="%.1f", help="One sigma of the state of charge"),
    "soh": st.column_config.NumberColumn("SOH %", format="%.1f", help="Present over rated capacity"),
    "soh_sigma": st.column_config.NumberColumn("± % ", format="%.1f", help="One sigma of the state of health"),
    "voltage": st.column_config.NumberColumn("V", format="%.3f", help="Measured terminal voltage"),
    "temperature": st.column_config.NumberColumn("°C", format="%.1f", help="Measured at the negative post"),
    "resistance": st.column_config.NumberColumn("mΩ", format="%.2f", help="Measured by the instrument"),
    "innovation": st.column_config.NumberColumn("Innov. mV", format="%+.0f", help="Measured minus predicted voltage"),
    "alerts": st.column_config.NumberColumn("Alerts", format="%d", width="small"),
    "quality": st.column_config.TextColumn("Quality", width="small"),
    "fault": st.column_config.TextColumn("Fault", width="medium", help="Diagnosed faults that name this block"),
    "age": st.column_config.TextColumn("Age", width="small", help="Age of the newest sample"),
}


def string_table(string: StringTwin, blocks: Blocks) -> pd.DataFrame:
    """Rows of the blocks in the order in which they stand."""
    twins = [block.twin for block in string.blocks]

    def measured(name: str) -> NDArray[np.float64]:
        return np.array([getattr(twin, name) for twin in twins], np.float64)

    return pd.DataFrame(
        {
            "block": [battery_id.rsplit("-", 1)[-1] for battery_id in blocks.battery_ids],
            "deviation": _even(blocks.voltage_deviation_v * 1_000, 0),
            "warm": _even(blocks.temperature_deviation_k, 1),
            "ratio": blocks.resistance_ratio * 100,
            "soc": blocks.soc * 100,
            "soc_sigma": blocks.soc_sigma * 100,
            "soh": blocks.soh_capacity * 100,
            "soh_sigma": blocks.soh_capacity_sigma * 100,
            "voltage": measured("voltage_v"),
            "temperature": measured("temperature_c"),
            "resistance": measured("internal_resistance_mohm"),
            "innovation": _even(
                np.array([1_000 * twin.innovation_v.value if twin.innovation_v else np.nan for twin in twins]), 0
            ),
            "alerts": blocks.alert_counts,
            "quality": [word(QUALITY_TEXT, quality) for quality in blocks.qualities],
            "fault": list(blocks.faults),
            "age": [age(twin.age_s) for twin in twins],
        }
    )


def _even(values: NDArray[np.float64], decimals: int) -> NDArray[np.float64]:
    return np.round(values, decimals) + 0.0  # never "-0"
