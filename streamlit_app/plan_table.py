"""Planned visits as tables."""

from collections.abc import Mapping
from typing import Final

import pandas as pd
import streamlit as st

from clients.types import MaintenancePlan, PlannedVisit
from streamlit_app.life_words import URGENCY_TEXT
from streamlit_app.wording import BANGKOK, short_name, word

STRING_COLUMNS: Final = {
    "string": st.column_config.TextColumn("String", width="small"),
    "scope": st.column_config.TextColumn("Exchange", width="small"),
    "urgency": st.column_config.TextColumn("Urgency", width="small"),
    "batteries": st.column_config.TextColumn("Batteries", width="large"),
    "hours": st.column_config.NumberColumn("Work, h", format="%.1f"),
    "cost": st.column_config.NumberColumn("Cost", format="localized"),
    "reason": st.column_config.TextColumn("Why so", width="large"),
}


def string_table(visit: PlannedVisit) -> pd.DataFrame:
    """The strings of one visit."""
    return pd.DataFrame(
        {
            "string": [short_name(string.string_id) for string in visit.strings],
            "scope": [
                "whole string" if s.whole_string else f"{len(s.battery_ids)} of its blocks" for s in visit.strings
            ],
            "urgency": [word(URGENCY_TEXT, string.urgency) for string in visit.strings],
            "batteries": [
                ", ".join(battery_id.rsplit("-", 1)[-1] for battery_id in string.battery_ids)
                for string in visit.strings
            ],
            "hours": [string.labour_hours for string in visit.strings],
            "cost": [string.cost for string in visit.strings],
            "reason": [string.reason for string in visit.strings],
        }
    )


def plan_grid(plan: MaintenancePlan, names: Mapping[str, str]) -> pd.DataFrame:
    """Blocks to exchange by site (rows) and quarter (columns); 0 where nothing is planned."""
    quarters = sorted({visit.quarter for visit in plan.visits})
    sites = [site for site in names if any(visit.location_id == site for visit in plan.visits)]
    counts = {
        str(quarter): [
            sum(v.block_count for v in plan.visits if v.location_id == site and v.quarter == quarter) for site in sites
        ]
        for quarter in quarters
    }
    grid = pd.DataFrame({"Site": [names[site] for site in sites], **counts})
    grid["Blocks"] = [sum(v.block_count for v in plan.visits if v.location_id == site) for site in sites]
    grid["Cost"] = [sum(v.cost for v in plan.visits if v.location_id == site) for site in sites]
    return grid


def plan_csv(plan: MaintenancePlan) -> bytes:
    """One row for each block of the plan."""
    rows = [
        {
            "site": visit.location_id,
            "quarter": str(visit.quarter),
            "window_start": f"{visit.window_start.astimezone(BANGKOK):%Y-%m-%d}",
            "window_end": f"{visit.window_end.astimezone(BANGKOK):%Y-%m-%d}",
            "string": string.string_id,
            "battery": battery_id,
            "urgent": battery_id in string.urgent_battery_ids,
            "whole_string": string.whole_string,
            "reason": string.reason,
        }
        for visit in plan.visits
        for string in visit.strings
        for battery_id in string.battery_ids
    ]
    return pd.DataFrame(rows).to_csv(index=False).encode()
