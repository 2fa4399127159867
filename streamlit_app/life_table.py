"""Remaining lives of many batteries as a table."""

from typing import Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from batterytwin.life import DAYS_PER_MONTH, DISAGREEMENT_LIMIT, LOW_CONFIDENCE
from batterytwin.life_plan import due_soon
from clients.types import Confidence, LifeColumns, Quarter
from streamlit_app.life_words import CONFIDENCE_TEXT, FACTOR_TEXT, SOURCE_TEXT, URGENCY_TEXT
from streamlit_app.wording import BANGKOK, NOTHING, word

COLUMN_CONFIG: Final = {
    "battery": st.column_config.TextColumn("Battery", pinned=True, width="medium"),
    "months": st.column_config.NumberColumn("Months left", format="%.0f", help="Median of the fused estimate"),
    "lower": st.column_config.NumberColumn("from", format="%.0f", help="Lower end of the 90 % interval, months"),
    "upper": st.column_config.NumberColumn(
        "to", format="%.0f", help="Upper end of the 90 % interval, months; empty where none is known to hold"
    ),
    "soh": st.column_config.NumberColumn("SOH %", format="%.1f", help="Present over rated capacity"),
    "urgency": st.column_config.TextColumn("Replace", width="small"),
    "quarter": st.column_config.TextColumn("Quarter", width="small", help="Suggested quarter of the replacement"),
    "confidence": st.column_config.TextColumn("Confidence", width="small"),
    "right": st.column_config.NumberColumn(
        "Right %", format="%.0f", help="Share of similar cases that the model got right"
    ),
    "factor": st.column_config.TextColumn("Main factor", width="medium"),
    "share": st.column_config.NumberColumn("Share %", format="%.0f", help="Its share in all that moves the life"),
    "twin": st.column_config.NumberColumn("Twin", format="%.0f", help="Median by the twin's physics alone, months"),
    "model": st.column_config.NumberColumn("Model", format="%.0f", help="Median of the learned model, months"),
    "differ": st.column_config.CheckboxColumn("Differ", help="Twin and model differ by more than 30 %"),
    "source": st.column_config.TextColumn("Rests on", width="medium"),
    "as_of": st.column_config.DatetimeColumn(
        "Newest reading", format="DD MMM YYYY, HH:mm", help="Bangkok time; the months count from it"
    ),
}


def disagreeing(lives: LifeColumns) -> NDArray[np.bool_]:
    """Where twin and model differ by more than 30 % of their mean, `(n_batteries,)`."""
    twin, model = lives.twin_days.astype(np.float64), lives.model_days.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(twin - model) > DISAGREEMENT_LIMIT * 0.5 * (twin + model))


def to_review(lives: LifeColumns, present: Quarter) -> NDArray[np.bool_]:
    """Where a replacement is due within two quarters by a life of low confidence, `(n_batteries,)`."""
    shares = lives.confidence_shares.astype(np.float64)
    return np.asarray((shares < LOW_CONFIDENCE) & due_soon(lives.quarters, present))


def life_table(lives: LifeColumns, keep: NDArray[np.bool_]) -> pd.DataFrame:
    """Rows of the batteries to keep, in fleet order.

    Args:
        lives: columns.
        keep: True for each battery to show, shape `(n_batteries,)`.
    """
    ids = np.asarray(lives.battery_ids, object)

    def months(days: NDArray[np.float32]) -> NDArray[np.float64]:
        return days[keep].astype(np.float64) / DAYS_PER_MONTH

    return pd.DataFrame(
        {
            "battery": ids[keep],
            "months": months(lives.days_50),
            "lower": months(lives.days_05),
            "upper": np.where(lives.upper_known[keep], months(lives.days_95), np.nan),
            "soh": lives.soh_capacity[keep].astype(np.float64) * 100,
            "urgency": [word(URGENCY_TEXT, urgency) for urgency in lives.urgencies[keep]],
            "quarter": [str(Quarter.of_index(int(index))) for index in lives.quarters[keep]],
            "confidence": [_confidence(share) for share in lives.confidence_shares[keep]],
            "right": lives.confidence_shares[keep].astype(np.float64) * 100,
            "factor": [word(FACTOR_TEXT, factor) for factor in lives.top_factors[keep]],
            "share": lives.top_shares[keep].astype(np.float64) * 100,
            "twin": months(lives.twin_days),
            "model": months(lives.model_days),
            "differ": disagreeing(lives)[keep],
            "source": [word(SOURCE_TEXT, source) for source in lives.sources[keep]],
            "as_of": pd.to_datetime(lives.as_of_unix_ns[keep], utc=True).tz_convert(BANGKOK),
        }
    )


def _confidence(share: float) -> str:
    return NOTHING if np.isnan(share) else word(CONFIDENCE_TEXT, Confidence.of_share(float(share)))
