"""Several projections beside each other."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from batterytwin.errors import TwinError
from clients.types import Projection
from streamlit_app import projection_answers
from streamlit_app.alert_list import plain
from streamlit_app.charts.replacement_fan import Fan, replacement_fan
from streamlit_app.drill_words import figure
from streamlit_app.json_file import json_file
from streamlit_app.live_chart import live_chart
from streamlit_app.projection_tables import comparison_csv, comparison_table
from streamlit_app.projection_words import SURE
from streamlit_app.visitor import Visitor
from streamlit_app.wording import percent

MOST_COMPARED: Final = 5


def compare(visitor: Visitor, chosen: Sequence[Projection]) -> None:
    """Shows the fans of projections, and how they differ from the one that was asked for first."""
    ordered = sorted(chosen, key=lambda found: (bool(found.request.parts), found.ask_time))
    ids = [found.projection_id for found in ordered]
    try:
        comparison = projection_answers.comparison(visitor, ids).value
    except TwinError as error:
        st.error(plain(error.message), icon=":material/error:")
        return
    rows = comparison.projections
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**Compared over {figure(comparison.years)} years**", width="content")
        with st.container(horizontal=True, width="content", gap="small"):
            for label, name, kind, data in (
                ("CSV", "comparison.csv", "text/csv", comparison_csv(comparison)),
                ("JSON", "comparison.json", "application/json", json_file(comparison)),
            ):
                st.download_button(
                    label, data, name, kind, icon=":material/download:", key=f"compare_{label}", on_click="ignore"
                )
    for caveat in comparison.caveats:
        st.warning(plain(caveat), icon=":material/info:")
    live_chart(
        replacement_fan([Fan(row.title, row.replacements) for row in rows]), key=f"compare_{'_'.join(ids)}",
        label=f"Blocks to replace in {len(rows)} projections",
    )  # fmt: skip
    st.table(comparison_table(rows, projection_answers.currency(visitor)), border="horizontal", hide_index=True)
    st.caption(
        "Lines are medians, bands 90 % intervals. Differences are taken member by member, so that what all share falls "
        f"out. At risk: carries its load in half a year with less than {percent(SURE, 0)}."
    )
