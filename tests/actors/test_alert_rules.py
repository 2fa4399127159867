"""Cases x rules: what must raise an alert, and what must not."""

from dataclasses import replace

import numpy as np
import pytest

from actors.limits import AlertLimits
from batterytwin.alerts import AlertChange, AlertRule
from batterytwin.telemetry import Regime, StringMode
from tests.actors.rule_bench import DAY, HOUR, MINUTE, START_US, RuleBench, Sample, held, ramp, small_block, story

FLOAT = Sample()
LEARNED = held(FLOAT, 25 * HOUR, HOUR)
"""A day of float, after which the block's own baseline is known."""

Samples = list[tuple[float, Sample]]


def hot(celsius: float) -> Sample:
    return Sample(temperature_c=celsius)


def at(
    volts: float, regime: Regime = Regime.FLOAT, mode: StringMode = StringMode.UNSPECIFIED, celsius: float = 25.0
) -> Sample:
    return Sample(voltage_v=volts, temperature_c=celsius, regime=regime, mode=mode)


def ohms(milliohm: float, celsius: float = 25.0) -> Sample:
    return Sample(resistance_mohm=milliohm, temperature_c=celsius)


def glitch(sample: Sample) -> Samples:
    return [*held(FLOAT, 20 * MINUTE, MINUTE), (MINUTE, sample), *held(FLOAT, 20 * MINUTE, MINUTE)]


def measured_daily(sample: Sample, days: int) -> Samples:
    return [(HOUR, sample if hour == 0 else FLOAT) for _ in range(days) for hour in range(24)]


