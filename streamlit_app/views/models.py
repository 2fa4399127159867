"""Models page: what the learned models of remaining life are worth, and which one speaks."""

from collections.abc import Callable
from typing import Final

import pandas as pd
import streamlit as st

from batterytwin.errors import TwinError
from clients.types import LifeModel, ModelState, Role
from streamlit_app import life_answers
from streamlit_app.alert_list import plain
from streamlit_app.life_words import MODEL_STATE_BADGE, MODEL_STATE_TEXT
from streamlit_app.notices import away_notice, explained
from streamlit_app.visitor import Visitor, current_visitor
from streamlit_app.wording import local_time, number, percent, word

REFRESH_S: Final = 30
_NEWS: Final = "model_news"
_WORTH: Final = (
    "Models are trained on simulated lives to their end, because no public record of such lives of VRLA blocks exists. "
    "Their figures hold for simulated plants that training never saw; how true they are here shows in the drift below, "
    "and with every replacement that is recorded."
)


def show() -> None:
    """Draws the page."""
    st.caption(_WORTH)
    _live()


@st.fragment(run_every=REFRESH_S)
@explained
def _live() -> None:
    visitor = current_visitor()
    answer = life_answers.models(visitor)
    away_notice(answer)
    news = st.session_state.pop(_NEWS, "")
    if news:
        st.success(news, icon=":material/check_circle:")
    if not answer.value:
        st.info("No model is registered; lives are told by the twins' physics alone.", icon=":material/model_training:")
    for model in answer.value:
        with st.container(border=True, key=f"panel_model_{model.version}"):
            _model(model, visitor)


def _model(model: LifeModel, visitor: Visitor) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{plain(model.version)}**", width="content")
        st.badge(word(MODEL_STATE_TEXT, model.state), color=MODEL_STATE_BADGE.get(int(model.state), "gray"))
        if not model.gates:
            st.badge("No gate measured", color="red", icon=":material/block:")
        elif all(gate.passed for gate in model.gates):
            st.badge(f"{len(model.gates)} gates passed", color="green", icon=":material/verified:")
        else:
            failed = sum(not gate.passed for gate in model.gates)
            st.badge(f"{failed} of {len(model.gates)} gates failed", color="red", icon=":material/block:")
    st.caption(_origin(model))
    gates, figures = st.columns(2)
    with gates:
        _gates(model)
    with figures:
        _figures(model)
    for obstacle in model.obstacles:
        st.caption(f":material/block: {plain(obstacle)}")
    if visitor.identity.role is Role.ADMIN and not (model.state == ModelState.ACTIVE and model.approved_by):
        _actions(model, visitor)


def _origin(model: LifeModel) -> str:
    parts = [
        f"trained {local_time(model.train_time, seconds=False)}" if model.train_time else "",
        f"on {plain(model.data_range)}" if model.data_range else "",
        f"registered by {plain(model.imported_by)} {local_time(model.import_time, seconds=False)}",
        f"approved by {plain(model.approved_by)} {local_time(model.approve_time, seconds=False)}"
        if model.approved_by
        else "not approved yet",
        f"active since {local_time(model.activate_time, seconds=False)}" if model.state == ModelState.ACTIVE else "",
        f"{model.byte_count / 1e6:.1f} MB",
    ]
    return " · ".join(part for part in parts if part)


def _gates(model: LifeModel) -> None:
    st.markdown("Gates")
    st.dataframe(
        pd.DataFrame(
            {
                "Gate": [gate.name.replace("_", " ") for gate in model.gates],
                "Measured": [_figure(gate.value) for gate in model.gates],
                "Limit": [gate.limit for gate in model.gates],
                "Passed": [gate.passed for gate in model.gates],
            }
        ),
        hide_index=True, key=f"gates_{model.version}",
    )  # fmt: skip


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _figures(model: LifeModel) -> None:
    st.markdown("Figures of its training, and since")
    rows = [(name.replace("_", " "), _figure(value)) for name, value in model.metrics.items()]
    if model.drift is not None:
        drift = model.drift
        rows += [
            ("drift: median error", f"{percent(drift.error)} (alert above {percent(drift.limit, 0)})"),
            ("drift: bias", percent(drift.bias)),
            ("drift: pairs, lives ended", f"{drift.pair_count:,}, {drift.realised_count:,}"),
        ]
    if model.comparison is not None:
        against = model.comparison
        rows += [
            (f"against {against.active_version}: median ratio", number(against.median_log_ratio, 3, sign=True)),
            ("differs by more than 30 %", percent(against.differing_share)),
        ]
    st.dataframe(pd.DataFrame(rows, columns=["Figure", "Value"]), hide_index=True, key=f"figures_{model.version}")


def _actions(model: LifeModel, visitor: Visitor) -> None:
    client = visitor.backend.client
    with st.container(horizontal=True, vertical_alignment="bottom"):
        note = st.text_input(
            "Why", key=f"model_note_{model.version}", max_chars=1_000, placeholder="For the audit trail", width=320
        )
        version = model.version
        if not model.approved_by and st.button("Approve", key=f"approve_{version}", icon=":material/verified:"):
            _act(visitor, lambda token: client.approve_model(version, note, token=token), f"{version} is approved.")
        if model.state != ModelState.ACTIVE:
            _switches(model, visitor, note)


def _switches(model: LifeModel, visitor: Visitor, note: str) -> None:
    client, version = visitor.backend.client, model.version
    blocked = bool(model.obstacles)
    if st.button(
        "Activate", key=f"activate_{version}", icon=":material/play_arrow:", disabled=blocked,
        help="; ".join(model.obstacles) if blocked else "It speaks from now on; the one before can be activated again.",
    ):  # fmt: skip
        _act(visitor, lambda token: client.activate_model(version, note, token=token), f"{version} speaks now.")
    if model.state == ModelState.SHADOW:
        if st.button("End shadowing", key=f"unshadow_{version}"):
            _act(visitor, lambda token: client.shadow_model("", token=token), "Nothing is shadowed any more.")
    elif st.button("Shadow", key=f"shadow_{version}", help="It predicts beside the active one, without being told."):
        _act(visitor, lambda token: client.shadow_model(version, token=token), f"{version} predicts in the shadow.")


def _act(visitor: Visitor, method: Callable[[str], object], news: str) -> None:
    try:
        visitor.act(method)
    except TwinError as error:
        st.error(plain(error.message), icon=":material/error:")
        return
    visitor.backend.live.forget(visitor.live.scope)
    st.session_state[_NEWS] = news
    st.rerun()
