"""What alerts say: a value that has passed its limit never reads like the limit."""

import re

from hypothesis import given
from hypothesis import strategies as st

from actors.alert_words import Finding, raised_words
from actors.limits import AlertLimits
from actors.plausibility import TEMPERATURE
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


def test_no_more_decimals_than_it_takes() -> None:
    words = raised_words(AlertRule.SOH_LOW, Finding(0, 0.8489, 0.85, critical=False, limits=LIMITS))
    assert words == "State of health 84.9 % is below 85 %: plan its replacement"
    words = raised_words(AlertRule.SOH_LOW, Finding(0, 0.823, 0.85, critical=False, limits=LIMITS))
    assert words.startswith("State of health 82 % is below 85 %")