RAISES: dict[str, tuple[Samples, list[str]]] = {
    "36 degC for 5 min": (held(hot(36), 6 * MINUTE, MINUTE), ["TEMPERATURE_HIGH RAISED WARNING"]),
    "36 degC in hourly readings": (held(hot(36), 2 * HOUR, HOUR), ["TEMPERATURE_HIGH RAISED WARNING"]),
    "46 degC for a minute": (held(hot(46), 2 * MINUTE, MINUTE), ["TEMPERATURE_HIGH RAISED CRITICAL"]),
    "36, then 46 degC": (
        [*held(hot(36), 20 * MINUTE, HOUR / 6), *held(hot(46), 20 * MINUTE, HOUR / 6)],
        ["TEMPERATURE_HIGH RAISED WARNING", "TEMPERATURE_HIGH ESCALATED CRITICAL"],
    ),
    "36 degC and back": (
        [*held(hot(36), 6 * MINUTE, MINUTE), *held(hot(33.9), 6 * MINUTE, MINUTE)],
        ["TEMPERATURE_HIGH RAISED WARNING", "TEMPERATURE_HIGH CLEARED WARNING"],
    ),
    "36 degC in a discharge": (
        held(Sample(11.9, 36, regime=Regime.DISCHARGE), 6 * MINUTE, MINUTE),
        ["TEMPERATURE_HIGH RAISED WARNING"],
    ),
    "36 degC behind a broken voltage": (
        held(Sample(25.0, 36, suspect=True), 6 * MINUTE, MINUTE),
        ["IMPLAUSIBLE_READING RAISED WARNING", "TEMPERATURE_HIGH RAISED WARNING"],
    ),
    "0.3 K a minute": (ramp(hot(25), 0.3, 12 * MINUTE, MINUTE), ["TEMPERATURE_RISE RAISED WARNING"]),
    "0.3 K a minute at 1 Hz": (ramp(hot(25), 0.3, 12 * MINUTE, 1.0), ["TEMPERATURE_RISE RAISED WARNING"]),
    "a step of 12 K": (
        [*held(hot(20), 30 * MINUTE, MINUTE), *held(hot(32), 4 * MINUTE, MINUTE)],
        ["TEMPERATURE_RISE RAISED CRITICAL"],
    ),
    "shorted cell": (
        [*LEARNED, *held(at(11.45), 2 * HOUR, MINUTE)],
        ["VOLTAGE_LIMIT RAISED CRITICAL", "VOLTAGE_DEVIATION RAISED CRITICAL"],
    ),
    "0.3 V below its baseline for an hour": (
        [*LEARNED, *held(at(13.35), 61 * MINUTE, MINUTE)],
        ["VOLTAGE_DEVIATION RAISED WARNING"],
    ),
    "0.3 V below its baseline two days after a discharge": (
        [
            *LEARNED,
            *held(at(11.8, Regime.DISCHARGE), HOUR, MINUTE),
            *held(FLOAT, 2 * DAY, HOUR),
            *held(at(13.35), 2 * HOUR, HOUR),
        ],
        ["VOLTAGE_DEVIATION RAISED WARNING"],
    ),
    "0.6 V above its baseline": ([*LEARNED, *held(at(14.25), 2 * HOUR, HOUR)], ["VOLTAGE_DEVIATION RAISED CRITICAL"]),
    "a charger at 14.6 V": (held(at(14.6), 2 * MINUTE, MINUTE), ["VOLTAGE_LIMIT RAISED CRITICAL"]),
    "11.4 V at rest": (held(at(11.4, Regime.REST), 2 * MINUTE, MINUTE), ["VOLTAGE_LIMIT RAISED CRITICAL"]),
    "health 0.84 by evidence": (held(Sample(soh=0.84), 2 * HOUR, HOUR), ["SOH_LOW RAISED WARNING"]),
    "health 0.79 by evidence": (held(Sample(soh=0.79), 2 * HOUR, HOUR), ["SOH_LOW RAISED CRITICAL"]),
    "health certainly bad": (held(Sample(soh=0.5, soh_sigma=0.12), 2 * HOUR, HOUR), ["SOH_LOW RAISED CRITICAL"]),
    "resistance 25 % up": (
        [*held(ohms(4.0), 25 * HOUR, HOUR), *held(ohms(5.0), 3 * HOUR, HOUR)],
        ["RESISTANCE_DRIFT RAISED WARNING"],
    ),
    "resistance 60 % up": (
        [*held(ohms(4.0), 25 * HOUR, HOUR), *held(ohms(6.4), 3 * HOUR, HOUR)],
        ["RESISTANCE_DRIFT RAISED CRITICAL"],
    ),
    "resistance 25 % up, measured daily": (
        [*measured_daily(ohms(4.0), 4), *measured_daily(ohms(5.0), 3)],
        ["RESISTANCE_DRIFT RAISED WARNING"],
    ),
    "a cold sensor": (held(hot(8), 2 * MINUTE, MINUTE), ["SENSOR_RANGE RAISED INFO"]),
    "9.5 V at rest": (
        held(at(9.5, Regime.REST), 2 * MINUTE, MINUTE),
        ["VOLTAGE_LIMIT RAISED CRITICAL", "SENSOR_RANGE RAISED INFO"],
    ),
    "a sensor out of its range that falls silent": (
        [*held(hot(8), 5 * MINUTE, MINUTE), *held(hot(np.nan), HOUR, MINUTE)],
        ["SENSOR_RANGE RAISED INFO"],
    ),
    "9.5 V at rest, then a discharge": (
        [*held(at(9.5, Regime.REST), 2 * MINUTE, MINUTE), *held(at(9.2, Regime.DISCHARGE), HOUR, MINUTE)],
        ["VOLTAGE_LIMIT RAISED CRITICAL", "SENSOR_RANGE RAISED INFO"],
    ),
    "a cold sensor and back": (
        [*held(hot(8), 2 * MINUTE, MINUTE), *held(hot(np.nan), HOUR, MINUTE), *held(hot(12), 7 * MINUTE, MINUTE)],
        ["SENSOR_RANGE RAISED INFO", "SENSOR_RANGE CLEARED INFO"],
    ),
    "9.5 V at rest and back, without a temperature": (
        [*held(at(9.5, Regime.REST, celsius=np.nan), 2 * MINUTE, MINUTE), *held(at(13, celsius=np.nan), HOUR, MINUTE)],
        [
            "VOLTAGE_LIMIT RAISED CRITICAL",
            "SENSOR_RANGE RAISED INFO",
            "VOLTAGE_LIMIT CLEARED CRITICAL",
            "SENSOR_RANGE CLEARED INFO",
        ],
    ),
    "swapped leads": (
        held(Sample(-12.88, suspect=True), 2 * MINUTE, MINUTE),
        ["IMPLAUSIBLE_READING RAISED WARNING"],
    ),
}

