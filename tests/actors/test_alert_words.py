"""What alerts say: a value that has passed its limit never reads like the limit."""

import re

from hypothesis import given
from hypothesis import strategies as st

from actors.alert_words import Finding, cleared_words, raised_words
from actors.limits import AlertLimits
from actors.plausibility import RESISTANCE, TEMPERATURE, VOLTAGE
from batterytwin.alerts import AlertRule

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
LIMITS = AlertLimits()


def numbers_of(rule: AlertRule, value: float, threshold: float) -> list[float]:
    words = raised_words(rule, Finding(TEMPERATURE, value, threshold, critical=False, limits=LIMITS))
    return [float(number) for number in NUMBER.findall(words)]


@given(st.floats(1e-5, 0.5), st.sampled_from([0.85, 0.845, 0.8, 0.7]))
def test_a_low_health_reads_lower_than_its_limit(below: float, threshold: float) -> None:
    health, limit = numbers_of(AlertRule.SOH_LOW, threshold - below, threshold)[:2]
    assert health < limit


@given(st.floats(1e-3, 40.0), st.sampled_from([40.0, 42.5, 45.0, 55.0]))
def test_a_high_temperature_reads_higher_than_its_limit(above: float, threshold: float) -> None:
    temperature, limit = numbers_of(AlertRule.TEMPERATURE_HIGH, threshold + above, threshold)[:2]
    assert temperature > limit


@given(st.floats(1e-3, 3.0), st.sampled_from([0.2, 0.25, 0.5]))
def test_a_resistance_reads_higher_than_its_limit(above: float, threshold: float) -> None:
    words = raised_words(
        AlertRule.RESISTANCE_DRIFT, Finding(0, threshold + above, threshold, critical=False, limits=LIMITS)
    )
    drift, limit = (float(number) for number in re.findall(r"([\d.]+) %", words))
    assert drift > limit


@given(st.floats(1e-3, 3.0), st.sampled_from([0.25, 0.5]), st.sampled_from([-1, 1]))
def test_a_float_voltage_reads_further_off_than_its_limit(beyond: float, threshold: float, sign: int) -> None:
    words = raised_words(
        AlertRule.VOLTAGE_DEVIATION,
        Finding(0, sign * (threshold + beyond), sign * threshold, critical=False, limits=LIMITS),
    )
    moved, limit = (float(number) for number in re.findall(r"([+-][\d.]+) V", words))
    assert sign * moved > sign * limit > 0


@given(st.floats(0.06, 20.0), st.sampled_from([2.0, 2.5, 10.0]))
def test_a_temperature_reads_to_have_risen_by_more_than_its_limit(beyond: float, threshold: float) -> None:
    risen, _, limit = numbers_of(AlertRule.TEMPERATURE_RISE, threshold + beyond, threshold)
    assert risen > limit


@given(st.floats(0.01, 40.0), st.sampled_from([(TEMPERATURE, 80.0), (RESISTANCE, 100.0), (VOLTAGE, 15.5)]))
def test_what_cannot_be_reads_beyond_what_can(above: float, limit: tuple[int, float]) -> None:
    quantity, threshold = limit
    finding = Finding(quantity, threshold + above, threshold, critical=False, limits=LIMITS)
    value, told = (float(number) for number in NUMBER.findall(raised_words(AlertRule.IMPLAUSIBLE_READING, finding)))
    assert value > told


def test_a_resistance_that_is_back_is_told_against_its_baseline() -> None:
    assert cleared_words(AlertRule.RESISTANCE_DRIFT, 0.05) == "Resistance at 25 degC is back to 5 % above its baseline"
    assert cleared_words(AlertRule.RESISTANCE_DRIFT, -0.05).endswith("is back to 5 % below its baseline")


def test_no_more_decimals_than_it_takes() -> None:
    words = raised_words(AlertRule.SOH_LOW, Finding(0, 0.8489, 0.85, critical=False, limits=LIMITS))
    assert words == "State of health 84.9 % is below 85 %: plan its replacement"
    words = raised_words(AlertRule.SOH_LOW, Finding(0, 0.823, 0.85, critical=False, limits=LIMITS))
    assert words.startswith("State of health 82 % is below 85 %")
