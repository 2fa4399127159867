"""Planner page: what to replace when, by quarter and site, what it costs, and what cooler rooms are worth."""

from collections.abc import Mapping
from typing import Final

import pandas as pd
import streamlit as st

from clients.types import CoolingValue, MaintenancePlan, PlannedVisit, ReplacementForecast
from streamlit_app import answers, life_answers
from streamlit_app.alert_list import plain
from streamlit_app.charts.forecast_bars import forecast_bars
from streamlit_app.life_words import URGENCY_BADGE, URGENCY_TEXT, life_text, money
from streamlit_app.live_chart import live_chart
from streamlit_app.notices import away_notice, explained
from streamlit_app.plan_table import STRING_COLUMNS, plan_csv, plan_grid, string_table
from streamlit_app.visitor import current_visitor
from streamlit_app.wording import local_date, number, word

REFRESH_S: Final = 120
_RISKS: Final = (0.02, 0.05, 0.10, 0.20, 0.30)
_QUARTERS: Final = (2, 4, 6, 8, 12)
_NAMES_SHOWN: Final = 12


def show() -> None:
    """Draws the page."""
    _live()


@st.fragment(run_every=REFRESH_S)
@explained
def _live() -> None:
    visitor = current_visitor().live
    sites = answers.locations(visitor)
    names = {site.location_id: site.display_name for site in sites.value}
    location_id, quarter_count, risk, cooler_k = _controls(names)
    plan = life_answers.maintenance_plan(visitor, location_id, quarter_count, risk)
    forecast = life_answers.replacement_forecast(visitor, location_id, float(cooler_k))
    away_notice(sites, plan, forecast)
    _totals(plan.value, forecast.value)
    left, right = st.columns(2)
    with left, st.container(border=True, height="stretch", key="panel_forecast"):
        _forecast(forecast.value)
    with right, st.container(border=True, height="stretch", key="panel_cooling"):
        _cooling(forecast.value, names, cooler_k)
    with st.container(border=True, key="panel_plan"):
        _plan(plan.value, names)


def _controls(names: Mapping[str, str]) -> tuple[str, int, float, int]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        location_id = st.selectbox(
            "Site", ["", *names], format_func=lambda key: names.get(key, "All sites"), key="plan_site", width=240
        )
        quarter_count = st.segmented_control("Quarters", _QUARTERS, default=4, required=True, key="plan_quarters")
        risk = st.segmented_control(
            "Chance of an end before the exchange", _RISKS, default=0.10, required=True, key="plan_risk",
            format_func=lambda value: f"{100 * value:.0f} %",
        )  # fmt: skip
        cooler_k = st.slider("Cooler rooms, K", 1, 10, 5, key="plan_cooler", width=240)
    return location_id or "", int(quarter_count or 4), float(risk or 0.10), cooler_k


def _totals(plan: MaintenancePlan, forecast: ReplacementForecast) -> None:
    year = forecast.total.year
    currency = plan.prices.currency
    with st.container(horizontal=True, key="stats_plan"):
        st.metric("Blocks to exchange", f"{plan.block_count:,}", border=True, help="in the quarters chosen")
        st.metric("Visits", f"{len(plan.visits):,}", border=True)
        st.metric("Cost", money(plan.cost, currency), border=True, help=_price_text(plan))
        st.metric(
            "Ends of life in 12 months", number(year.expected_count, 0), border=True,
            help=f"90 % interval: {year.lower_count} to {year.upper_count}. Batteries that fail by themselves, "
            "not those that are exchanged with their string.",
        )  # fmt: skip
        st.metric(
            "To review first", f"{len(plan.review_battery_ids):,}", border=True, help="Low confidence or degraded"
        )


def _price_text(plan: MaintenancePlan) -> str:
    prices = plan.prices
    return (
        f"A block {money(prices.block, prices.currency)}, an hour of work "
        f"{money(prices.labour_hour, prices.currency)}, a visit {money(prices.visit, prices.currency)}; "
        "set at the server."
    )


