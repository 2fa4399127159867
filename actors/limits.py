"""Limits of plausibility and of the alert rules, with units and sources.

Voltages are those of a block of six cells and scale with the number of cells; resistances are those of a block of six
cells and 120 Ah and scale with cells / capacity.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlausibilityLimits:
    """Outside these a reading is stored, marked SUSPECT and not applied: a fault of battery or sensor, not a state.

    Attributes:
        voltage_min_v: lowest block voltage, V. An open or reversed cell shows 0 V or less.
        voltage_min_discharge_v: lowest block voltage while it discharges (1 V per cell), V.
        voltage_max_v: highest block voltage, V. 2.58 V per cell; an open cell lets the charger's voltage through.
        temperature_min_c: lowest temperature, degC.
        temperature_max_c: highest temperature, degC.
        resistance_max_mohm: highest instrument reading for 120 Ah, mOhm; about thirty times that of a new block.
        current_max_c: highest current, multiples of the rated capacity per hour; beyond a dead short.
        current_discharge_c: current above which a battery counts as discharging, multiples of capacity per hour.
    """

    voltage_min_v: float = 9.0
    voltage_min_discharge_v: float = 6.0
    voltage_max_v: float = 15.5
    temperature_min_c: float = -10.0
    temperature_max_c: float = 80.0
    resistance_max_mohm: float = 100.0
    current_max_c: float = 50.0
    current_discharge_c: float = 0.01


@dataclass(frozen=True, slots=True)
class AlertLimits:
    """Limits, delays and dead bands of the rules of one battery. All times are sample time, s.

    An on-delay is how long a condition must hold without a break before it raises an alert; an off-delay is how long it
    must be gone, by more than the dead band, before the alert clears (ISA-18.2, IEC 62682).

    Attributes:
        deviation_warning_v: change of (V - set point at the block's temperature) against its own baseline, V.
        deviation_critical_v: the same; a shorted cell takes 1.5 to 2.3 V.
        deviation_learning_s: float time before a baseline is believed.
        deviation_memory_s: time over which the baseline follows.
        deviation_settling_s: time after a discharge and its recharge in which float voltages say nothing: in simulation
            healthy blocks are more than 0.25 V off for up to 12 h after the end of a discharge, and never later.
        voltage_low_v: lowest voltage outside discharge, V: below that of an empty block at rest.
        voltage_high_v: highest voltage outside boost, V: 2.42 V per cell.
        temperature_warning_c: usual recommendation for VRLA rooms, degC.
        temperature_critical_c: onset of accelerated dry-out and of the road to thermal runaway, degC.
        temperature_on_delay_s: hold of the warning; 0 raises at once.
        temperature_critical_on_delay_s: hold of the critical limit; never longer than that of the warning.
        rise_warning_k: rise within `rise_warning_window_s`, K.
        rise_critical_k: rise within `rise_critical_window_s`, K.
        soh_warning: health by capacity at which replacement is planned.
        soh_critical: end of life (IEEE 1188).
        soh_sigma_max: uncertainty up to which an estimate counts as evidence. What age, room and resistance suggest of
            a block below 0.85 is never surer than 0.07, and alarms only where even two sigma above it lie below the
            limit.
        resistance_warning: rise of the instrument's reading at 25 degC over its baseline, fraction; practice under
            IEEE 1188.
        resistance_critical: the same; "test or replace".
        resistance_readings: readings in a row that must pass the limit.
        resistance_learning_s: time over which the first readings are averaged to a baseline.
        sensor_voltage_low_v: usual range of a healthy sensor on a healthy block, V.
        sensor_voltage_high_v: the same.
        sensor_temperature_low_c: usual range in a battery room, degC.
        sensor_temperature_high_c: the same.
        implausible_readings: implausible readings in a row that raise an alert; one alone only marks the twin SUSPECT.
        longest_gap_s: a condition does not count as held across a longer gap between readings; twice the sample period
            where that is more.
    """

    deviation_warning_v: float = 0.25
    deviation_critical_v: float = 0.50
    deviation_dead_band_v: float = 0.05
    deviation_on_delay_s: float = 3_600.0
    deviation_off_delay_s: float = 3_600.0
    deviation_learning_s: float = 86_400.0
    deviation_memory_s: float = 30 * 86_400.0
    deviation_settling_s: float = 86_400.0
    voltage_low_v: float = 11.5
    voltage_high_v: float = 14.5
    voltage_dead_band_v: float = 0.1
    voltage_on_delay_s: float = 60.0
    voltage_off_delay_s: float = 300.0
    temperature_warning_c: float = 35.0
    temperature_critical_c: float = 45.0
    temperature_dead_band_k: float = 1.0
    temperature_on_delay_s: float = 300.0
    temperature_critical_on_delay_s: float = 60.0
    temperature_off_delay_s: float = 300.0
    rise_warning_k: float = 2.0
    rise_warning_window_s: float = 600.0
    rise_critical_k: float = 10.0
    rise_critical_window_s: float = 1_800.0
    rise_dead_band_k: float = 0.5
    rise_on_delay_s: float = 60.0
    rise_off_delay_s: float = 600.0
    soh_warning: float = 0.85
    soh_critical: float = 0.80
    soh_dead_band: float = 0.02
    soh_sigma_max: float = 0.065
    soh_on_delay_s: float = 3_600.0
    soh_off_delay_s: float = 86_400.0
    resistance_warning: float = 0.20
    resistance_critical: float = 0.50
    resistance_dead_band: float = 0.03
    resistance_readings: int = 3
    resistance_learning_s: float = 86_400.0
    resistance_off_delay_s: float = 3_600.0
    sensor_voltage_low_v: float = 10.0
    sensor_voltage_high_v: float = 15.0
    sensor_voltage_dead_band_v: float = 0.1
    sensor_temperature_low_c: float = 10.0
    sensor_temperature_high_c: float = 50.0
    sensor_temperature_dead_band_k: float = 1.0
    sensor_on_delay_s: float = 60.0
    sensor_off_delay_s: float = 300.0
    implausible_readings: int = 2
    implausible_off_delay_s: float = 900.0
    longest_gap_s: float = 7_200.0
