"""Alerts as lines of text and as a table."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import pandas as pd
import streamlit as st

from clients.types import Alert
from streamlit_app.palette import severity_badge
from streamlit_app.wording import BANGKOK, RULE_TEXT, SEVERITY_TEXT, STATE_TEXT, local_time, word

LINES_SHOWN: Final = 6
_MARKDOWN_SIGNS: Final = re.compile(r"[\\`*_{}\[\]()<>#+\-!|~$:]|(?<=www)\.", re.IGNORECASE)
COLUMN_CONFIG: Final = {
    "severity": st.column_config.MultiselectColumn(
        "Severity", options=list(SEVERITY_TEXT.values()), color=["blue", "orange", "red"], width="small"
    ),
    "source": st.column_config.TextColumn("Where"),
    "message": st.column_config.TextColumn("What happened", width="large"),
    "raised": st.column_config.DatetimeColumn("Raised", format="DD MMM, HH:mm:ss", help="Bangkok time"),
    "state": st.column_config.TextColumn("State", width="small"),
    "rule": st.column_config.TextColumn("Rule"),
    "cleared": st.column_config.DatetimeColumn("Cleared", format="DD MMM, HH:mm:ss", help="Bangkok time"),
    "handled_by": st.column_config.TextColumn("Handled by", width="small"),
}


def alert_lines(alerts: Sequence[Alert]) -> None:
    """The newest alerts of one battery, in short."""
    if not alerts:
        st.caption("No alert so far.")
    for alert in alerts[:LINES_SHOWN]:
        badge = f":{severity_badge(alert.severity)}-badge[{word(SEVERITY_TEXT, alert.severity)}]"
        st.markdown(
            f"{badge} **{word(RULE_TEXT, alert.rule)}** · {word(STATE_TEXT, alert.state)}  \n"
            f"{plain(alert.message)}  \n:gray[{local_time(alert.raise_time)}]"
        )
    if len(alerts) > LINES_SHOWN:
        st.caption(f"{len(alerts) - LINES_SHOWN} older alerts are on the alerts page.")


def alert_table(alerts: Sequence[Alert]) -> pd.DataFrame:
    """Rows for a table, times in Bangkok's time of day."""
    return pd.DataFrame(
        {
            "severity": [[word(SEVERITY_TEXT, alert.severity)] for alert in alerts],
            "source": [source(alert) for alert in alerts],
            "message": [alert.message for alert in alerts],
            "raised": _local(alert.raise_time for alert in alerts),
            "state": [word(STATE_TEXT, alert.state) for alert in alerts],
            "rule": [word(RULE_TEXT, alert.rule) for alert in alerts],
            "cleared": _local(alert.clear_time for alert in alerts),
            "handled_by": [alert.resolved_by or alert.acknowledged_by for alert in alerts],
        }
    )


def source(alert: Alert) -> str:
    """What an alert concerns: a battery, a string or a whole site."""
    return alert.battery_id or alert.string_id or alert.location_id


def plain(text: str) -> str:
    """Text of others, with Markdown's signs taken literally."""
    return _MARKDOWN_SIGNS.sub(r"\\\g<0>", text)


def _local(instants: Iterable[datetime | None]) -> pd.Series:
    return pd.Series(
        [instant.astimezone(BANGKOK).replace(tzinfo=None) if instant else None for instant in instants],
        dtype="datetime64[ms]",
    )
