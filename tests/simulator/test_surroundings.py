"""Climate and mains: plausible, and functions of time alone."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.climate import climate_of, outdoor_c, outdoor_series
from simulator.mains import mains_schedule

REGIONS = ["north", "north-east", "central", "central", "central", "east", "south", "south", "south"]
BANGKOK, CHIANG_MAI, HAT_YAI = (13.73, 100.52), (18.79, 98.99), (7.01, 100.47)


def hourly_year(position: tuple[float, float], year: int, seed: int = 7) -> "pd.Series[float]":
    """Outdoor temperature of a year by local hour."""
    climate = climate_of([position], seed)
    begin_s = datetime(year - 1, 12, 31, 17, tzinfo=UTC).timestamp()
    hours = np.arange(365 * 24, dtype=np.float64)
    index = pd.Timestamp(f"{year}-01-01") + pd.to_timedelta(hours, unit="h")
    return pd.Series(outdoor_series(climate, 0, begin_s + 3_600.0 * hours)[0], index=index)


def monthly_means(series: "pd.Series[float]") -> "pd.Series[float]":
    return series.groupby(pd.DatetimeIndex(series.index).month).mean()


def mean_day_range(series: "pd.Series[float]") -> float:
    by_hour = series.groupby(pd.DatetimeIndex(series.index).hour).mean()
    return float(by_hour.max() - by_hour.min())


@pytest.mark.shared_data
def test_bangkok_has_the_level_and_the_days_of_its_weather_station(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "thai-weather/hourly_station_bangkok_2016.csv", parse_dates=["time_local"])
    station = table.set_index("time_local")["temp_c"]
    model = hourly_year(BANGKOK, 2016)
    by_month = monthly_means(model) - monthly_means(station)
    assert by_month.abs().max() < 1.5
    assert mean_day_range(model) == pytest.approx(mean_day_range(station), rel=0.2)


@pytest.mark.shared_data
def test_bangkok_is_as_damp_as_at_its_weather_station(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "thai-weather/hourly_station_bangkok_2016.csv", parse_dates=["time_local"])
    station = table.set_index("time_local")["rh_pct"] / 100.0
    climate, begin_s = climate_of([BANGKOK], 7), datetime(2015, 12, 31, 17, tzinfo=UTC).timestamp()
    model = pd.Series(
        outdoor_series(climate, 0, begin_s + 3_600.0 * np.arange(len(station), dtype=np.float64))[1], station.index
    )
    assert abs(model.mean() - station.mean()) < 0.05
    assert mean_day_range(model) == pytest.approx(mean_day_range(station), rel=0.3)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("position", "grid", "inland"),
    [
        (CHIANG_MAI, "2017_2018_chiangmai", True),
        ((16.43, 102.83), "2017_2018_khonkaen", True),
        ((9.14, 99.33), "2017_2018_surat", True),
        ((13.17, 100.93), "2017_2018_rayong", False),
        (HAT_YAI, "2016_2018_songkhla", False),
    ],
)
def test_seasons_follow_the_analyses_of_other_cities(
    shared_data: Path, position: tuple[float, float], grid: str, inland: bool
) -> None:
    path = shared_data / f"thai-weather/hourly_gridmodel_{grid}.csv.gz"
    analysis = pd.read_csv(path, parse_dates=["time_local"]).set_index("time_local")["temp_c"]
    expected = monthly_means(analysis)
    # a season and not one year's weather is compared
    years = [hourly_year(position, 2017, seed) for seed in range(4)]
    months = pd.concat([monthly_means(year) for year in years], axis=1).mean(axis=1)
    assert np.corrcoef(months, expected)[0, 1] > 0.85
    assert abs(months.mean() - expected.mean()) < 1.5
    if inland:  # the grid cells of the others are half sea, which knows no noon
        assert mean_day_range(years[0]) == pytest.approx(mean_day_range(analysis), rel=0.2)


def test_the_north_has_a_winter_and_the_south_has_none() -> None:
    north, south = hourly_year(CHIANG_MAI, 2025), hourly_year(HAT_YAI, 2025)
    swing = [monthly_means(series).agg(np.ptp) for series in (north, south)]
    assert swing[0] > 5.0
    assert swing[1] < 3.5


def test_weather_lasts_for_days() -> None:
    daily = [hourly_year(BANGKOK, 2025, seed).resample("D").mean() for seed in range(6)]
    persistence = [(days - days.rolling(61, center=True, min_periods=20).mean()).autocorr(1) for days in daily]
    assert 0.5 < np.mean(persistence) < 0.85


def test_nights_and_the_monsoon_are_damp() -> None:
    climate = climate_of([BANGKOK], 7)
    begin_s = datetime(2024, 12, 31, 17, tzinfo=UTC).timestamp()
    humidity = outdoor_series(climate, 0, begin_s + 3_600.0 * np.arange(365 * 24, dtype=np.float64))[1].reshape(365, 24)
    assert np.all((humidity > 0.25) & (humidity <= 1.0))
    assert 0.65 < humidity.mean() < 0.8
    assert humidity[:, 5].mean() > humidity[:, 14].mean() + 0.15
    assert humidity[180:270].mean() > humidity[:60].mean() + 0.05


def test_neighbours_share_their_weather_and_distant_sites_do_not() -> None:
    climate = climate_of([BANGKOK, (13.71, 100.60), HAT_YAI], 7)
    times_s = datetime(2026, 1, 1, tzinfo=UTC).timestamp() + 86_400.0 * np.arange(300, dtype=np.float64)
    near, beside, far = (outdoor_series(climate, k, times_s)[0] for k in range(3))
    assert np.corrcoef(np.diff(near), np.diff(beside))[0, 1] > 0.6
    assert abs(np.corrcoef(np.diff(near), np.diff(far))[0, 1]) < 0.4


def test_weather_is_a_function_of_seed_and_time() -> None:
    time_s = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
    values = [outdoor_c(climate_of([BANGKOK], seed), 0, time_s) for seed in (1, 1, 2)]
    assert values[0] == values[1] != values[2]


@pytest.mark.parametrize("seed", range(5))
def test_two_to_eight_outages_a_year_that_do_not_overlap(seed: int) -> None:
    years = range(2020, 2030)
    mains = mains_schedule(REGIONS, seed, years)
    real = mains.start_s < 4e9
    per_year = real.sum(axis=1) / len(years)
    assert np.all((per_year >= 2) & (per_year <= 8))
    assert per_year[6:].mean() > per_year[2:5].mean()
    assert np.all((mains.end_s - mains.start_s)[real] >= 20.0)
    assert np.all((mains.end_s - mains.start_s)[real] <= 6 * 3_600.0)
    for starts, ends in zip(mains.start_s, mains.end_s, strict=True):
        known = starts < 4e9
        assert np.all(starts[known][1:] > ends[known][:-1])


def test_most_outages_are_short_some_last_hours_and_storms_bring_most() -> None:
    mains = mains_schedule(REGIONS * 5, 7, range(2020, 2030))
    real = mains.start_s < 4e9
    minutes = (mains.end_s - mains.start_s)[real] / 60.0
    assert 0.5 < np.mean(minutes < 5.0) < 0.65
    assert 0.01 < np.mean(minutes > 60.0) < 0.06
    moments = pd.to_datetime(mains.start_s[real] + 7 * 3_600.0, unit="s")
    rainy = (moments.month >= 4) & (moments.month <= 10)
    assert 0.65 < np.mean(rainy) < 0.8  # seven of twelve months
    assert 0.4 < np.mean((moments[rainy].hour >= 13) & (moments[rainy].hour < 19)) < 0.75  # a quarter of the day


def test_a_year_of_outages_does_not_depend_on_the_years_asked_for() -> None:
    alone, among = mains_schedule(REGIONS, 7, range(2026, 2027)), mains_schedule(REGIONS, 7, range(2024, 2029))
    for site in range(len(REGIONS)):
        assert set(alone.start_s[site]) <= set(among.start_s[site])
