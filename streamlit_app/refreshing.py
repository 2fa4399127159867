"""Parts of a page that renew themselves."""

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec

import streamlit as st

from streamlit_app.drill_choice import current_drill

P = ParamSpec("P")

IN_A_DRILL_S: Final = 2.0
"""A drill may run faster than life, and whoever watches it must see changes at once."""


def refreshing(
    every_s: float, *, in_a_drill_s: float = IN_A_DRILL_S
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Renews a part of a page every so many seconds, in a drill more often."""

    def decorate(show: Callable[P, None]) -> Callable[P, None]:
        @wraps(show)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
            st.fragment(show, run_every=min(every_s, in_a_drill_s) if current_drill() else every_s)(*args, **kwargs)

        return wrapper

    return decorate
