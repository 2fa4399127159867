"""Reports of drills: those that were played, and how one of them went."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import pandas as pd
import streamlit as st

from clients.types import Drill, DrillReport, ScenarioLibrary
from streamlit_app import answers, links, scenario_answers
from streamlit_app.alert_list import plain
from streamlit_app.drill_files import report_csv, report_html, report_name
from streamlit_app.drill_story import Kind, count_by_rule, kind_text, median_reaction, reaction_text, reactions, story
from streamlit_app.drill_words import (
    STATE_BADGE,
    STATE_TEXT,
    ended_text,
    names_of,
    part_text,
    passed_text,
    places_text,
    speed_text,
    told_text,
)
from streamlit_app.json_file import json_file
from streamlit_app.notices import away_notice, explained, explained_page
from streamlit_app.visitor import Visitor, current_visitor
from streamlit_app.what_if_tabs import what_if_tabs
from streamlit_app.wording import BANGKOK, both_times, local_time, word

REFRESH_S: Final = 2.0
_STORY_COLUMNS: Final = {
    "branch": st.column_config.DatetimeColumn("In the drill", format="DD MMM, HH:mm:ss", help="Bangkok time"),
    "kind": st.column_config.MultiselectColumn(
        "What",
        options=["Change", "Info", "Warning", "Critical", "Cleared", "Acknowledged", "Resolved"],
        color=["violet", "blue", "orange", "red", "gray", "green", "green"],
        width=120,
    ),
    "where": st.column_config.TextColumn("Where", width=135),
    "words": st.column_config.TextColumn("What happened", width=640),
    "who": st.column_config.TextColumn("Who", width=80),
    "after": st.column_config.TextColumn("After", width=70, help="From the alert to the person, by their clock"),
    "real": st.column_config.DatetimeColumn("By the clock", format="DD MMM, HH:mm:ss", help="Bangkok time"),
}
_LIST_COLUMNS: Final = {
    "started": st.column_config.DatetimeColumn("Started", format="DD MMM YYYY, HH:mm", help="Bangkok time"),
    "title": st.column_config.TextColumn("Drill", width="large"),
    "state": st.column_config.TextColumn("State", width="small"),
    "places": st.column_config.TextColumn("Places"),
    "passed": st.column_config.TextColumn("Played", help="Of the drill's own time"),
    "speed": st.column_config.TextColumn("Speed", width="small"),
    "by": st.column_config.TextColumn("Started by", width="small"),
}


def show() -> None:
    """Draws the page."""
    what_if_tabs()
    _page()


@explained_page
def _page() -> None:
    visitor = current_visitor()
    drill_id = st.query_params.get("report", "")
    if not drill_id:
        links.stand_at()
        _list(visitor)
        return
    links.stand_at(report=drill_id)
    _live(drill_id)


def _list(visitor: Visitor) -> None:
    answer = scenario_answers.drills(visitor)
    away_notice(answer)
    drills = answer.value
    with st.container(border=True, key="panel_reports"):
        st.markdown("**Drills that were played, newest first**")
        if not drills:
            st.caption("None so far. The report of a drill is kept when the drill is gone.")
            return
        names = names_of(answers.locations(visitor.live).value)
        event = st.dataframe(
            drill_table(drills, names), key="report_table", column_config=_LIST_COLUMNS, hide_index=True,
            height="content", on_select="rerun", selection_mode="single-row", placeholder="",
        )  # fmt: skip
        st.caption("Select one to read its report.")
    for row in event["selection"]["rows"]:
        if row < len(drills):
            st.switch_page(links.page("report"), query_params=links.address(report=drills[row].drill_id))


def drill_table(drills: Sequence[Drill], names: Mapping[str, str]) -> pd.DataFrame:
    """Rows for a table, times in Bangkok's time of day."""
    return pd.DataFrame(
        {
            "started": _local([drill.start_time for drill in drills]),
            "title": [drill.title for drill in drills],
            "state": [word(STATE_TEXT, drill.state) for drill in drills],
            "places": [places_text(drill.location_ids, names) for drill in drills],
            "passed": [passed_text(drill) for drill in drills],
            "speed": [speed_text(drill.speed) for drill in drills],
            "by": [drill.started_by for drill in drills],
        }
    )


@st.fragment(run_every=REFRESH_S)
@explained
def _live(drill_id: str) -> None:
    visitor = current_visitor()
    answer = scenario_answers.report(visitor, drill_id)
    away_notice(answer)
    report = answer.value
    names = names_of(answers.locations(visitor.live).value)
    library = scenario_answers.library(visitor).value
    _heading(report, names, library)
    _tiles(report)
    left, right = st.columns(2)
    with left, st.container(border=True, height="stretch", key="panel_report_parts"):
        _played(report, names, library)
    with right, st.container(border=True, height="stretch", key="panel_report_extremes"):
        _extremes(report)
    with st.container(border=True, key="panel_report_story"):
        _story(report)


