"""Units of the stored quantities, by column: for files and tables that leave the product."""

from collections.abc import Mapping
from typing import Final

UNIT_OF_COLUMN: Final[Mapping[str, str]] = {
    "voltage_v": "V",
    "current_a": "A",
    "temperature_c": "degC",
    "internal_resistance_mohm": "mOhm",
    "soc": "1",
    "soc_sigma": "1",
    "soh_capacity": "1",
    "soh_capacity_sigma": "1",
    "soh_resistance": "1",
    "r0_ohm": "Ohm",
    "innovation_v": "V",
    "soh_resistance_sigma": "1",
    "r0_sigma_ohm": "Ohm",
    "innovation_sigma_v": "V",
    "v1_v": "V",
    "v1_sigma_v": "V",
    "v2_v": "V",
    "v2_sigma_v": "V",
    "float_marker": "1",
    "float_marker_sigma": "1",
}
"""Unit of each metric of `HistoryService`; "1" = a ratio or a logarithm."""
