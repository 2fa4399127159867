"""Remaining life of a battery: how long, how sure, why, and what became of batteries like it."""

from datetime import timedelta
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st

from batterytwin.errors import ConflictError
from batterytwin.life import DAYS_PER_MONTH, LifeCase
from batterytwin.life_plan import due_soon
from batterytwin.quarters import Quarter
from clients.types import Confidence, RemainingLife
from streamlit_app import life_answers
from streamlit_app.alert_list import plain
from streamlit_app.charts.health_bands import END_OF_LIFE_SOH
from streamlit_app.charts.life_effects import LONGER, SHORTER, life_effects
from streamlit_app.charts.life_fan import life_fan
from streamlit_app.charts.past_predictions import past_predictions
from streamlit_app.html_parts import colour_key
from streamlit_app.life_words import (
    CONFIDENCE_BADGE,
    CONFIDENCE_TEXT,
    SOURCE_TEXT,
    URGENCY_BADGE,
    URGENCY_TEXT,
    counted_from,
    interval_text,
    life_text,
)
from streamlit_app.live_chart import live_chart
from streamlit_app.notices import away_notice, explained
from streamlit_app.tiles import tile
from streamlit_app.visitor import current_visitor
from streamlit_app.wording import local_date, local_time, percent, word

REFRESH_S: Final = 60
_WARMEST_K: Final = 10
_CASE_COLUMNS: Final = {
    "kind": st.column_config.TextColumn("Where", help="A block of this fleet that has gone, or one of the simulator"),
    "age": st.column_config.NumberColumn("Age then, months", format="%.0f"),
    "lasted": st.column_config.TextColumn("Then lasted"),
    "became": st.column_config.TextColumn("What became of it"),
    "predicted": st.column_config.TextColumn(
        "Predicted", help="Of a real block what was told then; else what the model said without having seen this case"
    ),
    "story": st.column_config.TextColumn("What it was", width="large"),
}


def battery_life(battery_id: str) -> None:
    """Shows the section of a battery page."""
    with st.container(border=True, key="panel_life"):
        _live(battery_id)


@st.fragment(run_every=REFRESH_S)
@explained
def _live(battery_id: str) -> None:
    try:
        answer = life_answers.remaining_life(current_visitor(), battery_id)
    except ConflictError as error:  # it has never been read
        st.markdown("**Remaining life**")
        st.caption(plain(error.message))
        return
    away_notice(answer)
    life = answer.value
    _headline(life)
    told, why = st.columns((3, 2))
    with told:
        _tiles(life)
        _fan(life)
    with why:
        st.markdown("**Why**")
        key = f"life_effects_{battery_id}"
        live_chart(life_effects(life.factors), key=key, label="What moves this life, by share")
        colour_key((("Shortens it", SHORTER, ""), ("Lengthens it", LONGER, "")))
        st.caption("Against a new block at 20 °C on the recommended voltage; the shares of all causes sum to 100 %.")
        _warmer(battery_id, life)
    _cases(life)
    _told_before(battery_id)


def _headline(life: RemainingLife) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Remaining life**", width="content")
        advice = life.advice
        st.badge(
            f"Replace: {word(URGENCY_TEXT, advice.urgency).lower()}, {advice.quarter}",
            color=URGENCY_BADGE.get(int(advice.urgency), "gray"), icon=":material/event:", help=advice.reason,
        )  # fmt: skip
        if life.confidence is not None:
            share = percent(life.confidence_share, 0)
            st.badge(
                f"{word(CONFIDENCE_TEXT, life.confidence)} confidence",
                color=CONFIDENCE_BADGE.get(int(life.confidence), "gray"), icon=":material/verified:",
                help=f"The model was right about {share} of similar cases.",
            )  # fmt: skip
        if life.degraded:
            st.badge(
                f"Degraded: {word(SOURCE_TEXT, life.source).lower()}", color="orange", icon=":material/model_training:"
            )
        predicted = f"Predicted {local_time(life.predict_time, seconds=False)}"
        counted = counted_from(life.as_of, life.predict_time)
        st.caption(f"{predicted}; {counted}" if counted else predicted, width="content")