def _heading(report: DrillReport, names: Mapping[str, str], library: ScenarioLibrary) -> None:
    drill = report.drill
    place = plain(places_text(drill.location_ids, names))
    if not current_visitor().drill_id:  # else the banner says so
        with st.container(key="drill_strip"):
            st.markdown(f"**SIMULATION \N{EN DASH} {place}** · nothing of this happened in the live fleet")
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
            st.markdown(f"#### {plain(drill.title)}", width="content")
            st.badge(word(STATE_TEXT, drill.state), color=STATE_BADGE.get(int(drill.state), "gray"))
            st.caption(place, width="content")
        with st.container(horizontal=True, width="content", gap="small"):
            for label, ending, kind, data in (
                ("HTML", "html", "text/html", report_html(report, names, library)),
                ("CSV", "csv", "text/csv", report_csv(report)),
                ("JSON", "json", "application/json", json_file(report)),
            ):
                st.download_button(
                    label, data, report_name(report, ending), kind, icon=":material/download:", key=f"report_{ending}",
                    on_click="ignore",
                )  # fmt: skip
    if not drill.is_active:
        st.caption(plain(ended_text(drill)))


def _tiles(report: DrillReport) -> None:
    drill = report.drill
    seen = reactions(report)
    with st.container(horizontal=True, key="stats_report"):
        st.metric("Played", passed_text(drill), border=True, help=f"since {both_times(drill.begin_time)}")
        st.metric("Speed", speed_text(drill.speed), border=True, help="Its time over real time, as it was set last")
        st.metric("Alerts", f"{report.alert_count:,}", border=True, help=f"{drill.active_alert_count:,} stand now")
        st.metric("Acknowledged", f"{len(seen):,}", border=True)
        st.metric(
            "Median reaction", reaction_text(median_reaction(report)), border=True,
            help="From the alert to the person who acknowledged it, by the clock on the wall. Longest: "
            f"{reaction_text(seen[-1] if seen else None)}.",
        )  # fmt: skip
        st.metric("Batteries", f"{drill.battery_count:,}", border=True, help=f"{drill.reading_count:,} readings")


def _played(report: DrillReport, names: Mapping[str, str], library: ScenarioLibrary) -> None:
    drill = report.drill
    st.markdown("**What was played**")
    for part in drill.parts:
        st.markdown(plain(part_text(part, library, names)))
    st.caption(
        f"Started {local_time(drill.start_time)} by {plain(drill.started_by)} · twins of "
        f"{local_time(drill.begin_time)} · seed {drill.seed}"
    )
    kinds = count_by_rule(report.alerts)
    if kinds:
        st.caption("Alerts: " + ", ".join(f"{count} × {name}" for name, count in kinds))  # noqa: RUF001


def _extremes(report: DrillReport) -> None:
    st.markdown("**Extremes**")
    if not report.extremes:
        st.caption("They are known when the first readings are." if report.drill.is_active else "There was no reading.")
    for line in report.extremes:
        st.markdown(plain(told_text(line)))


def _story(report: DrillReport) -> None:
    lines = story(report)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown("**What happened, in order**", width="content")
        kinds = st.pills(
            "Kinds", [kind.value for kind in Kind], selection_mode="multi", key="report_kinds",
            label_visibility="collapsed",
        )  # fmt: skip
    kept = [line for line in lines if not kinds or line.kind.value in kinds]
    if not kept:
        st.caption("Nothing so far.")
        return
    table = pd.DataFrame(
        {
            "branch": _local([line.branch_time for line in kept]),
            "kind": [[kind_text(line)] for line in kept],
            "where": [line.where for line in kept],
            "words": [told_text(line.words) for line in kept],
            "who": [line.who for line in kept],
            "after": ["" if line.reaction is None else reaction_text(line.reaction) for line in kept],
            "real": _local([line.real_time for line in kept]),
        }
    )
    st.dataframe(
        table, key="report_story", column_config=_STORY_COLUMNS, hide_index=True, height=min(560, 40 + 35 * len(kept)),
        placeholder="",
    )  # fmt: skip
    left_out = report.alert_count - len(report.alerts)
    if left_out > 0:
        st.caption(f"{left_out:,} alerts are left out.")


def _local(instants: Sequence[datetime | None]) -> pd.Series:
    return pd.Series(
        [instant.astimezone(BANGKOK).replace(tzinfo=None) if instant else None for instant in instants],
        dtype="datetime64[ms]",
    )
