"""Words for diagnosed faults and for what a charger does."""

from collections.abc import Mapping
from typing import Final

from batterytwin.diagnosis import FaultClass, FaultSource
from batterytwin.telemetry import StringMode
from streamlit_app.palette import BadgeColour

MODE_TEXT: Final[Mapping[int, str]] = {
    StringMode.UNSPECIFIED: "Not reported",
    StringMode.FLOAT: "Float",
    StringMode.BOOST: "Boost",
    StringMode.DISCHARGE: "Discharge",
    StringMode.TEST: "Test",
    StringMode.MAINTENANCE: "Maintenance",
}
SOURCE_TEXT: Final[Mapping[int, str]] = {
    FaultSource.BATTERY: "Battery",
    FaultSource.CONNECTION: "Connection",
    FaultSource.SENSOR: "Sensor",
    FaultSource.CHARGER: "Charger",
    FaultSource.ROOM: "Room",
}
FAULT_TEXT: Final[Mapping[int, str]] = {
    FaultClass.SHORTED_CELL: "Shorted cell",
    FaultClass.OPEN_CELL: "Open cell or strap",
    FaultClass.REVERSAL: "Reversed under load",
    FaultClass.LOOSE_CONNECTION: "Loose connection",
    FaultClass.DRY_OUT: "Dry-out",
    FaultClass.THERMAL_RUNAWAY: "Thermal runaway begins",
    FaultClass.IMBALANCE: "Imbalance",
    FaultClass.WEAK_BLOCK: "Weak block",
    FaultClass.VOLTAGE_SENSOR: "Voltage sensor off",
    FaultClass.TEMPERATURE_SENSOR: "Temperature sensor off",
    FaultClass.CURRENT_SIGN: "Current with the wrong sign",
    FaultClass.CURRENT_OFFSET: "Current sensor offset",
    FaultClass.STUCK_SENSOR: "Sensor stuck",
    FaultClass.NOISY_SENSOR: "Sensor noisy",
    FaultClass.CHARGER_VOLTAGE: "Charger holds a wrong voltage",
    FaultClass.ROOM_COOLING: "Room too warm: cooling",
}
FAULT_HELP: Final[Mapping[int, str]] = {
    FaultClass.SHORTED_CELL: "About 2 V of the block are missing. Replace the block.",
    FaultClass.OPEN_CELL: "No current can flow: the whole string is dead until this is mended.",
    FaultClass.REVERSAL: "The block is driven to the other polarity under load. Take it out of service.",
    FaultClass.LOOSE_CONNECTION: "The voltage drop grows with the current. Check and tighten the connection.",
    FaultClass.DRY_OUT: "Resistance and float current have moved together for months: water is lost for good.",
    FaultClass.THERMAL_RUNAWAY: "Current and temperature rise together at constant voltage. Cut the charge now.",
    FaultClass.IMBALANCE: "The blocks share the string's voltage unevenly.",
    FaultClass.WEAK_BLOCK: "Much less capacity than its neighbours: it ends every discharge of the string early.",
    FaultClass.VOLTAGE_SENSOR: "The blocks' sum disagrees with the string at any current. The battery may be well.",
    FaultClass.TEMPERATURE_SENSOR: "The reading cannot be the temperature of this block. The battery may be well.",
    FaultClass.CURRENT_SIGN: "The twins turn the sign; the gateway should be corrected.",
    FaultClass.CURRENT_OFFSET: "The twins take the offset off; the sensor should be adjusted.",
    FaultClass.STUCK_SENSOR: "The channel repeats one value, so nothing can be said from it.",
    FaultClass.NOISY_SENSOR: "The channel jumps for single samples.",
    FaultClass.CHARGER_VOLTAGE: "The charger holds another voltage than the one that the temperature asks for.",
    FaultClass.ROOM_COOLING: "All blocks of the room are warmer than they were.",
}
_SOURCE_BADGE: Final[Mapping[int, BadgeColour]] = {
    FaultSource.BATTERY: "red",
    FaultSource.CONNECTION: "red",
    FaultSource.SENSOR: "blue",
    FaultSource.CHARGER: "orange",
    FaultSource.ROOM: "orange",
}


def source_badge(source: int) -> BadgeColour:
    """Colour of the badge of the part at fault; grey for parts that this dashboard does not know."""
    return _SOURCE_BADGE.get(source, "gray")
