"""Site page: the map of its batteries in the order in which they stand, filters and a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from batterytwin.telemetry import Quality
from clients.types import Location, TwinColumns
from streamlit_app import answers, links
from streamlit_app.charts.battery_map import Cells, battery_map, cell_grid
from streamlit_app.charts.cell_metrics import CELL_METRICS, HEALTH, CellMetric
from streamlit_app.charts.health_bands import HealthBand, health_band
from streamlit_app.html_parts import colour_key
from streamlit_app.live_chart import live_chart
from streamlit_app.notices import away_notice, explained, explained_page
from streamlit_app.palette import GREY
from streamlit_app.refreshing import refreshing
from streamlit_app.site_table import COLUMN_CONFIG, site_table
from streamlit_app.visitor import Visitor, current_visitor
from streamlit_app.wording import NOTHING, QUALITY_TEXT, number, percent, short_name, word

REFRESH_S: Final = 5
_CHOICE: Final = "site_choice"
_SHOWN: Final = "site_shown"
_DRAWN: Final = "site_drawn"


@dataclass(frozen=True, slots=True)
class Filters:
    """What the visitor wants to see; an empty choice means all."""

    strings: Sequence[str]
    bands: Sequence[HealthBand]
    qualities: Sequence[Quality]
    with_alerts_only: bool


def show() -> None:
    """Draws the page."""
    _page()


@explained_page
def _page() -> None:
    visitor = current_visitor()
    site = _chosen_site(visitor, answers.locations(visitor).value)
    if site is None:
        st.info("No site is assigned to you. An administrator can do that.", icon=":material/lock:")
        return
    _live(site.location_id)


def _chosen_site(visitor: Visitor, sites: Sequence[Location]) -> Location | None:
    by_id = {site.location_id: site for site in sites}
    if not by_id:
        return None
    wanted = _wanted_site(visitor)
    if wanted and wanted not in by_id:
        answers.location(visitor, wanted)  # says why not
    if wanted and (st.session_state.get(_SHOWN) != wanted or _CHOICE not in st.session_state):
        st.session_state[_CHOICE] = wanted
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        chosen = st.selectbox(
            "Site", list(by_id), key=_CHOICE, format_func=lambda key: by_id[key].display_name,
            label_visibility="collapsed", width=260,
        )  # fmt: skip
        site = by_id[chosen]
        st.caption(
            f"{site.region.capitalize()} · {len(site.systems)} systems · {len(list(site.strings()))} strings",
            width="content",
        )
    st.session_state[_SHOWN] = chosen
    links.stand_at(site=chosen)
    return site


def _wanted_site(visitor: Visitor) -> str | None:
    # On its way to a battery or string, a browser leaves this page's path with that name in its history.
    battery_id, string_id = st.query_params.get("battery"), st.query_params.get("string")
    if battery_id:
        return answers.location_of_battery(visitor, battery_id)[0].location_id
    if string_id:
        return answers.location_of_string(visitor, string_id)[0].location_id
    wanted = st.query_params.get("site") or st.session_state.get(_SHOWN)
    return str(wanted) if wanted else None


@refreshing(REFRESH_S)
@explained
def _live(location_id: str) -> None:
    visitor = current_visitor()
    site = answers.location(visitor, location_id)
    snapshot = answers.snapshot(visitor, location_id)
    away = away_notice(snapshot)
    columns = snapshot.value.twins
    qualities = columns.qualities
    if away:  # what was live when the server went is so no more
        qualities = np.where(qualities == Quality.LIVE, Quality.STALE, qualities)
    _totals(columns, qualities)
    with st.container(border=True, key="panel_map"):
        metric, filters = _controls(site)
        keep = _kept(site, columns, qualities, filters)
        _map(site, columns, qualities, metric, keep)
    _table(columns, keep)


def _totals(columns: TwinColumns, qualities: NDArray[np.int32]) -> None:
    soh = np.asarray(columns.soh_capacity, np.float64)
    known = soh[np.isfinite(soh)]
    temperature = np.asarray(columns.temperature_c, np.float64)
    measured = temperature[np.isfinite(temperature)]
    with st.container(horizontal=True, key="stats_site"):
        st.metric("Batteries", f"{len(soh)}", border=True)
        st.metric("Live now", f"{int(np.sum(qualities == Quality.LIVE))}", border=True)
        st.metric("Active alerts", f"{int(np.sum(columns.active_alert_counts))}", border=True)
        st.metric("Average health", percent(float(known.mean()) if known.size else None), border=True)
        st.metric(
            "Hottest post", number(float(measured.max()) if measured.size else None, 1, "°C"), border=True,
            help=f"Mean: {number(float(measured.mean()) if measured.size else None, 1, '°C')}",
        )  # fmt: skip


def _controls(site: Location) -> tuple[CellMetric, Filters]:
    by_label = {metric.label: metric for metric in CELL_METRICS}
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        label = st.segmented_control(
            "Shown", list(by_label), default=HEALTH.label, required=True, key="site_metric",
            label_visibility="collapsed",
        )  # fmt: skip
        with st.popover("Filter", icon=":material/filter_list:"):
            strings = st.multiselect("Strings", [string.string_id for string in site.strings()], key="site_strings")
            bands = st.multiselect("Health", list(HealthBand), format_func=lambda band: band.label, key="site_bands")
            qualities = st.multiselect(
                "Quality of data",
                [q for q in Quality if q],
                format_func=lambda quality: word(QUALITY_TEXT, quality),
                key="site_qualities",
            )
            with_alerts_only = st.toggle("Only with active alerts", key="site_alerts")
    return by_label[label or HEALTH.label], Filters(strings, bands, qualities, with_alerts_only)


def _kept(site: Location, columns: TwinColumns, qualities: NDArray[np.int32], filters: Filters) -> NDArray[np.bool_]:
    keep = np.ones(len(columns.battery_ids), np.bool_)
    if filters.strings:
        members = {
            battery_id
            for string in site.strings()
            if string.string_id in filters.strings
            for battery_id in string.battery_ids
        }
        keep &= np.array([battery_id in members for battery_id in columns.battery_ids])
    if filters.bands:
        keep &= np.array([health_band(float(soh)) in filters.bands for soh in columns.soh_capacity])
    if filters.qualities:
        keep &= np.isin(qualities, filters.qualities)
    if filters.with_alerts_only:
        keep &= columns.active_alert_counts > 0
    return keep


def _map(
    site: Location, columns: TwinColumns, qualities: NDArray[np.int32], metric: CellMetric, keep: NDArray[np.bool_]
) -> None:
    cells = Cells(
        battery_ids=columns.battery_ids,
        values=np.asarray(getattr(columns, metric.key), np.float64) * metric.factor,
        qualities=np.asarray(qualities, np.int64),
        ages_s=np.asarray(columns.age_s, np.float64),
        alert_counts=np.asarray(columns.active_alert_counts, np.int64),
        shown=keep,
    )
    grid = cell_grid([(string.string_id, string.battery_ids) for string in site.strings()], columns.battery_ids)
    key = f"map_{current_visitor().world}_{site.location_id}_{metric.key}"
    clicked = live_chart(
        battery_map(grid, cells, metric, uirevision=key),
        key=key,
        label=f"{metric.label} of each battery",
        clickable=True,
    )
    bands = [(b.label, b.colour, "") for b in HealthBand if b is not HealthBand.UNKNOWN] if metric is HEALTH else []
    colour_key(
        [
            *bands,
            ("Alert", "transparent", "◆"),
            ("Suspect", "transparent", "▲"),
            ("Stale", GREY, "●"),
            ("No data", GREY, "✖"),
        ]
    )
    if clicked:
        links.open_battery(clicked)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="strings"):
        st.caption("Strings", width="content")
        for string in site.strings():
            links.string_link(string.string_id, short_name(string.string_id), ":material/view_week:")


def _table(columns: TwinColumns, keep: NDArray[np.bool_]) -> None:
    table = site_table(columns, keep)
    if table.empty:
        st.info("No battery matches the filter.", icon=":material/filter_list_off:")
        return
    event = st.dataframe(
        table, key="site_table", column_config=COLUMN_CONFIG, hide_index=True, height=420, on_select="rerun",
        selection_mode="single-row", placeholder=NOTHING,
    )  # fmt: skip
    # The row was clicked in the table as it was drawn last, which a filter may have changed since.
    drawn = st.session_state.get(_DRAWN, ())
    st.session_state[_DRAWN] = tuple(table["battery"])
    for row in event["selection"]["rows"]:
        if row < len(drawn):
            links.open_battery(drawn[row])
