"""A scenario of one's own: written as TOML or YAML, or built from a table; checked by the server before it is used."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from batterytwin.errors import TwinError
from clients.types import Scenario
from streamlit_app import scenario_answers
from streamlit_app.alert_list import plain
from streamlit_app.planned_parts import add_part
from streamlit_app.visitor import Visitor

MOST_TEXT: Final = 65_536
_EFFECTS: Final = ("kind", "start_h", "duration_h", "magnitude", "rate_k_h", "hottest_c")
_EXAMPLE: Final = """\
name = "hot_outage"
title = "An outage in a warm room"
targets = ["location"]

[[parameter]]
name = "outage_h"
unit = "h"
default = 1.0
least = 0.1
most = 8.0
words = "How long the mains are away."

[[effect]]
kind = "ROOM"
magnitude = 8.0
rate_k_h = 2.0

[[effect]]
kind = "OUTAGE"
start_h = 3.0
duration_h = "outage_h"
magnitude = 1.0
"""


def own_scenario(visitor: Visitor, space: str) -> None:
    """Shows the text field with its check, and a table that writes the text."""
    key = f"own_{space}"
    with st.expander("Build it from a table", icon=":material/table_rows:"):
        _builder(visitor, key)
    text = st.text_area(
        "Definition, TOML or YAML", key=key, height=270, max_chars=MOST_TEXT, placeholder=_EXAMPLE,
        help="What happens, when, for how long and how much. A number may be the name of a parameter.",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        checked = st.button("Check", icon=":material/fact_check:", key=f"check_{key}")
        added = st.button("Check and add", icon=":material/add:", key=f"add_{key}", type="primary")
        st.button("Example", key=f"example_{key}", type="tertiary", on_click=_write, args=(key, _EXAMPLE))
    if not (checked or added):
        return
    if not text.strip():
        st.error("Write a definition first, or take the example.", icon=":material/error:")
        return
    try:
        scenario = scenario_answers.check(visitor, text)
    except TwinError as error:
        st.error(plain(error.message), icon=":material/error:")
        return
    if added:
        add_part(space, scenario, own=True)
    count = len(scenario.parameters)
    st.success(
        f"“{plain(scenario.title)}” {'is added' if added else 'can be played'}: "
        f"{count} parameter{'' if count == 1 else 's'}.",
        icon=":material/check_circle:",
    )


def _builder(visitor: Visitor, key: str) -> None:
    kinds = effect_kinds(scenario_answers.library(visitor).value.scenarios)
    title = st.text_input("Title", key=f"title_{key}", max_chars=80, placeholder="For example: Warm room, then outage")
    rows = st.data_editor(
        pd.DataFrame({name: pd.Series(dtype="str" if name == "kind" else "float") for name in _EFFECTS}),
        key=f"rows_{key}", num_rows="dynamic", hide_index=True,
        column_config={
            "kind": st.column_config.SelectboxColumn("What", options=list(kinds), required=True, width="medium"),
            "start_h": st.column_config.NumberColumn("From, h", min_value=0.0, format="%g"),
            "duration_h": st.column_config.NumberColumn("For, h", min_value=0.0, format="%g", help="Empty = it stays"),
            "magnitude": st.column_config.NumberColumn("How much", format="%g", help="In the unit of the kind"),
            "rate_k_h": st.column_config.NumberColumn("K/h", format="%g", help="ROOM: how fast; empty = at once"),
            "hottest_c": st.column_config.NumberColumn("Up to, °C", format="%g", help="ROOM: what it does not exceed"),
        },
    )  # fmt: skip
    effects = rows.dropna(subset=["kind"]).to_dict("records")
    st.button(
        "Write the definition", icon=":material/edit_note:", key=f"write_{key}",
        disabled=not (title.strip() and effects), on_click=_write, args=(key, definition_of(title, effects, kinds)),
    )  # fmt: skip


def _write(key: str, text: str) -> None:
    st.session_state[key] = text


def effect_kinds(scenarios: Sequence[Scenario]) -> dict[str, tuple[str, ...]]:
    """Kinds of effects that the library knows, with the targets that each is aimed at there."""
    kinds: dict[str, tuple[str, ...]] = {}
    for scenario in scenarios:
        found = json.loads(scenario.definition) if scenario.definition else {}
        for effect in found.get("effect", ()):
            kinds.setdefault(str(effect["kind"]), tuple(str(level) for level in found["targets"]))
    return dict(sorted(kinds.items()))


def definition_of(title: str, effects: Sequence[Mapping[Any, Any]], kinds: Mapping[str, Sequence[str]]) -> str:
    """Rows of the table as TOML, aimed at what all their kinds can be aimed at."""
    shared = [
        level
        for level in ("location", "string", "battery")
        if all(level in kinds.get(str(e["kind"]), ()) for e in effects)
    ]
    name = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in title.strip().lower()).strip("_")
    name = name if name[:1].isalpha() else f"own_{name}"
    lines = [
        f"name = {json.dumps(name[:48].rstrip('_'))}",
        f"title = {json.dumps(title.strip(), ensure_ascii=False)}",
        f"targets = {json.dumps(shared or ['location'])}",
    ]
    for effect in effects:
        lines += ["", "[[effect]]", f"kind = {json.dumps(str(effect['kind']))}"]
        lines += [f"{field} = {float(effect[field])!r}" for field in _EFFECTS[1:] if pd.notna(effect.get(field))]
    return "\n".join(lines) + "\n"
