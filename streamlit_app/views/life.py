"""Life page: how long every battery will last, how sure that is, and which to replace when."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from batterytwin.life import DAYS_PER_MONTH
from batterytwin.quarters import Quarter
from clients.types import Confidence, FleetLife, LifeColumns, LifeQuantiles, Location, ReplacementUrgency
from streamlit_app import answers, life_answers, links
from streamlit_app.charts.life_histogram import LIFE_KEY, URGENT_DAYS, YEAR_DAYS, life_histogram
from streamlit_app.html_parts import colour_key
from streamlit_app.life_table import COLUMN_CONFIG, disagreeing, life_table, to_review
from streamlit_app.life_words import CONFIDENCE_TEXT, URGENCY_TEXT, interval_text, life_text
from streamlit_app.live_chart import live_chart
from streamlit_app.notices import away_notice, explained
from streamlit_app.visitor import current_visitor
from streamlit_app.wording import NOTHING, local_time, word

REFRESH_S: Final = 60
_LONGEST_YEARS: Final = 20
_DAY_NS: Final = 86_400_000_000_000
_REVIEW_HELP: Final = (
    "Due within two quarters by a prediction of low confidence: look, or test the capacity, before ordering"
)


def show() -> None:
    """Draws the page."""
    _live()


@st.fragment(run_every=REFRESH_S)
@explained
def _live() -> None:
    visitor = current_visitor().live
    sites = answers.locations(visitor)
    answer = life_answers.fleet_life(visitor)
    away_notice(sites, answer)
    fleet = answer.value
    degraded_notice(fleet.degraded_reason)
    if not len(fleet.lives):
        st.info("The first lives are told some minutes after the first readings.", icon=":material/hourglass_empty:")
        return
    review = to_review(fleet.lives, Quarter.of_time(round(fleet.server_time.timestamp() * 1e6)))
    keep = _filters(fleet.lives, sites.value, review)
    _totals(fleet, keep, review)
    left, right = st.columns((2, 3))
    with left, st.container(border=True, height="stretch", key="panel_life_spread"):
        st.markdown("**Remaining life, median of each battery**")
        live_chart(life_histogram(fleet.lives.days_50[keep]), key="life_spread", label="Remaining life as a histogram")
        colour_key(LIFE_KEY)
    with right, st.container(border=True, height="stretch", key="panel_life_first"):
        st.markdown("**First to go**")
        _first(fleet.lives, keep)
    with st.container(border=True, key="panel_life_table"):
        _table(fleet.lives, keep)


def degraded_notice(reason: str) -> None:
    """Says why lives rest on less than they should, if they do."""
    if reason:
        st.warning(f"Remaining lives are degraded: {reason}", icon=":material/model_training:")


def _filters(lives: LifeColumns, sites: Sequence[Location], review: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Controls, and which batteries they keep."""
    names = {site.location_id: site.display_name for site in sites}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect(
            "Sites", list(names), format_func=lambda key: names[key], key="life_sites", placeholder="All", width=260
        )
        urgencies = st.pills(
            "Replace", list(ReplacementUrgency)[::-1], selection_mode="multi", key="life_urgencies",
            format_func=lambda member: word(URGENCY_TEXT, member),
        )  # fmt: skip
        confidences = st.pills(
            "Confidence", list(Confidence)[::-1], selection_mode="multi", key="life_confidences",
            format_func=lambda member: word(CONFIDENCE_TEXT, member),
        )  # fmt: skip
        differing = st.toggle("Twin and model differ", key="life_differing")
        reviewing = st.toggle("To review first", key="life_review", help=_REVIEW_HELP)
        years = st.slider("At most so many years left", 0, _LONGEST_YEARS, _LONGEST_YEARS, key="life_years", width=220)
    site_of = {
        battery_id: site.location_id for site in sites for string in site.strings() for battery_id in string.battery_ids
    }
    keep = np.array([site_of.get(battery_id, "") in chosen or not chosen for battery_id in lives.battery_ids])
    if urgencies:
        keep &= np.isin(lives.urgencies, [int(member) for member in urgencies])
    if confidences:
        wanted = {int(member) for member in confidences}
        shares = lives.confidence_shares
        keep &= np.array([not np.isnan(s) and int(Confidence.of_share(float(s))) in wanted for s in shares])
    if differing:
        keep &= disagreeing(lives)
    if reviewing:
        keep &= review
    if years < _LONGEST_YEARS:
        keep &= lives.days_50 <= years * 12 * DAYS_PER_MONTH
    return keep


