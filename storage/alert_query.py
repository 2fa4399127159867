"""What to list of the alerts, and where a page ends."""

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass

from batterytwin.alerts import AlertState, Severity
from batterytwin.errors import InvalidArgumentError, Reason
from storage.alert_records import AlertRecord


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Selects alerts.

    Attributes:
        location_ids: only these locations; None = all.
        battery_id: only this battery; empty = all.
        states: only these states; empty = all.
        min_severity: only this rank or higher.
        start_us: only alerts raised at or after, microseconds since 1970 UTC; None = from the first.
        end_us: only alerts raised before; None = to the last.
        page_size: alerts in a page, at least 1.
        page_token: token from the page before; empty = first page.
    """

    location_ids: Collection[str] | None = None
    battery_id: str = ""
    states: Collection[AlertState] = ()
    min_severity: Severity = Severity.INFO
    start_us: int | None = None
    end_us: int | None = None
    page_size: int = 100
    page_token: str = ""


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Alerts of one page, newest first. An empty `next_page_token` says that it was the last."""

    alerts: tuple[AlertRecord, ...]
    next_page_token: str


def page_token_after(alert: AlertRecord) -> str:
    """Token of the page that follows this alert."""
    return base64.urlsafe_b64encode(f"{alert.raise_time_us} {alert.alert_id}".encode()).decode()


def parse_page_token(token: str) -> tuple[int, str]:
    """Raise time (microseconds since 1970 UTC) and id of the alert after which the page begins.

    Raises:
        InvalidArgumentError: the token is not one of ours.
    """
    try:
        time_text, alert_id = base64.b64decode(token, altchars=b"-_", validate=True).decode().split(" ", 1)
        return int(time_text), alert_id
    except (ValueError, binascii.Error):
        raise InvalidArgumentError(
            "The page token does not come from an earlier answer; start again without one.",
            reason=Reason.INVALID_PAGE_TOKEN,
            field="page_token",
            value=token,
        ) from None
