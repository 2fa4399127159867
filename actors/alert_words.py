"""What an alert of one battery says to people."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from actors.limits import AlertLimits
from actors.plausibility import CURRENT, RESISTANCE, TEMPERATURE
from batterytwin.alerts import AlertRule


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a rule fired.

    Attributes:
        quantity: measured quantity, by its position in `MEASURED_COLUMNS`.
        value: value that met the condition.
        threshold: limit that was passed.
        critical: the critical limit was passed, not only that of the warning.
        limits: limits that applied.
    """

    quantity: int
    value: float
    threshold: float
    critical: bool
    limits: AlertLimits

    @property
    def side(self) -> str:
        """On which side of the limit the value is."""
        return "above" if self.value > self.threshold else "below"


def raised_words(rule: AlertRule, finding: Finding) -> str:
    """Message of an alert that is raised or escalated."""
    return _RAISED[rule](finding)


def cleared_words(rule: AlertRule, value: float) -> str:
    """Message of an alert that clears at a value."""
    side = "above" if value >= 0.0 else "below"
    return _CLEARED[rule].format(value=value, percent=100.0 * value, size=100.0 * abs(value), side=side)


def _hold(seconds: float) -> str:
    if seconds <= 0:
        return ""
    if seconds < 120:
        return f" for {seconds:.0f} s"
    if seconds < 7_200:
        return f" for {seconds / 60:.0f} min"
    return f" for {seconds / 3_600:.0f} h"


def beyond(value: float, limit: float, decimals: int) -> str:
    """A value that has passed a limit, with so many decimals, or up to three more where it would read like that."""
    text = ""
    for more in range(decimals, decimals + 4):
        text = f"{value:.{more}f}"
        if float(text) != round(limit, more):
            break
    return text


def _voltage_deviation(f: Finding) -> str:
    hold = _hold(f.limits.deviation_on_delay_s)
    value, sign = beyond(abs(f.value), abs(f.threshold), 2), "+" if f.value > 0.0 else "-"
    return f"Float voltage moved by {sign}{value} V from this block's baseline (limit {f.threshold:+.2f} V){hold}"


def _voltage_limit(f: Finding) -> str:
    hold = _hold(f.limits.voltage_on_delay_s)
    value = beyond(f.value, f.threshold, 2)
    return f"Voltage {value} V is {f.side} {f.threshold:.2f} V outside discharge and boost{hold}"


def _temperature_high(f: Finding) -> str:
    hold_s = f.limits.temperature_on_delay_s
    if f.critical:
        hold_s = min(hold_s, f.limits.temperature_critical_on_delay_s)
    value = beyond(f.value, f.threshold, 1)
    return f"Temperature {value} degC is above {f.threshold:.4g} degC{_hold(hold_s)}"


def _temperature_rise(f: Finding) -> str:
    window_s = f.limits.rise_critical_window_s if f.critical else f.limits.rise_warning_window_s
    value = beyond(f.value, f.threshold, 1)
    return f"Temperature rose by {value} K within {window_s / 60:.0f} min (limit {f.threshold:.4g} K)"


def _soh_low(f: Finding) -> str:
    advice = "replace it" if f.critical else "plan its replacement"
    percent, limit_percent = 100 * f.value, 100 * f.threshold
    return f"State of health {beyond(percent, limit_percent, 0)} % is below {limit_percent:.4g} %: {advice}"


def _resistance_drift(f: Finding) -> str:
    advice = "test or replace it" if f.critical else "investigate"
    percent, limit_percent = 100 * f.value, 100 * f.threshold
    value = beyond(percent, limit_percent, 0)
    return f"Resistance at 25 degC is {value} % above its baseline (limit {limit_percent:.4g} %): {advice}"


def _sensor_range(f: Finding) -> str:
    name, unit = ("Temperature", "degC") if f.quantity == TEMPERATURE else ("Voltage", "V")
    value = beyond(f.value, f.threshold, 1)
    return f"{name} {value} {unit} is {f.side} the usual {f.threshold:.1f} {unit}: check the sensor"


def _implausible_reading(f: Finding) -> str:
    if f.quantity == TEMPERATURE:
        return (
            f"Temperature {beyond(f.value, f.threshold, 1)} degC is {f.side} {f.threshold:.4g} degC: check the sensor"
        )
    if f.quantity == RESISTANCE:
        value = beyond(f.value, f.threshold, 1)
        return f"Resistance {value} mOhm is {f.side} {f.threshold:.4g} mOhm: check connections and probe"
    if f.quantity == CURRENT:
        return f"Current {beyond(f.value, f.threshold, 0)} A is beyond {f.threshold:.4g} A: check the sensor"
    if f.value < 0:
        return f"Voltage {f.value:.2f} V is negative: swapped leads or a reversed block"
    value = beyond(f.value, f.threshold, 2)
    return f"Voltage {value} V is {f.side} {f.threshold:.2f} V: open or shorted cell, or the sensor"


_RAISED: Final[dict[AlertRule, Callable[[Finding], str]]] = {
    AlertRule.VOLTAGE_DEVIATION: _voltage_deviation,
    AlertRule.VOLTAGE_LIMIT: _voltage_limit,
    AlertRule.TEMPERATURE_HIGH: _temperature_high,
    AlertRule.TEMPERATURE_RISE: _temperature_rise,
    AlertRule.SOH_LOW: _soh_low,
    AlertRule.RESISTANCE_DRIFT: _resistance_drift,
    AlertRule.SENSOR_RANGE: _sensor_range,
    AlertRule.IMPLAUSIBLE_READING: _implausible_reading,
}

_CLEARED: Final = {
    AlertRule.VOLTAGE_DEVIATION: "Float voltage is back near its baseline ({value:+.2f} V)",
    AlertRule.VOLTAGE_LIMIT: "Voltage is back within limits ({value:.2f} V)",
    AlertRule.TEMPERATURE_HIGH: "Temperature is back to {value:.1f} degC",
    AlertRule.TEMPERATURE_RISE: "Temperature no longer rises fast",
    AlertRule.SOH_LOW: "State of health is back to {percent:.0f} %",
    AlertRule.RESISTANCE_DRIFT: "Resistance at 25 degC is back to {size:.0f} % {side} its baseline",
    AlertRule.SENSOR_RANGE: "Readings are back in the usual range",
    AlertRule.IMPLAUSIBLE_READING: "Readings are plausible again",
}
