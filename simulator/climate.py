"""Outdoor air of Thai sites as a closed function of time: season, time of day, weather.

A function and not a recorded series: any instant of any year can be asked for, twice with the same answer, so a
simulator that is started again finds the weather it left.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.compiled import compiled

SECONDS_PER_YEAR = 365.2425 * 86_400.0
_LOCAL_TIME_OFFSET_S = 7.0 * 3_600.0
_WARMEST_HOUR = 14.5
_WEATHER_WAVES = 12


class _Station(NamedTuple):
    latitude_deg: float
    longitude_deg: float
    monthly_mean_c: tuple[float, ...]
    dry_daily_range_k: float
    wet_daily_range_k: float
    weather_sd_k: float


# Monthly means: thirty-year normals of the weather service, rounded. Daily ranges: of the mean day, in town.
_STATIONS = (
    _Station(
        18.8, 99.0, (22, 24, 27.5, 29.5, 29, 28.5, 27.5, 27.5, 27.5, 26.5, 24.5, 22), 11.5, 7.5, 1.5
    ),  # Chiang Mai
    _Station(16.4, 102.8, (24, 26, 28.5, 30, 29.5, 29, 28.5, 28, 28, 27, 26, 24), 10.0, 6.5, 1.6),  # Khon Kaen
    _Station(
        13.7, 100.5, (27.5, 28.5, 29.5, 30.5, 30.5, 29.5, 29, 29, 28.5, 28.5, 28.5, 27.5), 6.2, 5.0, 1.1
    ),  # Bangkok
    _Station(13.2, 100.9, (27, 28, 29, 30, 30, 29.5, 29, 29, 28.5, 28, 28, 27), 6.2, 5.0, 1.1),  # Chon Buri
    _Station(9.1, 99.3, (26, 26.5, 27.5, 28.5, 28, 28, 27.5, 27.5, 27, 26.5, 26, 25.5), 7.5, 6.0, 0.9),  # Surat Thani
    _Station(7.9, 98.4, (28, 28.5, 29, 29, 28.5, 28.5, 28, 28, 27.5, 27.5, 27.5, 27.5), 6.0, 4.8, 0.8),  # Phuket
    _Station(7.0, 100.5, (26, 26.5, 27.5, 28.5, 28.5, 28, 28, 28, 27.5, 27, 26.5, 26), 7.0, 5.8, 0.9),  # Hat Yai
)


class Climate(NamedTuple):
    """Outdoor air temperature of each site, as coefficients of `outdoor_c`; first axis: site.

    Attributes:
        mean_c: mean of the year, degC, `(n_sites,)`.
        season: cosine and sine of one and two waves a year, K, `(n_sites, 4)`.
        daily_range_k: range of the mean day: mean over the year and amplitude of its season, K, `(n_sites, 2)`.
        weather: angular frequency (rad/s), phase (rad) and amplitude (K) of each wave of weather,
            `(n_sites, n_waves, 3)`.
    """

    mean_c: NDArray[np.float64]
    season: NDArray[np.float64]
    daily_range_k: NDArray[np.float64]
    weather: NDArray[np.float64]


def climate_of(coordinates_deg: Sequence[tuple[float, float]], seed: int) -> Climate:
    """Climate of sites from the nearest weather station of each.

    Args:
        coordinates_deg: latitude and longitude of each site, degrees.
        seed: chooses the weather; season and time of day do not depend on it.
    """
    stations = [_nearest_station(*position) for position in coordinates_deg]
    monthly = np.array([station.monthly_mean_c for station in stations])
    spectrum = (
        np.fft.rfft(monthly, axis=1) * np.exp(-2j * np.pi * np.arange(7) * 0.5 / 12) / 6.0
    )  # months count from mid
    season = np.stack([spectrum[:, 1].real, -spectrum[:, 1].imag, spectrum[:, 2].real, -spectrum[:, 2].imag], axis=1)
    ranges = np.array([(s.dry_daily_range_k, s.wet_daily_range_k) for s in stations])
    return Climate(
        mean_c=monthly.mean(axis=1),
        season=season,
        daily_range_k=np.stack([ranges.mean(axis=1), (ranges[:, 0] - ranges[:, 1]) / 2], axis=1),
        weather=np.stack([_weather_waves(s.weather_sd_k, seed, site) for site, s in enumerate(stations)]),
    )


def _nearest_station(latitude_deg: float, longitude_deg: float) -> _Station:
    return min(_STATIONS, key=lambda s: math.hypot(s.latitude_deg - latitude_deg, s.longitude_deg - longitude_deg))


def _weather_waves(sd_k: float, seed: int, site: int) -> NDArray[np.float64]:
    """Waves of 18 hours to 25 days with random phases: together a stationary process of standard deviation `sd_k`."""
    rng = np.random.default_rng([seed, 11, site])
    period_s = np.exp(rng.uniform(math.log(18 * 3_600.0), math.log(25 * 86_400.0), _WEATHER_WAVES))
    amplitude = np.full(_WEATHER_WAVES, sd_k * math.sqrt(2.0 / _WEATHER_WAVES))
    return np.stack([2 * np.pi / period_s, rng.uniform(0, 2 * np.pi, _WEATHER_WAVES), amplitude], axis=1)


@compiled
def outdoor_c(climate: Climate, site: int, time_s: float) -> float:
    """Outdoor air temperature, degC, of a site at a time (s since 1970 UTC)."""
    year = 2.0 * math.pi * time_s / SECONDS_PER_YEAR
    season = climate.season[site]
    value = climate.mean_c[site] + season[0] * math.cos(year) + season[1] * math.sin(year)
    value += season[2] * math.cos(2.0 * year) + season[3] * math.sin(2.0 * year)
    # widest days in mid-February, narrowest in mid-August
    daily_range = climate.daily_range_k[site, 0] + climate.daily_range_k[site, 1] * math.cos(year - 0.75)
    day = 2.0 * math.pi * ((time_s + _LOCAL_TIME_OFFSET_S) / 86_400.0 - _WARMEST_HOUR / 24.0)
    # the second wave makes nights longer than afternoons; range of the sum = 1
    value += daily_range * (0.485 * math.cos(day) + 0.10 * math.cos(2.0 * day))
    for wave in climate.weather[site]:
        value += wave[2] * math.cos(wave[0] * time_s + wave[1])
    return float(value)
