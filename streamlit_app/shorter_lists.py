"""Lists of a page that grow shorter while other parts of it renew themselves."""

import streamlit as st


def cover_rest(shown: int, most: int) -> None:
    """Covers what an earlier, longer list left on the page; call where the list ends.

    Streamlit takes away what a fragment drew before and did not draw again, but forgets to when another fragment of the
    page runs at that moment; the rest of the longer list then stays in sight below the shorter one.

    Args:
        shown: elements of the list that were drawn.
        most: elements that it may ever have.
    """
    for _ in range(most - shown):
        st.empty()
