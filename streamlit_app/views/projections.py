"""Projections page: what the coming years bring, as it is or with a scenario; and what was projected before."""

from collections.abc import Sequence
from typing import Final

import pandas as pd
import streamlit as st

from batterytwin.errors import TwinError
from clients.types import Projection, ProjectionState
from streamlit_app import links, projection_answers, scenario_answers
from streamlit_app.alert_list import plain
from streamlit_app.drill_words import title_of
from streamlit_app.notices import away_notice, explained, explained_page
from streamlit_app.projection_words import STATE_TEXT, course_text, is_under_way
from streamlit_app.request_ids import done, request_id
from streamlit_app.views.projection_ask import projection_ask
from streamlit_app.views.projection_compare import MOST_COMPARED, compare
from streamlit_app.visitor import Visitor, current_visitor
from streamlit_app.what_if_tabs import what_if_tabs
from streamlit_app.wording import BANGKOK, duration, word

REFRESH_S: Final = 2.0
_COLUMNS: Final = {
    "asked": st.column_config.DatetimeColumn("Asked", format="DD MMM YYYY, HH:mm", help="Bangkok time"),
    "title": st.column_config.TextColumn("Projection", width="large"),
    "course": st.column_config.TextColumn("What happens", width="medium"),
    "years": st.column_config.NumberColumn("Years", format="%g", width="small"),
    "batteries": st.column_config.NumberColumn("Batteries", format="localized", width="small"),
    "state": st.column_config.TextColumn("State", width="small"),
    "took": st.column_config.TextColumn("Took", width="small"),
    "by": st.column_config.TextColumn("Asked by", width="small"),
}
_ROUND: Final = "projections_round"


def show() -> None:
    """Draws the page."""
    what_if_tabs()
    _page()


@explained_page
def _page() -> None:
    visitor = current_visitor()
    links.stand_at()
    projection_answers.projections(visitor)
    _under_way()
    with st.container(border=True, key="panel_stored"):
        _stored()
    if not visitor.may_drill:
        st.caption("Viewers read projections; engineers and administrators ask for them.")
        return
    with st.container(border=True, key="panel_ask"):
        _ask()


@st.fragment
@explained
def _ask() -> None:
    projection_ask(current_visitor())


@st.fragment(run_every=REFRESH_S)
@explained
def _under_way() -> None:
    visitor = current_visitor()
    waiting = [found for found in projection_answers.projections(visitor).value if is_under_way(found)]
    before = st.session_state.get("projections_waiting", ())
    now = tuple(found.projection_id for found in waiting)
    st.session_state["projections_waiting"] = now
    if set(before) - set(now):
        st.rerun()  # one of them is done, and the list below must say so
    if not waiting:
        return
    with st.container(border=True, key="panel_under_way"):
        st.markdown("**Under way**")
        for found in waiting:
            progress(visitor, found)


def progress(visitor: Visitor, projection: Projection) -> None:
    """How far a projection is, and a way to cancel it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        waits = projection.state == ProjectionState.WAITING
        share = min(max(projection.progress, 0.0), 1.0)
        st.progress(
            share, f"{plain(projection.request.title)} · {'waits for its turn' if waits else f'{100 * share:.0f} %'}"
        )
        if visitor.may_drill and st.button(
            "Cancel", icon=":material/cancel:", key=f"cancel_{projection.projection_id}"
        ):
            drop(visitor, projection, "is cancelled")


def drop(visitor: Visitor, projection: Projection, what: str) -> None:
    """Cancels a projection, or deletes one that is done."""
    client = visitor.backend.client
    name = request_id(f"projection {what}", projection.projection_id)
    try:
        visitor.act(lambda token: client.cancel_projection(projection.projection_id, request_id=name, token=token))
    except TwinError as error:
        st.error(plain(error.message), icon=":material/error:")
        return
    done()
    projection_answers.forget(visitor)
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    st.toast(f"“{projection.request.title}” {what}.", icon=":material/check:")
    st.rerun()


@explained
def _stored() -> None:
    visitor = current_visitor()
    answer = projection_answers.projections(visitor)
    away_notice(answer)
    stored = [found for found in answer.value if not is_under_way(found)]
    st.markdown("**Stored projections, newest first**")
    if not stored:
        st.caption("None so far. A projection lives copies of the twins on for years, in seconds.")
        return
    event = st.dataframe(
        projection_table(visitor, stored), key=f"projection_table_{st.session_state.get(_ROUND, 0)}",
        column_config=_COLUMNS, hide_index=True, height="content", on_select="rerun", selection_mode="multi-row",
        placeholder="",
    )  # fmt: skip
    chosen = [stored[row] for row in event["selection"]["rows"] if row < len(stored)]
    if not chosen:
        st.caption(f"Select one to open it, or two to {MOST_COMPARED} to compare them.")
        return
    _actions(visitor, chosen)


def _actions(visitor: Visitor, chosen: Sequence[Projection]) -> None:
    with st.container(horizontal=True, gap="small"):
        if len(chosen) == 1:
            alone = chosen[0]
            if st.button("Open", type="primary", icon=":material/open_in_full:", key="open_projection"):
                st.switch_page(links.page("projection"), query_params=links.address(projection=alone.projection_id))
            if visitor.may_drill and st.button("Delete", icon=":material/delete:", key="drop_projection"):
                drop(visitor, alone, "is deleted")
    if len(chosen) > MOST_COMPARED:
        st.warning(f"At most {MOST_COMPARED} can be compared.", icon=":material/compare:")
    elif len(chosen) > 1:
        compare(visitor, chosen)


def projection_table(visitor: Visitor, projections: Sequence[Projection]) -> pd.DataFrame:
    """Rows for a table, times in Bangkok's time of day."""
    library = scenario_answers.library(visitor).value
    return pd.DataFrame(
        {
            "asked": pd.Series(
                [found.ask_time.astimezone(BANGKOK).replace(tzinfo=None) for found in projections],
                dtype="datetime64[ms]",
            ),
            "title": [found.request.title for found in projections],
            "course": [
                course_text(found.request, [title_of(part, library) for part in found.request.parts])
                for found in projections
            ],
            "years": [found.request.years for found in projections],
            "batteries": [found.battery_count for found in projections],
            "state": [word(STATE_TEXT, found.state) for found in projections],
            "took": [duration(found.took_s) if found.took_s else "" for found in projections],
            "by": [found.asked_by for found in projections],
        }
    )
