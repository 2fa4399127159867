"""What a battery's state of health rests on."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import streamlit as st

from batterytwin.events import HealthEvidenceKind
from clients.types import HealthEvidence, Twin
from streamlit_app.charts.evidence_ladder import Rung, evidence_ladder
from streamlit_app.evidence_words import EVIDENCE_HELP, EVIDENCE_TEXT, LADDER
from streamlit_app.live_chart import live_chart
from streamlit_app.wording import local_date, number, word

PRIOR_ONLY: Final = "Prior only: nothing measured yet."


def health_evidence(twin: Twin, *, may_record: bool) -> None:
    """Shows the ladder of evidence, the last evidence of capacity, and what would help."""
    st.markdown("**What the state of health rests on**", help=_ladder_help())
    rungs = ladder(twin)
    if any(rung.soh is not None for rung in rungs):
        key = f"ladder_{twin.battery_id}"
        live_chart(
            evidence_ladder(rungs, uirevision=key), key=key, label="Capacity by kind of evidence, best kind first"
        )
    if twin.capacity_evidence_time is not None:
        kind = word(EVIDENCE_TEXT, twin.capacity_evidence_kind).lower()
        st.markdown(f"Last evidence of capacity: **{kind}**, {local_date(twin.capacity_evidence_time)}{_ago(twin)}.")
        return
    what = "Record one below" if may_record else "An engineer can record one"
    st.info(f"{_without_capacity(twin)} A capacity test settles it to about 2 %. {what}.", icon=":material/science:")


def _without_capacity(twin: Twin) -> str:
    """What the state of health is worth as long as no test and no discharge has shown the capacity."""
    signs = [
        word(EVIDENCE_TEXT, evidence.kind).lower()
        for evidence in twin.health_evidence
        if evidence.kind is not HealthEvidenceKind.PRIOR
    ]
    if signs and deciding_kind(twin.health_evidence) == HealthEvidenceKind.PRIOR:
        return (
            f"**Mostly a guess from age and temperature.** Indirect signs ({', '.join(signs)}) say little yet, and no "
            "discharge has shown the capacity."
        )
    if signs:
        return (
            f"**Indirect signs only** ({', '.join(signs)}): no discharge has shown the capacity yet, so the state of "
            "health may be off."
        )
    return f"**{PRIOR_ONLY}** The state of health is a guess from age and temperature."


def ladder(twin: Twin) -> list[Rung]:
    """The joint estimate and every kind of evidence below it, best first; kinds without a word stay empty."""
    found = {int(evidence.kind): evidence for evidence in twin.health_evidence}
    decides = deciding_kind(twin.health_evidence)
    joined = twin.soh_capacity
    rungs = [
        Rung(
            "Together",
            "state of health" if joined else "not known yet",
            joined.value if joined else None,
            joined.sigma if joined else 0.0,
            joined=True,
        )
    ]
    for kind in LADDER:
        evidence = found.get(kind)
        if evidence is None:
            known = twin.capacity_evidence_time is not None and kind == twin.capacity_evidence_kind
            when = local_date(twin.capacity_evidence_time) if known else "nothing yet"
            rungs.append(Rung(EVIDENCE_TEXT[kind], when, None, 0.0))
            continue
        soh = evidence.soh_capacity
        when = local_date(evidence.time) if evidence.time else "at any time"
        rungs.append(Rung(EVIDENCE_TEXT[kind], when, soh.value, soh.sigma, decides=int(kind) == decides))
    return rungs


def deciding_kind(evidence: Sequence[HealthEvidence]) -> int | None:
    """Number of the kind that weighs most in the joint estimate (the smallest sigma); None where there is none."""
    if not evidence:
        return None
    return int(min(evidence, key=lambda item: item.soh_capacity.sigma).kind)


def evidence_news(before: Twin | None, after: Twin) -> str:
    """What a recorded test has changed, in words."""
    new, old = after.soh_capacity, before.soh_capacity if before else None
    if new is None:
        return ""
    text = f"State of health is now {number(100 * new.value, 1)} ± {number(100 * new.sigma, 1, '%')}"
    return f"{text}, was {number(100 * old.value, 1)} ± {number(100 * old.sigma, 1, '%')}." if old else f"{text}."


def _ago(twin: Twin) -> str:
    if twin.as_of is None or twin.capacity_evidence_time is None:
        return ""
    days = (twin.as_of - twin.capacity_evidence_time) / timedelta(days=1)
    return f", {number(days, 0)} days ago" if days >= 2 else ""


def _ladder_help() -> str:
    return "\n\n".join(f"**{EVIDENCE_TEXT[kind]}**: {EVIDENCE_HELP[kind]}" for kind in LADDER) + (
        "\n\nThe state of health joins them by their precision. Without new evidence its uncertainty grows."
    )