def _totals(fleet: FleetLife, keep: NDArray[np.bool_], review: NDArray[np.bool_]) -> None:
    lives = fleet.lives
    days = lives.days_50[keep].astype(np.float64)
    urgent = int(np.count_nonzero(lives.urgencies[keep] == int(ReplacementUrgency.NOW)))
    with st.container(horizontal=True, key="stats_life"):
        st.metric("Batteries", f"{len(days):,}", border=True, help="with a prediction, as filtered")
        st.metric("Median life left", life_text(float(np.median(days)) if len(days) else None), border=True)
        st.metric("Replace now", f"{urgent:,}", border=True, help="End of life reached, or less than 90 days away")
        st.metric(
            "Ends within a year", f"{int(np.count_nonzero(days < YEAR_DAYS)):,}", border=True,
            help=f"Median below 12 months; {int(np.count_nonzero(days < URGENT_DAYS)):,} below 90 days",
        )  # fmt: skip
        st.metric(
            "Differ", f"{int(np.count_nonzero(disagreeing(lives)[keep])):,}", border=True,
            help="Twin and model differ by more than 30 %; look at both before acting",
        )  # fmt: skip
        st.metric("To review", f"{int(np.count_nonzero(review & keep)):,}", border=True, help=_REVIEW_HELP)
    newest = int(lives.predict_time_unix_ns.max(initial=0))
    when = local_time(
        np.datetime64(newest, "ns").astype("datetime64[us]").item().replace(tzinfo=fleet.server_time.tzinfo)
    )
    late = int(np.count_nonzero(lives.predict_time_unix_ns - lives.as_of_unix_ns > _DAY_NS))
    unread = f" · {late:,} rest on readings of more than a day before, from which they count" if late else ""
    model = f"model {fleet.model_version}" if fleet.model_version else "no model"
    st.caption(
        f"Newest prediction {when}{unread} · {model} · from simulated lives: see the page of the models for its limits"
    )


def _first(lives: LifeColumns, keep: NDArray[np.bool_], shown: int = 9) -> None:
    order = np.argsort(np.where(keep, lives.days_50, np.inf), kind="stable")[:shown]
    for index in order[keep[order]]:
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
            links.battery_link(lives.battery_ids[index], lives.battery_ids[index])
            columns = (lives.days_05, lives.days_25, lives.days_50, lives.days_75, lives.days_95)
            life = LifeQuantiles(*(float(days[index]) for days in columns))
            interval = interval_text(life, upper_known=bool(lives.upper_known[index]))
            st.markdown(f"{life_text(life.days_50)} :gray[{interval}]", width="content")


def _table(lives: LifeColumns, keep: NDArray[np.bool_]) -> None:
    table = life_table(lives, keep).sort_values("months", kind="stable", ignore_index=True)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown("**Every battery.** Click a row to open it.", width="content")
        st.download_button(
            "CSV", table.to_csv(index=False).encode(), "remaining_life.csv", "text/csv",
            icon=":material/download:", key="life_csv",
        )  # fmt: skip
    event = st.dataframe(
        table, column_config=COLUMN_CONFIG, hide_index=True, height=520, key="life_rows", on_select="rerun",
        selection_mode="single-row", placeholder=NOTHING,
    )  # fmt: skip
    chosen = event.get("selection", {}).get("rows", [])
    if chosen:
        links.open_battery(str(table["battery"].iloc[chosen[0]]))