QUIET: dict[str, Samples] = {
    "float": held(FLOAT, 3 * DAY, HOUR),
    "35.0 degC": held(hot(35), HOUR, MINUTE),
    "36 degC for 4 min": [*held(hot(36), 5 * MINUTE, MINUTE), *held(hot(34), HOUR, MINUTE)],
    "36 degC before and after a day without data": [(DAY, hot(36)), (MINUTE, hot(36))],
    "36 degC before and after a day without temperatures": [
        (MINUTE, hot(36)),
        *held(hot(np.nan), DAY, HOUR),
        (MINUTE, hot(36)),
    ],
    "46 degC once": [(MINUTE, hot(25)), (1.0, hot(46)), *held(hot(25), HOUR, MINUTE)],
    "0.15 K a minute": ramp(hot(22), 0.15, HOUR, MINUTE),
    "2.0 K in 10 min": [*held(hot(25), HOUR, MINUTE), *ramp(hot(25), 0.2, 11 * MINUTE, MINUTE)],
    "5 K an hour in hourly readings": ramp(hot(15), 5 / 60, 4 * HOUR, HOUR),
    "9 K between hourly readings": [*held(hot(25), 3 * HOUR, HOUR), *held(hot(34), 3 * HOUR, HOUR)],
    "9 K over a gap": [(HOUR, hot(25)), *held(hot(34), 10 * MINUTE, MINUTE)],
    "a single cold sample": glitch(hot(15)),
    "a single hot sample": glitch(hot(34)),
    "a block that always stood 0.4 V low": held(at(13.25), 3 * DAY, HOUR),
    "0.3 V below before a baseline is known": [*held(FLOAT, 6 * HOUR, HOUR), *held(at(13.35), 6 * HOUR, HOUR)],
    "0.3 V below for 50 min": [*LEARNED, *held(at(13.35), 50 * MINUTE, MINUTE), *held(FLOAT, HOUR, MINUTE)],
    "a compensated charger in a warmer room": [
        *LEARNED,
        *[(HOUR, Sample(13.65 - 0.018 * k, 25.0 + k)) for k in range(10)],
    ],
    "a discharge": [*LEARNED, *held(at(11.2, Regime.DISCHARGE), HOUR, MINUTE)],
    "a block that is filled later than the others": [
        *LEARNED,
        *held(at(11.8, Regime.DISCHARGE), HOUR, MINUTE),
        *held(at(13.65, Regime.RECHARGE), 4 * HOUR, MINUTE),
        *held(at(13.25), 12 * HOUR, HOUR),
        *held(FLOAT, 2 * DAY, HOUR),
    ],
    "a recharge": [*LEARNED, *held(at(14.55, Regime.RECHARGE), 3 * HOUR, MINUTE)],
    "boost": [*LEARNED, *held(at(14.7, mode=StringMode.BOOST), 3 * HOUR, MINUTE)],
    "a test": [*LEARNED, *held(at(11.2, mode=StringMode.TEST), 3 * HOUR, MINUTE)],
    "maintenance": [*LEARNED, *held(at(11.2, mode=StringMode.MAINTENANCE), 3 * HOUR, MINUTE)],
    "14.6 V once": glitch(at(14.6)),
    "health 0.78 by a prior": held(Sample(soh=0.78, soh_sigma=0.10), DAY, HOUR),
    "health 0.84 for a moment": [(MINUTE, Sample(soh=0.84)), *held(FLOAT, DAY, HOUR)],
    "resistance that follows the temperature": [
        *held(ohms(4.0, 25), 25 * HOUR, HOUR),
        *held(ohms(4.0 * (1 - 0.0075 * -10), 15), 5 * HOUR, HOUR),
    ],
    "resistance 25 % up twice": [
        *held(ohms(4.0), 25 * HOUR, HOUR),
        *held(ohms(5.0), 2 * HOUR, HOUR),
        *held(ohms(4.0), 3 * HOUR, HOUR),
    ],
    "resistance 60 % up in a discharge": [
        *held(ohms(4.0), 25 * HOUR, HOUR),
        *held(replace(ohms(6.4), regime=Regime.DISCHARGE, voltage_v=12.0), 5 * HOUR, HOUR),
    ],
    "one implausible reading": glitch(Sample(-12.88, suspect=True)),
    "nothing measured": held(Sample(np.nan, np.nan, soh=np.nan, soh_sigma=np.nan), DAY, HOUR),
}


