"""Climate of Thai weather stations in a few numbers each.

Constants are general climatology, not fitted to any record: monthly means and daily ranges are rounded from the
climatological normals (1981-2010) that the Thai Meteorological Department publishes for its synoptic stations, dew
points from the relative humidities of the same tables; the day's shape (coldest at sunrise, warmest in the early
afternoon) and the persistence of tropical weather over days are textbook meteorology.
"""

from typing import NamedTuple


class Station(NamedTuple):
    """Climate of one place.

    Attributes:
        name: town.
        latitude_deg: position.
        longitude_deg: position.
        monthly_mean_c: mean temperature of each month, degC.
        dry_daily_range_k: range of the mean day in the dry season, in town, K.
        wet_daily_range_k: range of the mean day in the rainy season, K.
        weather_sd_k: standard deviation of daily means from their season, K.
        dew_point_c: dew point in mid-winter and at the height of the monsoon, degC.
    """

    name: str
    latitude_deg: float
    longitude_deg: float
    monthly_mean_c: tuple[float, ...]
    dry_daily_range_k: float
    wet_daily_range_k: float
    weather_sd_k: float
    dew_point_c: tuple[float, float]


STATIONS = (
    Station(
        "Chiang Mai",
        *(18.8, 99.0),
        (22.0, 24.0, 27.5, 29.5, 29.0, 28.5, 27.5, 27.5, 27.5, 26.5, 24.5, 22.0),
        *(11.5, 7.5, 1.5),
        (14.0, 23.5),
    ),
    Station(
        "Khon Kaen",
        *(16.4, 102.8),
        (24.0, 26.0, 28.5, 30.0, 29.5, 29.0, 28.5, 28.0, 28.0, 27.0, 26.0, 24.0),
        *(10.0, 6.5, 1.6),
        (14.5, 23.5),
    ),
    Station(
        "Bangkok",
        *(13.7, 100.5),
        (27.5, 28.5, 29.5, 30.5, 30.5, 29.5, 29.0, 29.0, 28.5, 28.5, 28.5, 27.5),
        *(6.2, 5.0, 1.1),
        (20.0, 24.5),
    ),
    Station(
        "Chon Buri",
        *(13.2, 100.9),
        (27.0, 28.0, 29.0, 30.0, 30.0, 29.5, 29.0, 29.0, 28.5, 28.0, 28.0, 27.0),
        *(6.2, 5.0, 1.1),
        (20.5, 24.5),
    ),
    Station(
        "Surat Thani",
        *(9.1, 99.3),
        (26.0, 26.5, 27.5, 28.5, 28.0, 28.0, 27.5, 27.5, 27.0, 26.5, 26.0, 25.5),
        *(7.5, 6.0, 0.9),
        (22.0, 24.0),
    ),
    Station(
        "Phuket",
        *(7.9, 98.4),
        (28.0, 28.5, 29.0, 29.0, 28.5, 28.5, 28.0, 28.0, 27.5, 27.5, 27.5, 27.5),
        *(6.0, 4.8, 0.8),
        (22.5, 24.5),
    ),
    Station(
        "Hat Yai",
        *(7.0, 100.5),
        (26.0, 26.5, 27.5, 28.5, 28.5, 28.0, 28.0, 28.0, 27.5, 27.0, 26.5, 26.0),
        *(7.0, 5.8, 0.9),
        (22.5, 24.0),
    ),
)
