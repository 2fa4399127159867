"""The batteries of a site as a table: what was measured, what is estimated, and how far it can be trusted."""

from typing import Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from clients.types import TwinColumns
from streamlit_app.wording import QUALITY_TEXT, REGIME_TEXT, age, word

COLUMN_CONFIG: Final = {
    "battery": st.column_config.TextColumn("Battery", pinned=True, width="medium"),
    "quality": st.column_config.TextColumn("Quality", width="small"),
    "age": st.column_config.TextColumn("Age", width="small", help="Age of the newest sample"),
    "regime": st.column_config.TextColumn("Regime", width="small"),
    "soh": st.column_config.NumberColumn("SOH %", format="%.1f", help="Present over rated capacity"),
    "soh_sigma": st.column_config.NumberColumn("± %", format="%.1f", help="One sigma of the state of health"),
    "soc": st.column_config.NumberColumn("SOC %", format="%.1f", help="Charge left over present capacity"),
    "soc_sigma": st.column_config.NumberColumn("± % ", format="%.1f", help="One sigma of the state of charge"),
    "voltage": st.column_config.NumberColumn("V", format="%.3f", help="Measured terminal voltage"),
    "current": st.column_config.NumberColumn("A", format="%.2f", help="Measured current, > 0 charges"),
    "temperature": st.column_config.NumberColumn("°C", format="%.1f", help="Measured at the negative post"),
    "resistance": st.column_config.NumberColumn("mΩ", format="%.2f", help="Measured by the instrument"),
    "drift": st.column_config.NumberColumn("R %", format="%.0f", help="Resistance at 25 °C over its own baseline"),
    "innovation": st.column_config.NumberColumn("Innov. mV", format="%.0f", help="Measured minus predicted voltage"),
    "alerts": st.column_config.NumberColumn("Alerts", format="%d", width="small"),
}


def site_table(twins: TwinColumns, keep: NDArray[np.bool_]) -> pd.DataFrame:
    """Rows of the batteries to keep, in string order.

    Args:
        twins: columns of the site.
        keep: True for each battery to show, shape `(n_batteries,)`.
    """
    ids = np.asarray(twins.battery_ids, object)

    def screen(values: NDArray[np.float32], factor: float = 1.0) -> NDArray[np.float64]:
        return values[keep].astype(np.float64) * factor

    return pd.DataFrame(
        {
            "battery": ids[keep],
            "quality": [word(QUALITY_TEXT, quality) for quality in twins.qualities[keep]],
            "soh": screen(twins.soh_capacity, 100),
            "soh_sigma": screen(twins.soh_capacity_sigma, 100),
            "soc": screen(twins.soc, 100),
            "soc_sigma": screen(twins.soc_sigma, 100),
            "voltage": screen(twins.voltage_v),
            "current": screen(twins.current_a),
            "temperature": screen(twins.temperature_c),
            "resistance": screen(twins.internal_resistance_mohm),
            "drift": screen(twins.soh_resistance, 100),
            "innovation": screen(twins.innovation_v, 1_000),
            "alerts": twins.active_alert_counts[keep],
            "age": [age(float(seconds)) for seconds in twins.age_s[keep]],
            "regime": [word(REGIME_TEXT, regime) for regime in twins.regimes[keep]],
        }
    )