@pytest.mark.parametrize(("samples", "expected"), RAISES.values(), ids=RAISES.keys())
def test_raises(samples: Samples, expected: list[str]) -> None:
    assert story(RuleBench().feed(samples)) == expected


@pytest.mark.parametrize("samples", QUIET.values(), ids=QUIET.keys())
def test_stays_quiet(samples: Samples) -> None:
    assert story(RuleBench().feed(samples)) == []


SLOW = 8 * HOUR
OF_SLOW_SITES: dict[str, tuple[Samples, list[str]]] = {
    "36 degC": (held(hot(36), 2 * DAY, SLOW), ["TEMPERATURE_HIGH RAISED WARNING"]),
    "11.4 V at rest": (held(at(11.4, Regime.REST), 2 * DAY, SLOW), ["VOLTAGE_LIMIT RAISED CRITICAL"]),
    "resistance 25 % up": (
        [*held(ohms(4.0), 2 * DAY, SLOW), *held(ohms(5.0), 2 * DAY, SLOW)],
        ["RESISTANCE_DRIFT RAISED WARNING"],
    ),
    "0.3 V below its baseline": (
        [*held(FLOAT, 3 * DAY, SLOW), *held(at(13.35), 2 * DAY, SLOW)],
        ["VOLTAGE_DEVIATION RAISED WARNING"],
    ),
    "36 degC before and after three days without data": ([(3 * DAY, hot(36)), (SLOW, hot(36))], []),
}


@pytest.mark.parametrize(("samples", "expected"), OF_SLOW_SITES.values(), ids=OF_SLOW_SITES.keys())
def test_the_usual_pause_between_samples_is_no_gap(samples: Samples, expected: list[str]) -> None:
    assert story(RuleBench(sample_period_s=SLOW).feed(samples)) == expected


def test_temperature_without_on_delay_raises_at_once() -> None:
    bench = RuleBench(AlertLimits(temperature_on_delay_s=0))
    raised = bench.feed([(MINUTE, hot(35.1))])
    assert story(raised) == ["TEMPERATURE_HIGH RAISED WARNING"]
    assert raised[0].sample_time_us == START_US


def test_alert_is_raised_by_the_sample_that_completes_the_on_delay() -> None:
    (raised,) = RuleBench().feed(held(hot(36.2), 20 * MINUTE, 1.0))
    assert raised.sample_time_us == START_US + 300_000_000
    assert raised.alert_id == f"B1/TEMPERATURE_HIGH/{raised.sample_time_us}"
    assert raised.message == "Temperature 36.2 degC is above 35 degC for 5 min"
    assert (round(raised.value, 1), raised.threshold, raised.unit) == (36.2, 35.0, "degC")


