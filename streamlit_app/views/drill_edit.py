"""Another course for a drill that runs: its parameters, what else happens, its pace."""

from typing import Final

import streamlit as st

from batterytwin.errors import ConflictError, TwinError
from clients.types import Drill
from streamlit_app import answers, scenario_answers
from streamlit_app.alert_list import plain
from streamlit_app.notices import explained
from streamlit_app.planned_parts import begin_with, clear_plan
from streamlit_app.request_ids import done, request_id
from streamlit_app.scenario_composer import compose
from streamlit_app.views.drill_start import speed_field
from streamlit_app.visitor import Visitor, current_visitor

_EDITED: Final = "drill_edited"


def edit(drill: Drill) -> None:
    """Opens the form for a drill, with the drill as it is now."""
    close()
    clear_plan(_space(drill))
    st.session_state[_EDITED] = drill


def close() -> None:
    """Closes the form."""
    drill = st.session_state.pop(_EDITED, None)
    if drill is not None:
        clear_plan(_space(drill))


def drill_edit() -> None:
    """Shows the form for the drill that was chosen; nothing where none was."""
    if st.session_state.get(_EDITED) is not None:
        with st.container(border=True, key="panel_edit"):
            _form()


@st.fragment
@explained
def _form() -> None:
    drill: Drill | None = st.session_state.get(_EDITED)
    if drill is None:
        return
    visitor = current_visitor()
    space = _space(drill)
    begin_with(space, drill.parts, scenario_answers.library(visitor).value.scenarios)
    st.markdown(f"**Change “{plain(drill.title)}”** :gray[from its present on]")
    held = [site for site in answers.locations(visitor.live).value if site.location_id in drill.location_ids]
    parts = compose(visitor, space, held, with_start=True, nothing="Nothing happens any more. Add a scenario.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        speed = speed_field(space, drill.speed, width=420)
        apply = st.button("Apply", type="primary", icon=":material/check:", key=f"apply_{space}", disabled=not parts)
        if st.button("Close", key=f"close_{space}"):
            close()
            st.rerun()
    if not (apply and parts):
        return
    client = visitor.backend.client
    try:
        name = request_id("change drill", [drill.drill_id, drill.revision, parts, speed])
        visitor.act(
            lambda token: client.update_scenario(
                drill.drill_id, parts, speed=speed, revision=drill.revision, request_id=name, token=token
            )
        )
    except ConflictError as error:
        st.error(plain(error.message), icon=":material/error:")
        _offer_newest(visitor, drill)
        return
    except TwinError as error:
        st.error(plain(error.message), icon=":material/error:")
        return
    done()
    close()
    scenario_answers.forget(visitor)
    st.toast(f"“{drill.title}” goes on as changed.", icon=":material/check:")
    st.rerun()


def _offer_newest(visitor: Visitor, drill: Drill) -> None:
    scenario_answers.forget(visitor)
    newest = scenario_answers.drill(visitor, drill.drill_id)
    st.button("Look at it as it is now", key=f"newest_{_space(drill)}", on_click=edit, args=(newest,))


def _space(drill: Drill) -> str:
    return f"edit_{drill.drill_id}_{drill.revision}"
