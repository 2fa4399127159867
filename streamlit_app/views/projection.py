"""Projection page: what the coming years bring, and what a scenario changes."""

from collections.abc import Mapping
from typing import Final

import streamlit as st

from clients.types import ProjectedCourse, Projection, ProjectionState
from streamlit_app import answers, links, projection_answers, scenario_answers
from streamlit_app.alert_list import plain
from streamlit_app.charts.first_losses import first_losses
from streamlit_app.charts.replacement_fan import Fan, replacement_fan
from streamlit_app.charts.warmth_bars import warmth_bars
from streamlit_app.drill_words import figure, names_of, part_text
from streamlit_app.json_file import json_file
from streamlit_app.live_chart import live_chart
from streamlit_app.notices import away_notice, explained, explained_page
from streamlit_app.projection_tables import (
    CARRYING_COLUMNS,
    carrying_table,
    loss_table,
    one_more_table,
    projection_csv,
    warmth_table,
    year_table,
)
from streamlit_app.projection_words import STATE_BADGE, STATE_TEXT, SURE, asked_text, count_text, is_under_way
from streamlit_app.views.projections import progress
from streamlit_app.visitor import Visitor, current_visitor
from streamlit_app.what_if_tabs import what_if_tabs
from streamlit_app.wording import duration, local_time, percent, word

REFRESH_S: Final = 2.0
_SYSTEMS_PX: Final = 420


def show() -> None:
    """Draws the page."""
    what_if_tabs()
    _page()


@explained_page
def _page() -> None:
    visitor = current_visitor()
    projection_id = st.query_params.get("projection", "")
    if not projection_id:
        st.info("Choose a projection from the list.", icon=":material/show_chart:")
        links.page_link("projections", "To the projections", ":material/show_chart:")
        return
    links.stand_at(projection=projection_id)
    projection = projection_answers.projection(visitor, projection_id).value
    if is_under_way(projection):
        _wait(projection_id)
        return
    _heading(visitor, projection)
    names = names_of(answers.locations(visitor.live).value)
    if projection.baseline is not None:
        _result(visitor, projection, projection.baseline, names)


@st.fragment(run_every=REFRESH_S)
@explained
def _wait(projection_id: str) -> None:
    visitor = current_visitor()
    answer = projection_answers.projection(visitor, projection_id)
    away_notice(answer)
    if not is_under_way(answer.value):
        st.rerun()
    with st.container(border=True, key="panel_wait"):
        progress(visitor, answer.value)


def _heading(visitor: Visitor, projection: Projection) -> None:
    names = names_of(answers.locations(visitor.live).value)
    request = projection.request
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
            links.page_link("projections", "Projections", ":material/arrow_back:")
            st.markdown(f"#### {plain(request.title)}", width="content")
            if projection.state != ProjectionState.DONE:
                st.badge(word(STATE_TEXT, projection.state), color=STATE_BADGE.get(int(projection.state), "gray"))
        if projection.baseline is not None:
            with st.container(horizontal=True, width="content", gap="small"):
                for label, ending, kind, data in (
                    ("CSV", "csv", "text/csv", projection_csv(projection)),
                    ("JSON", "json", "application/json", json_file(projection)),
                ):
                    st.download_button(
                        label, data, f"projection_{projection.projection_id}.{ending}", kind,
                        icon=":material/download:", key=f"projection_{ending}", on_click="ignore",
                    )  # fmt: skip
    if projection.reason:
        st.error(plain(projection.reason), icon=":material/error:")
    library = scenario_answers.library(visitor).value
    told = [part_text(part, library, names) for part in request.parts] or ["Nothing happens: the fleet as it is"]
    st.caption(
        "  \n".join(plain(line) for line in (*told, asked_text(projection, names)))
        + f"  \nTwins of {local_time(projection.begin_time)}; asked by {plain(projection.asked_by)} "
        f"{local_time(projection.ask_time, seconds=False)}, took {duration(projection.took_s)}"
    )