def test_escalation_and_clearing_keep_the_name_of_the_alert() -> None:
    bench = RuleBench()
    changes = bench.feed(
        [*held(hot(36), HOUR, 10 * MINUTE), *held(hot(46), HOUR, 10 * MINUTE), *held(hot(30), HOUR, 10 * MINUTE)]
    )
    temperature = [t for t in changes if t.rule == AlertRule.TEMPERATURE_HIGH]
    assert [t.change for t in temperature] == [AlertChange.RAISED, AlertChange.ESCALATED, AlertChange.CLEARED]
    assert len({t.alert_id for t in temperature}) == 1


def test_severity_never_falls_while_the_alert_stands() -> None:
    bench = RuleBench()
    bench.feed(held(hot(46), HOUR, 10 * MINUTE))
    assert bench.feed(held(hot(36), HOUR, 10 * MINUTE)) == []


def test_a_standing_alert_stays_while_it_is_suppressed() -> None:
    bench = RuleBench()
    assert story(bench.feed(held(at(14.6), HOUR, MINUTE))) == ["VOLTAGE_LIMIT RAISED CRITICAL"]
    assert bench.feed(held(at(12.2, Regime.DISCHARGE), HOUR, MINUTE)) == []
    assert story(bench.feed(held(FLOAT, HOUR, MINUTE))) == ["VOLTAGE_LIMIT CLEARED CRITICAL"]


def test_a_prior_that_becomes_evidence_raises() -> None:
    bench = RuleBench()
    assert bench.feed(held(Sample(soh=0.78, soh_sigma=0.10), DAY, HOUR)) == []
    assert story(bench.feed(held(Sample(soh=0.78, soh_sigma=0.04), 2 * HOUR, HOUR))) == ["SOH_LOW RAISED CRITICAL"]


def test_limits_scale_with_the_number_of_cells() -> None:
    bench = RuleBench(datasheet=small_block())
    learned = held(at(6.825), 25 * HOUR, HOUR)
    assert bench.feed(learned) == []
    assert story(bench.feed(held(at(6.65), 2 * HOUR, HOUR))) == ["VOLTAGE_DEVIATION RAISED WARNING"]
    assert story(RuleBench(datasheet=small_block()).feed(held(at(7.3), 2 * MINUTE, MINUTE))) == [
        "VOLTAGE_LIMIT RAISED CRITICAL"
    ]


CHATTER = {
    "temperature": (hot(35.0), "temperature_c", 0.3),
    "voltage": (at(14.5), "voltage_v", 0.05),
    "resistance": (ohms(4.8), "resistance_mohm", 0.05),
    "health": (Sample(soh=0.85), "soh", 0.004),
    "sensor": (hot(10.0), "temperature_c", 0.3),
}


@pytest.mark.parametrize(("sample", "name", "noise"), CHATTER.values(), ids=CHATTER.keys())
@pytest.mark.parametrize("seed", range(3))
def test_a_chattering_sensor_gives_at_most_one_alert(sample: Sample, name: str, noise: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    bench = RuleBench()
    bench.feed(held(ohms(4.0), 25 * HOUR, HOUR))
    noisy = [(1.0, replace(sample, **{name: getattr(sample, name) + rng.normal(0.0, noise)})) for _ in range(3_600)]
    raised = [t for t in bench.feed(noisy) if t.change == AlertChange.RAISED]
    assert len(raised) <= 1


def test_batching_changes_no_alert() -> None:
    samples = [s for case, _ in RAISES.values() for s in case] + [s for case in QUIET.values() for s in case]
    whole, parts = RuleBench(), RuleBench()
    at_once = whole.feed(samples)
    one_by_one = [change for sample in samples for change in parts.feed([sample])]
    assert at_once == one_by_one
    assert whole.records.tobytes() == parts.records.tobytes()