def _tiles(life: RemainingLife) -> None:
    with st.container(horizontal=True, key="stats_life_battery"):
        tile(
            "Remaining life", life_text(life.fused.days_50), interval_text(life.fused, upper_known=life.upper_known),
            help_text="Median, and the 90 % interval, until the capacity falls below 80 % of rated.",
        )  # fmt: skip
        tile(
            "Twin alone", life_text(life.twin.days_50), f"weight {percent(life.twin_weight, 0)}",
            help_text="By physics: the life law, the evidence of this battery and the climate of its site.",
        )  # fmt: skip
        if life.model_days is not None:
            tile(
                "Model alone", life_text(life.model_days), f"weight {percent(1.0 - life.twin_weight, 0)}",
                help_text="Learned from simulated lives; corrects what physics alone gets wrong.",
            )  # fmt: skip
    if life.disagrees:
        st.warning(
            f"Twin and model differ by {percent(life.disagreement, 0)} of their mean. Look at both, and at the "
            "evidence above, before acting; a capacity test decides.",
            icon=":material/call_split:",
        )
    elif life.confidence is Confidence.LOW and _is_due_soon(life):
        st.warning(
            "This replacement is due within two quarters by a prediction of low confidence: test the capacity before "
            "anything is ordered.",
            icon=":material/fact_check:",
        )


def _is_due_soon(life: RemainingLife) -> bool:
    present = Quarter.of_time(round(life.predict_time.timestamp() * 1e6))
    return bool(due_soon(np.array([life.advice.quarter.index], np.int32), present)[0])


def _fan(life: RemainingLife) -> None:
    if life.as_of is None or life.soh_capacity is None or life.soh_capacity <= END_OF_LIFE_SOH:
        st.info("The capacity is at or below the limit: the end of life has come.", icon=":material/flag:")
        return
    key = f"life_fan_{life.battery_id}"
    figure = life_fan(life.as_of, life.soh_capacity, life.fused, life.twin.days_50, life.model_days)
    live_chart(figure, key=key, label=f"Capacity until the end of life, expected {life_text(life.fused.days_50)} away")
    end = life.as_of + timedelta(days=life.fused.days_50)
    upper = (
        "" if life.upper_known else " Censored cases give no upper end; take the fan's right side for a lower bound."
    )
    st.caption(f"Expected end {local_date(end)}: the capacity falls below 80 % of rated (dotted).{upper}")


def _warmer(battery_id: str, life: RemainingLife) -> None:
    warmer_k = st.slider(
        "If its room were warmer or cooler from now on, K", -_WARMEST_K, _WARMEST_K, 0, key=f"life_warmer_{battery_id}"
    )
    if not warmer_k:
        return
    other = life_answers.remaining_life(current_visitor(), battery_id, float(warmer_k)).value
    if other.model_version != life.model_version:
        st.caption("The model that told this life does not answer now, so the two cannot be compared.")
        return
    change = other.fused.days_50 / life.fused.days_50 - 1.0 if life.fused.days_50 > 0.0 else 0.0
    st.markdown(
        f"**{life_text(other.fused.days_50)}** instead of {life_text(life.fused.days_50)} "
        f":gray[({100 * change:+.0f} %; {interval_text(other.fused, upper_known=other.upper_known)})]"
    )


def _cases(life: RemainingLife) -> None:
    if not life.cases:
        return
    st.markdown("**Batteries that once stood where this one stands**")
    rows = [
        {
            "kind": _where(found.case),
            "age": found.case.age_days / DAYS_PER_MONTH,
            "lasted": life_text(found.case.remaining_days) + ("" if found.case.ended else " or more"),
            "became": _became(found.case),
            "predicted": life_text(found.case.predicted_days),
            "story": found.case.story,
        }
        for found in life.cases
    ]
    st.dataframe(pd.DataFrame(rows), column_config=_CASE_COLUMNS, hide_index=True, key=f"cases_{life.battery_id}")
    real = sum(found.case.is_real for found in life.cases)
    st.caption(
        f"Most alike first; {real} real (blocks of this fleet that were replaced), {len(life.cases) - real} simulated."
        if real
        else "Most alike first; all simulated. Blocks of this fleet join them as they are replaced."
    )


def _where(case: LifeCase) -> str:
    return case.case_id.split("/")[1] if case.is_real else "simulated"


def _became(case: LifeCase) -> str:
    if case.ended:
        return "End of life"
    return "Replaced while good" if case.is_real else "Good when last seen"


def _told_before(battery_id: str) -> None:
    with st.expander("What was predicted before", icon=":material/timeline:"):
        predictions = life_answers.past_predictions(current_visitor(), battery_id).value
        if len(predictions) < 2:
            st.caption("A line appears with the second prediction; the fleet is predicted every hour.")
            return
        key = f"life_told_{battery_id}"
        live_chart(past_predictions(predictions), key=key, label="End of life as it was told over time")
        st.caption("A good prediction stays level while its interval narrows. Stored as told, and never changed.")
