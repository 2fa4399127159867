"""Names of what people send, so that nothing is done twice when an answer was lost."""

import json
import uuid
from typing import Final

import streamlit as st

_PENDING: Final = "request_pending"


def request_id(action: str, content: object) -> str:
    """The same UUID while the same is sent again, as after a time-out; `done` makes the next one another."""
    text = json.dumps([action, content], default=str)
    pending = st.session_state.get(_PENDING)
    if pending is None or pending[0] != text:
        pending = st.session_state[_PENDING] = (text, str(uuid.uuid4()))
    return str(pending[1])


def done() -> None:
    """Notes that the server has answered: the same content is something new from now on."""
    st.session_state.pop(_PENDING, None)
