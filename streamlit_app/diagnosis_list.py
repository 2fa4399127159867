"""Diagnosed faults with what speaks for them."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from batterytwin.diagnosis import DiagnosisEvidence, FaultSource
from clients.types import StringDiagnosis
from streamlit_app import links
from streamlit_app.alert_list import plain
from streamlit_app.fault_words import FAULT_HELP, FAULT_TEXT, SOURCE_TEXT, source_badge
from streamlit_app.wording import both_times, compact, local_time, word


def diagnosis_list(diagnoses: Sequence[StringDiagnosis], *, link_blocks: bool = True) -> None:
    """Shows faults, gravest first: class, part at fault, blocks, since when, and the evidence.

    Args:
        diagnoses: faults that stand.
        link_blocks: offer the way to the blocks; not needed on the page of the block itself.
    """
    for diagnosis in diagnoses:
        with st.container(gap="xxsmall"):
            _headline(diagnosis)
            st.markdown(FAULT_HELP.get(int(diagnosis.fault), ""))
            if link_blocks and diagnosis.battery_ids:
                with st.container(horizontal=True, gap="small"):
                    for battery_id in diagnosis.battery_ids:
                        links.battery_link(battery_id, battery_id, ":material/battery_alert:")
            _evidence(diagnosis.evidence)


def _headline(diagnosis: StringDiagnosis) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(
            word(SOURCE_TEXT, diagnosis.source), color=source_badge(diagnosis.source), icon=":material/build:",
            help="The part at fault",
        )  # fmt: skip
        st.markdown(f"**{word(FAULT_TEXT, diagnosis.fault)}** · {_where(diagnosis)}", width="content")
        st.caption(
            f"since {local_time(diagnosis.since_time, seconds=False)}", width="content",
            help=both_times(diagnosis.since_time),
        )  # fmt: skip


def _where(diagnosis: StringDiagnosis) -> str:
    names = [battery_id.rsplit("-", 1)[-1] for battery_id in diagnosis.battery_ids]
    if not names:
        return "somewhere in the string" if diagnosis.source is FaultSource.CONNECTION else "the whole string"
    return f"block{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _evidence(evidence: Sequence[DiagnosisEvidence]) -> None:
    if not evidence:
        return
    st.table(
        pd.DataFrame(
            {
                "What was seen": [plain(item.observation) for item in evidence],
                "Seen": [_unbroken(item.value, item.unit) for item in evidence],
                "Expected": [_unbroken(item.expected, item.unit) for item in evidence],
            }
        ),
        border="horizontal",
        hide_index=True,
    )


def _unbroken(value: float, unit: str) -> str:
    return compact(value, unit).replace(" ", "\N{NO-BREAK SPACE}")  # a number and its unit stay on one line
