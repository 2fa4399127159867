"""A value with a word beside it."""

import streamlit as st


def tile(label: str, value: str, note: str = "", *, help_text: str | None = None) -> None:
    """A tile whose second line is a plain note: a sigma, a direction, a reason. It never looks like a rise or a fall.

    Args:
        label: what it is.
        value: the value with its unit.
        note: second line; empty = none.
        help_text: explanation under the pointer.
    """
    if note:
        st.metric(label, value, delta=note, delta_color="off", delta_arrow="off", help=help_text)
    else:
        st.metric(label, value, help=help_text)
