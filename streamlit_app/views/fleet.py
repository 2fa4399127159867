"""Fleet page: every site at a glance, and what needs a person first."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import streamlit as st

from batterytwin.alerts import Severity
from clients.types import Alert, HealthSummary, Location, TwinColumns
from streamlit_app import answers, links
from streamlit_app.charts.health_bands import HealthBand
from streamlit_app.charts.histogram import health_histogram
from streamlit_app.html_parts import colour_key, proportion_bar
from streamlit_app.live_chart import live_chart
from streamlit_app.notices import away_notice, explained
from streamlit_app.refreshing import refreshing
from streamlit_app.visitor import current_visitor
from streamlit_app.wording import RULE_TEXT, local_time, number, percent, word

REFRESH_S: Final = 5
_CARDS_PER_ROW: Final = 3
_WEAKEST_SHOWN: Final = 8
_CRITICAL_SHOWN: Final = 7


def show() -> None:
    """Draws the page."""
    links.follow_deep_link()
    _live()


@refreshing(REFRESH_S)
@explained
def _live() -> None:
    visitor = current_visitor()
    sites = answers.locations(visitor)
    health = answers.fleet_health(visitor)
    snapshot = answers.snapshot(visitor)
    critical = answers.alerts(visitor, min_severity=Severity.CRITICAL)
    away_notice(sites, health, snapshot, critical)
    _totals(health.value.total, len(sites.value))
    by_id = {entry.location_id: entry for entry in health.value.locations}
    for start in range(0, len(sites.value), _CARDS_PER_ROW):
        for column, site in zip(st.columns(_CARDS_PER_ROW), sites.value[start : start + _CARDS_PER_ROW], strict=False):
            if site.location_id in by_id:
                with column:
                    _card(site, by_id[site.location_id])
    _spread(snapshot.value.twins, critical.value)


def _totals(total: HealthSummary, site_count: int) -> None:
    alerts = total.critical_alert_count + total.warning_alert_count + total.info_alert_count
    with st.container(horizontal=True, key="stats_totals"):
        st.metric("Batteries", f"{total.battery_count:,}", border=True, help=f"at {site_count} sites")
        st.metric("Live now", f"{total.live_count:,}", border=True, help=_quality_text(total))
        st.metric("Active alerts", f"{alerts:,}", border=True, help=_alert_text(total))
        st.metric(
            "Critical batteries", f"{total.critical_battery_count:,}", border=True,
            help="Batteries with at least one active critical alert",
        )  # fmt: skip
        st.metric(
            "Average state of health", percent(total.mean_soh_capacity), border=True,
            help=f"Lowest: {percent(total.min_soh_capacity)}. Capacity over rated capacity; end of life at 80 %.",
        )  # fmt: skip


def _card(site: Location, health: HealthSummary) -> None:
    with st.container(border=True, key=f"card_{site.location_id}", gap="small"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            links.site_link(site.location_id, site.display_name)
            st.markdown(_badges(health), width="content")
        proportion_bar(
            (
                (HealthBand.HEALTHY.label, HealthBand.HEALTHY.colour, health.healthy_count),
                (HealthBand.AGEING.label, HealthBand.AGEING.colour, health.ageing_count),
                (HealthBand.END_OF_LIFE.label, HealthBand.END_OF_LIFE.colour, health.end_of_life_count),
                (HealthBand.UNKNOWN.label, HealthBand.UNKNOWN.colour, health.unknown_count),
            )
        )
        with st.container(horizontal=True, gap="small"):
            known = health.battery_count - health.unknown_count
            st.metric("Healthy", percent(health.healthy_count / known if known else None))
            st.metric("Mean health", percent(health.mean_soh_capacity))
            st.metric(
                "Temp., mean / max",
                f"{number(health.mean_temperature_c, 1)} / {number(health.max_temperature_c, 1, '°C')}",
            )
        st.caption(f"{site.region.capitalize()} · {health.battery_count} batteries · {_quality_text(health)}")


def _spread(twins: TwinColumns, critical: Sequence[Alert]) -> None:
    soh = np.asarray(twins.soh_capacity, np.float64)
    urgent, weakest, spread = st.columns(3)
    with urgent, st.container(border=True, height="stretch", key="panel_critical"):
        st.markdown("**Critical alerts, newest first**")
        _critical(critical)
    with weakest, st.container(border=True, height="stretch", key="panel_weakest"):
        st.markdown("**Weakest batteries, state of health**")
        _weakest(twins, soh)
    with spread, st.container(border=True, height="stretch", key="panel_spread"):
        st.markdown("**Health of the fleet**")
        if not np.isfinite(soh).any():
            st.caption("The histogram appears with the first samples.")
            return
        live_chart(health_histogram(soh), key="spread", label="Health of the fleet as a histogram")
        colour_key(
            (
                ("Healthy, above 85 %", HealthBand.HEALTHY.colour, ""),
                ("Ageing, 80 to 85 %", HealthBand.AGEING.colour, ""),
                ("End of life, below 80 %", HealthBand.END_OF_LIFE.colour, ""),
            )
        )


def _critical(alerts: Sequence[Alert]) -> None:
    if not alerts:
        st.caption("None.")
    for alert in alerts[:_CRITICAL_SHOWN]:
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
            if alert.battery_id:
                links.battery_link(alert.battery_id, alert.battery_id)
            elif alert.string_id:
                links.string_link(alert.string_id, alert.string_id)
            else:
                links.site_link(alert.location_id, alert.location_id)
            st.markdown(
                f"{word(RULE_TEXT, alert.rule)} :gray[{local_time(alert.raise_time, seconds=False)}]", width="content"
            )
    if len(alerts) > _CRITICAL_SHOWN:
        links.page_link("alerts", f"All {len(alerts)}", ":material/notifications:")


def _weakest(twins: TwinColumns, soh: np.ndarray) -> None:
    order = np.argsort(np.where(np.isfinite(soh), soh, np.inf), kind="stable")[:_WEAKEST_SHOWN]
    for index in order:
        if not np.isfinite(soh[index]):
            continue
        battery_id = twins.battery_ids[index]
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
            links.battery_link(battery_id, battery_id)
            sigma = float(twins.soh_capacity_sigma[index])
            st.markdown(f"{percent(float(soh[index]))} :gray[± {percent(sigma)}]", width="content")


def _badges(health: HealthSummary) -> str:
    counts = (
        (health.critical_alert_count, "red", "critical"),
        (health.warning_alert_count, "orange", "warning"),
        (health.info_alert_count, "blue", "info"),
    )
    badges = [f":{colour}-badge[{count} {word}]" for count, colour, word in counts if count]
    if not badges and not health.live_count:
        return ":gray-badge[No fresh data]"
    return " ".join(badges) or ":green-badge[No alerts]"


def _quality_text(health: HealthSummary) -> str:
    parts = (
        (health.live_count, "live"),
        (health.stale_count, "stale"),
        (health.no_data_count, "no data"),
        (health.suspect_count, "suspect"),
    )
    return ", ".join(f"{count:,} {word}" for count, word in parts if count)


def _alert_text(health: HealthSummary) -> str:
    return (
        f"{health.critical_alert_count} critical, {health.warning_alert_count} warning, {health.info_alert_count} info"
    )
