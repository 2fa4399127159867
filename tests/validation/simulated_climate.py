"""The climate of the simulated sites against measurements: a station in Bangkok, and model grids elsewhere.

Two model grids of one city differ by up to 2.6 degC in their mean, so only the station has a target; the grids are
reported. Phuket and Chon Buri have no series of their own: the nearest are named beside them.
"""

import gzip
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from batterytwin.inventory import load_fleet
from simulator.climate import climate_of, outdoor_c
from tests.validation.section import Context
from tests.validation.simulated_fleet import Floats

_SEED: Final = 20_264
_BANGKOK: Final = (13.73, 100.53)
_STATION_YEAR: Final = 2016
_LOCAL: Final = timedelta(hours=7)
# site: grids to compare with; those of other places are the nearest that exist
_GRIDS: Final = {
    "CNX": ("2016_2018_chiangmai", "2017_2018_chiangmai"),
    "KKN": ("2016_2018_khonkaen", "2017_2018_khonkaen"),
    "BRK": ("2016_2018_bangkok", "2017_2018_bkk"),
    "SRC": ("2017_2018_rayong", "2016_2018_chanthaburi"),
    "URT": ("2017_2018_surat",),
    "HKT": ("2017_2018_surat", "2016_2018_songkhla"),
    "HDY": ("2016_2018_songkhla",),
}


def measure(context: Context) -> Mapping[str, float]:
    """Differences of monthly means and of the mean day's range."""
    folder = context.data / "thai-weather"
    station = pd.read_csv(folder / f"hourly_station_bangkok_{_STATION_YEAR}.csv", parse_dates=["time_local"])
    figures = _against(station, _BANGKOK, "climate.station")
    positions = {site.location_id: (site.latitude_deg, site.longitude_deg) for site in load_fleet().locations}
    for site, grids in _GRIDS.items():
        for grid in grids:
            if site in positions:
                found = _against(_read_grid(folder, grid), positions[site], f"climate.{site.lower()}_{grid}")
                figures |= found
    return figures


def _read_grid(folder: Path, name: str) -> pd.DataFrame:
    with gzip.open(folder / f"hourly_gridmodel_{name}.csv.gz", "rt") as file:
        return pd.read_csv(file, parse_dates=["time_local"])


def simulated_c(position_deg: tuple[float, float], local_times: Floats, seed: int = _SEED) -> Floats:
    """Outdoor air of a place at local times, s since 1970 by a local clock; the mean over four kinds of weather."""
    years = []
    for k in range(4):
        climate = climate_of([position_deg], seed + k)
        years.append([outdoor_c(climate, 0, float(t) - _LOCAL.total_seconds()) for t in local_times])
    mean: Floats = np.mean(years, axis=0)
    return mean


def _against(measured: pd.DataFrame, position_deg: tuple[float, float], name: str) -> dict[str, float]:
    times = measured["time_local"]
    epoch = pd.Timestamp(datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None))
    local_s = ((times - epoch) / pd.Timedelta(seconds=1)).to_numpy(np.float64).astype(np.float64)
    frame = pd.DataFrame(
        {
            "month": times.dt.month,
            "hour": times.dt.hour,
            "measured": measured["temp_c"].astype(float),
            "simulated": simulated_c(position_deg, local_s),
        }
    ).dropna()
    monthly = frame.groupby("month")[["measured", "simulated"]].mean()
    difference = (monthly["simulated"] - monthly["measured"]).to_numpy()
    # the mean day of each month, then its range: the range of single days would count weather as sunshine
    days = frame.groupby(["month", "hour"])[["measured", "simulated"]].mean()
    ranges = (days.groupby("month").max() - days.groupby("month").min()).mean()
    return {
        f"{name}_monthly_mean_error_c": float(np.abs(difference).max()),
        f"{name}_bias_c": float(difference.mean()),
        f"{name}_diurnal_range_error_percent": 100.0 * abs(float(ranges["simulated"] / ranges["measured"]) - 1.0),
        f"{name}_diurnal_range_k": float(ranges["simulated"]),
    }
