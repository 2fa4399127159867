"""How a change made by a rule is written, the same for shards and for the server."""

from typing import Final

from batterytwin.alerts import AlertChange, AlertTransition
from storage.instants import to_datetime
from storage.sql_files import read_sql

_STATEMENT_OF_CHANGE: Final = {
    AlertChange.RAISED: read_sql("raise_alert"),
    AlertChange.ESCALATED: read_sql("escalate_alert"),
    AlertChange.CLEARED: read_sql("clear_alert"),
    AlertChange.REOPENED: read_sql("reopen_alert"),
}


def write_of(transition: AlertTransition) -> tuple[bytes, dict[str, object]]:
    """Statement that stores a change of an alert, and its parameters. A change that is stored already is skipped.

    Run it with `lock_alerts()` held, so that changes are numbered in order of commit.
    """
    parameters: dict[str, object] = {
        "alert_id": transition.alert_id,
        "battery_key": transition.battery_key,
        "string_id": transition.string_id,
        "location_id": transition.location_id,
        "rule": int(transition.rule),
        "severity": int(transition.severity),
        "at": to_datetime(transition.sample_time_us),
        "value": transition.value,
        "threshold": transition.threshold,
        "unit": transition.unit,
        "message": transition.message,
    }
    return _STATEMENT_OF_CHANGE[transition.change], parameters
