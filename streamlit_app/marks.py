"""What happened, as marks on a time axis: events and alerts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from batterytwin.alerts import Severity
from batterytwin.events import EventKind
from clients.types import Alert, Event
from streamlit_app.alert_list import source
from streamlit_app.charts.event_marks import Mark
from streamlit_app.event_words import EVENT_TEXT, concerns, event_sign, when
from streamlit_app.palette import BLUE, GREY, RED, YELLOW
from streamlit_app.wording import RULE_TEXT, SEVERITY_TEXT, duration, local_time, word

_ALERT_COLOUR: Final[Mapping[int, str]] = {Severity.INFO: BLUE, Severity.WARNING: YELLOW, Severity.CRITICAL: RED}
_ALERT_SYMBOL: Final = "triangle-up"
_ALERT_SIGN: Final = "▲"


def event_marks(events: Sequence[Event], present: datetime) -> list[Mark]:
    """Events as shades and lines through the chart."""
    marks = []
    for event in events:
        symbol, colour, _ = event_sign(event.kind)
        lasts = event.end_time is None and event.kind is EventKind.OUTAGE
        label = f"<b>{word(EVENT_TEXT, event.kind)}</b>, {concerns(event)}: {when(event)}"
        marks.append(Mark(label, symbol, colour, event.start_time, present if lasts else event.end_time))
    return marks


def alert_marks(alerts: Sequence[Alert], present: datetime) -> list[Mark]:
    """Alerts as signs in a row of their own; only critical ones draw a line through the chart, since there are many."""
    return [
        Mark(
            f"<b>{word(RULE_TEXT, alert.rule)}</b> ({word(SEVERITY_TEXT, alert.severity).lower()}), {source(alert)}: "
            f"{_stood(alert, present)}",
            _ALERT_SYMBOL,
            _ALERT_COLOUR.get(alert.severity, GREY),
            alert.raise_time,
            None,
            row=1,
            crosses=alert.severity == Severity.CRITICAL,
        )
        for alert in alerts
    ]


def mark_key(events: Sequence[Event], alerts: Sequence[Alert]) -> list[tuple[str, str, str]]:
    """Word, colour and sign of every kind of mark that is shown."""
    kinds = sorted({int(event.kind) for event in events})
    ranks = sorted({int(alert.severity) for alert in alerts}, reverse=True)
    return [
        *((word(EVENT_TEXT, kind), "transparent", event_sign(kind)[2]) for kind in kinds),
        *((f"{word(SEVERITY_TEXT, rank)} alert", _ALERT_COLOUR.get(rank, GREY), _ALERT_SIGN) for rank in ranks),
    ]


def _stood(alert: Alert, present: datetime) -> str:
    end = min((time for time in (alert.clear_time, alert.resolve_time) if time is not None), default=None)
    stood = duration(((end or present) - alert.raise_time).total_seconds())
    return f"{local_time(alert.raise_time, seconds=False)}, {'for' if end else 'stands since'} {stood}"
