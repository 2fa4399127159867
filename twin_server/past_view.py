"""A twin of the past as it is told: with the age and the quality that it had then."""

import numpy as np

from actors.age_estimates import inflate_for_age
from batterytwin.telemetry import (
    LIVE_DTYPE,
    MEASURED_COLUMNS,
    STORED_ESTIMATE_COLUMNS,
    Flag,
    Quality,
    Rows,
)
from twin_server.live_table import STALE_AFTER_PERIODS, no_data_after_s
from twin_server.twin_view import TwinView


def view_past(live: Rows, ordinal: int, time_us: int, sample_period_s: float) -> TwinView:
    """Views a twin at an instant.

    Args:
        live: its present then, `LIVE_DTYPE`, shape `(1,)`.
        ordinal: which battery.
        time_us: the instant, microseconds since 1970 UTC.
        sample_period_s: normal time between two samples of the battery, s.
    """
    as_of_us = int(live["as_of_us"][0])
    age_s = np.nan if as_of_us == 0 else (time_us - as_of_us) / 1e6
    quality = Quality.SUSPECT if live["status"][0] & Flag.SUSPECT else Quality.LIVE
    if np.isnan(age_s) or age_s > no_data_after_s(sample_period_s):
        quality = Quality.NO_DATA
    elif age_s > STALE_AFTER_PERIODS * sample_period_s:
        quality = Quality.STALE
    ages_s = np.array([age_s])
    return TwinView(
        ordinals=np.array([ordinal], np.int32),
        live=inflate_for_age(live, np.nan_to_num(ages_s)),
        ages_s=ages_s,
        qualities=np.array([quality], np.uint8),
        alert_counts=np.zeros(1, np.int32),
    )


def live_of_stored(row: Rows) -> Rows:
    """What a stored row tells of its twin, `LIVE_DTYPE`, shape `(1,)`; the rest is not known.

    Args:
        row: `TELEMETRY_DTYPE`, shape `(1,)`.
    """
    live = np.zeros(1, LIVE_DTYPE)
    for name in LIVE_DTYPE.names or ():
        if LIVE_DTYPE[name].base.kind == "f":
            live[name] = np.nan
    live["as_of_us"] = row["sample_time_us"]
    live["current_sign"] = 1
    for name in ("status", *MEASURED_COLUMNS, *STORED_ESTIMATE_COLUMNS):
        live[name] = row[name]
    return live