def _forecast(forecast: ReplacementForecast) -> None:
    st.markdown("**Ends of life expected in the next twelve months**")
    live_chart(forecast_bars(forecast.total.quarters), key="plan_forecast", label="Ends of life by quarter")
    year, currency = forecast.total.year, forecast.prices.currency
    st.caption(
        f"{number(year.expected_count, 0)} of {forecast.total.battery_count:,} batteries; 90 % interval "
        f"{year.lower_count} to {year.upper_count}, {money(year.lower_cost, currency)} to "
        f"{money(year.upper_cost, currency)}. The first and the last bar may be parts of a quarter."
    )


def _cooling(forecast: ReplacementForecast, names: Mapping[str, str], cooler_k: int) -> None:
    st.markdown(f"**What rooms {cooler_k} K cooler are worth**")
    currency = forecast.prices.currency
    st.markdown(_worth(forecast.cooling, currency))
    sites = [value for value in forecast.location_cooling if value.location_id in names]
    if not sites:
        return
    table = pd.DataFrame(
        {
            "Site": [names[value.location_id] for value in sites],
            "Life now": [life_text(value.median_days) for value in sites],
            "Cooler": [life_text(value.cooler_median_days) for value in sites],
            "Exchanges avoided a year": [value.avoided_per_year for value in sites],
            f"Saved a year, {currency}": [round(value.saved_per_year) for value in sites],
        }
    )
    st.dataframe(
        table, hide_index=True, key="plan_cooling_table",
        column_config={
            "Exchanges avoided a year": st.column_config.NumberColumn(format="%.1f"),
            f"Saved a year, {currency}": st.column_config.NumberColumn(format="localized"),
        },
    )  # fmt: skip
    st.caption("In the long run, before the electricity that the cooling takes.")


def _worth(value: CoolingValue, currency: str) -> str:
    return (
        f"Median life {life_text(value.cooler_median_days)} instead of {life_text(value.median_days)}; "
        f"{number(value.avoided_per_year, 1)} exchanges a year avoided, worth "
        f"**{money(value.saved_per_year, currency)} a year**."
    )


def _plan(plan: MaintenancePlan, names: Mapping[str, str]) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown("**The plan**", width="content")
        if plan.visits:
            st.download_button(
                "CSV", plan_csv(plan), "maintenance_plan.csv", "text/csv", icon=":material/download:", key="plan_csv"
            )
    if not plan.visits:
        st.info("Nothing needs to be exchanged in these quarters.", icon=":material/event_available:")
    else:
        cost = st.column_config.NumberColumn(f"Cost, {plan.prices.currency}", format="localized")
        st.dataframe(plan_grid(plan, names), hide_index=True, key="plan_grid", column_config={"Cost": cost})
        for visit in plan.visits:
            _visit(visit, plan, names)
    for words, ids in (
        ("Look at these before acting (low confidence, degraded or no prediction)", plan.review_battery_ids),
        ("No prediction yet", plan.unknown_battery_ids),
    ):
        if ids:
            more = f" and {len(ids) - _NAMES_SHOWN} more" if len(ids) > _NAMES_SHOWN else ""
            st.caption(f"{words}: {', '.join(ids[:_NAMES_SHOWN])}{more}.")


def _blocks(count: int) -> str:
    return f"{count:,} block{'' if count == 1 else 's'}"


def _visit(visit: PlannedVisit, plan: MaintenancePlan, names: Mapping[str, str]) -> None:
    urgency = max((int(string.urgency) for string in visit.strings), default=0)
    colour = URGENCY_BADGE.get(urgency, "gray")
    title = (
        f"{visit.quarter} · {names.get(visit.location_id, visit.location_id)} · {_blocks(visit.block_count)} · "
        f"{money(visit.cost, plan.prices.currency)} :{colour}-badge[{word(URGENCY_TEXT, urgency)}]"
    )
    with st.expander(title, key=f"visit_{visit.location_id}_{visit.quarter.index}"):
        st.markdown(
            f"Working days {local_date(visit.window_start)} to {local_date(visit.window_end)} · "
            f"{number(visit.labour_hours, 1, 'h')} of work, {visit.working_days} days for a crew of two"
        )
        for note in visit.notes:
            st.markdown(f":gray[{plain(note)}]")
        st.dataframe(string_table(visit), hide_index=True, column_config=STRING_COLUMNS)