def _result(visitor: Visitor, projection: Projection, baseline: ProjectedCourse, names: Mapping[str, str]) -> None:
    scenario = projection.with_scenario
    key = projection.projection_id
    _tiles(projection, baseline, scenario)
    left, right = st.columns((3, 2))
    with left, st.container(border=True, height="stretch", key="panel_fan"):
        st.markdown("**Blocks to replace**")
        fans = [Fan("As it is", baseline.replacements)]
        fans += [Fan("With the scenario", scenario.replacements)] if scenario else []
        live_chart(replacement_fan(fans), key=f"fan_{key}", label="Blocks to replace as the years go by")
        st.caption("Lines are medians; the inner band holds half of the members, the outer one 90 %.")
    with right, st.container(border=True, height="stretch", key="panel_losses"):
        st.markdown("**First end of life, and the string with it**")
        courses = [("As it is", baseline.first_losses)]
        courses += [("With the scenario", scenario.first_losses)] if scenario else []
        live_chart(
            first_losses(courses, names, projection.request.years), key=f"losses_{key}",
            label="When the first block of each site comes to its end",
        )  # fmt: skip
        st.caption("Median and 90 % interval of each site; an open triangle lies beyond these years.")
    _systems(projection, baseline, scenario, names)
    if projection.warmth:
        _warmth(visitor, projection)
    with st.expander("In figures", icon=":material/table:"):
        st.table(year_table(baseline, scenario), border="horizontal", hide_index=True)
        st.table(loss_table(baseline, scenario, names), border="horizontal", hide_index=True)


def _tiles(projection: Projection, baseline: ProjectedCourse, scenario: ProjectedCourse | None) -> None:
    request = projection.request
    end = scenario or baseline
    years = figure(request.years)
    risk_now = sum(system.now < SURE for system in end.carrying)
    risk_later = sum(system.in_half_a_year < SURE for system in end.carrying)
    with st.container(horizontal=True, key="stats_projection"):
        if baseline.replacements:
            st.metric(f"To replace in {years} years", count_text(baseline.replacements[-1]), border=True)
        if scenario and scenario.replacements:
            st.metric("With the scenario", count_text(scenario.replacements[-1]), border=True)
        help_text = f"Carries its load for {figure(request.carry_min)} min with less than {percent(SURE, 0)}"
        st.metric("Systems at risk now", f"{risk_now} of {len(end.carrying)}", border=True, help=help_text)
        st.metric("In half a year", f"{risk_later} of {len(end.carrying)}", border=True, help=help_text)


def _systems(
    projection: Projection, baseline: ProjectedCourse, scenario: ProjectedCourse | None, names: Mapping[str, str]
) -> None:
    request = projection.request
    left, right = st.columns((3, 2))
    with left, st.container(border=True, height="stretch", key="panel_systems"):
        st.markdown(
            f"**Carries {figure(request.carry_min)} min at {figure(request.load)} of the one-hour load**, "
            "the least sure first"
        )
        table = carrying_table(baseline.carrying, names, scenario.carrying if scenario else ())
        st.dataframe(
            table, column_config=CARRYING_COLUMNS, hide_index=True, key=f"carrying_{projection.projection_id}",
            height=min(_SYSTEMS_PX, 40 + 35 * len(table)),
        )  # fmt: skip
    with right, st.container(border=True, height="stretch", key="panel_one_more"):
        st.markdown("**Where one more string helps most**")
        systems = (scenario or baseline).one_more_string
        if not systems:
            st.caption("Nowhere: every system carries its load.")
            return
        st.dataframe(
            one_more_table(systems, names), column_config=CARRYING_COLUMNS, hide_index=True,
            key=f"one_more_{projection.projection_id}",
        )  # fmt: skip
        st.caption("Probability in half a year, if nothing is replaced.")


def _warmth(visitor: Visitor, projection: Projection) -> None:
    with st.container(border=True, key="panel_warmth"):
        st.markdown(f"**What warmer rooms cost in {figure(projection.request.years)} years**")
        left, right = st.columns(2)
        with left:
            live_chart(
                warmth_bars(projection.warmth), key=f"warmth_{projection.projection_id}",
                label="Blocks to replace for each degree of warmth",
            )  # fmt: skip
        with right:
            currency = projection_answers.currency(visitor)
            st.table(warmth_table(projection.warmth, currency), border="horizontal", hide_index=True)
            st.caption("Cost of the median, at the price of a block with its work.")
