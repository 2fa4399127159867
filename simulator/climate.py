"""Outdoor air of Thai sites as a closed function of time: season, time of day, weather; temperature and humidity.

A function and not a recorded series: any instant of any year can be asked for, twice with the same answer, so a
simulator that is started again finds the weather it left.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.climate_stations import STATIONS
from simulator.compiled import compiled, kernel

SECONDS_PER_YEAR = 365.2425 * 86_400.0
_LOCAL_TIME_OFFSET_S = 7.0 * 3_600.0
# two waves a day that together are coldest at half past five, warmest at two; range of the sum = 1
_DAY_HOURS, _HALF_DAY_HOURS = 14.8, 1.2
_DAY_K, _HALF_DAY_K = 0.466, 0.120
_REGIONAL_WAVES, _LOCAL_WAVES = 9, 3
_SHORTEST_WAVE_DAYS, _LONGEST_WAVE_DAYS = 4.0, 20.0  # waves shorter than four days would forget yesterday
_DEW_POINT_SD = 0.8  # of the temperature's


class Climate(NamedTuple):
    """Outdoor air of each site, as coefficients of `outdoor_c` and `outdoor_humidity`; first axis: site.

    Attributes:
        mean_c: mean temperature of the year, degC, `(n_sites,)`.
        season: cosine and sine of one and two waves a year, K, `(n_sites, 4)`.
        daily_range_k: range of the mean day: mean over the year and amplitude of its season, K, `(n_sites, 2)`.
        weather: angular frequency (rad/s), phase (rad) and amplitude (K) of each wave of weather,
            `(n_sites, n_waves, 3)`.
        dew_point_c: dew point: mean over the year and amplitude of its season, degC and K, `(n_sites, 2)`.
        moisture: waves of the dew point, like `weather`.
    """

    mean_c: NDArray[np.float64]
    season: NDArray[np.float64]
    daily_range_k: NDArray[np.float64]
    weather: NDArray[np.float64]
    dew_point_c: NDArray[np.float64]
    moisture: NDArray[np.float64]


def climate_of(coordinates_deg: Sequence[tuple[float, float]], seed: int) -> Climate:
    """Climate of sites from the nearest weather station of each.

    Args:
        coordinates_deg: latitude and longitude of each site, degrees.
        seed: chooses the weather; season and time of day do not depend on it.
    """
    numbers = [_nearest_station(*position) for position in coordinates_deg]
    stations = [STATIONS[number] for number in numbers]
    monthly = np.array([station.monthly_mean_c for station in stations])
    spectrum = (
        np.fft.rfft(monthly, axis=1) * np.exp(-2j * np.pi * np.arange(7) * 0.5 / 12) / 6.0
    )  # months count from mid
    season = np.stack([spectrum[:, 1].real, -spectrum[:, 1].imag, spectrum[:, 2].real, -spectrum[:, 2].imag], axis=1)
    ranges = np.array([(s.dry_daily_range_k, s.wet_daily_range_k) for s in stations])
    dew_points = np.array([s.dew_point_c for s in stations])
    by_site = [
        (station.weather_sd_k, number, site)
        for site, (number, station) in enumerate(zip(numbers, stations, strict=True))
    ]
    return Climate(
        mean_c=monthly.mean(axis=1),
        season=season,
        daily_range_k=np.stack([ranges.mean(axis=1), (ranges[:, 0] - ranges[:, 1]) / 2], axis=1),
        weather=np.stack([_waves(sd_k, [seed, 11], number, site) for sd_k, number, site in by_site]),
        dew_point_c=np.stack([dew_points.mean(axis=1), (dew_points[:, 1] - dew_points[:, 0]) / 2], axis=1),
        moisture=np.stack([_waves(_DEW_POINT_SD * sd_k, [seed, 17], number, site) for sd_k, number, site in by_site]),
    )


def _nearest_station(latitude_deg: float, longitude_deg: float) -> int:
    distances = [math.hypot(s.latitude_deg - latitude_deg, s.longitude_deg - longitude_deg) for s in STATIONS]
    return int(np.argmin(distances))


def _waves(sd_k: float, seed: list[int], station: int, site: int) -> NDArray[np.float64]:
    """Waves with random phases: together a stationary process of standard deviation `sd_k` that lasts for days.

    Most are those of the station, the same for all sites near it; the others are the site's own.
    """
    regional, local = np.random.default_rng([*seed, 0, station]), np.random.default_rng([*seed, 1, site])
    n_waves = _REGIONAL_WAVES + _LOCAL_WAVES
    place = np.concatenate([regional.uniform(size=(_REGIONAL_WAVES, 2)), local.uniform(size=(_LOCAL_WAVES, 2))])
    period_s = 86_400.0 * _SHORTEST_WAVE_DAYS * (_LONGEST_WAVE_DAYS / _SHORTEST_WAVE_DAYS) ** place[:, 0]
    amplitude = np.full(n_waves, sd_k * math.sqrt(2.0 / n_waves))
    return np.stack([2 * np.pi / period_s, 2 * np.pi * place[:, 1], amplitude], axis=1)


@compiled
def outdoor_c(climate: Climate, site: int, time_s: float) -> float:
    """Outdoor air temperature, degC, of a site at a time (s since 1970 UTC)."""
    year = 2.0 * math.pi * time_s / SECONDS_PER_YEAR
    season = climate.season[site]
    value = climate.mean_c[site] + season[0] * math.cos(year) + season[1] * math.sin(year)
    value += season[2] * math.cos(2.0 * year) + season[3] * math.sin(2.0 * year)
    # widest days in mid-February, narrowest in mid-August
    daily_range = climate.daily_range_k[site, 0] + climate.daily_range_k[site, 1] * math.cos(year - 0.75)
    hour = (time_s + _LOCAL_TIME_OFFSET_S) / 3_600.0
    day = _DAY_K * math.cos(math.pi / 12.0 * (hour - _DAY_HOURS))
    value += daily_range * (day + _HALF_DAY_K * math.cos(math.pi / 6.0 * (hour - _HALF_DAY_HOURS)))
    return float(value + _sum_of_waves(climate.weather[site], time_s))


@compiled
def outdoor_humidity(climate: Climate, site: int, time_s: float) -> float:
    """Relative humidity of the outdoor air, fraction: a dew point that knows season and weather but no time of day."""
    year = 2.0 * math.pi * time_s / SECONDS_PER_YEAR
    # driest in mid-January, dampest in mid-July
    dew_point_c = climate.dew_point_c[site, 0] - climate.dew_point_c[site, 1] * math.cos(year - 0.25)
    dew_point_c += _sum_of_waves(climate.moisture[site], time_s)
    air_c = outdoor_c(climate, site, time_s)
    return min(math.exp(_magnus(dew_point_c) - _magnus(air_c)), 1.0)


@kernel
def outdoor_series(
    climate: Climate, site: int, times_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`outdoor_c` and `outdoor_humidity` at many times, `(n_times,)` each."""
    temperature_c, humidity = np.empty(len(times_s)), np.empty(len(times_s))
    for k in range(len(times_s)):
        temperature_c[k] = outdoor_c(climate, site, times_s[k])
        humidity[k] = outdoor_humidity(climate, site, times_s[k])
    return temperature_c, humidity


@compiled
def _sum_of_waves(waves: NDArray[np.float64], time_s: float) -> float:
    value = 0.0
    for wave in waves:
        value += wave[2] * math.cos(wave[0] * time_s + wave[1])
    return value


@compiled
def _magnus(temperature_c: float) -> float:
    """Logarithm of water's saturation pressure over that at 0 degC (Magnus)."""
    return 17.62 * temperature_c / (243.12 + temperature_c)
