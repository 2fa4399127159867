"""How well the model of a battery fits, and the values inside it."""

import streamlit as st

from clients.types import Estimate, Regime, Twin
from streamlit_app.charts.innovation_gauge import innovation_gauge
from streamlit_app.live_chart import live_chart
from streamlit_app.tiles import tile
from streamlit_app.wording import NOTHING, number, spread


def innovation(twin: Twin) -> None:
    """The innovation as a number, as words and on the band that the filter expects."""
    found = twin.innovation_v
    if found is None:
        tile("Innovation", NOTHING, help_text=_INNOVATION_HELP)
        return
    value_mv, sigma_mv = 1_000 * found.value, 1_000 * found.sigma
    shown, band = st.columns((2, 3), vertical_alignment="center")
    with shown:
        tile("Innovation", number(value_mv, 1, "mV", sign=True), spread(sigma_mv, 1, "mV"), help_text=_INNOVATION_HELP)
    with band:
        if sigma_mv > 0:
            key = f"innovation_{twin.battery_id}"
            live_chart(
                innovation_gauge(value_mv, sigma_mv, uirevision=key), key=key,
                label=f"Innovation {value_mv:+.1f} mV on a band of {sigma_mv:.1f} mV",
            )  # fmt: skip
        st.caption(innovation_words(value_mv, sigma_mv))


_INNOVATION_HELP = (
    "Measured minus predicted voltage of the newest reading. The band is one and two standard deviations as the filter "
    "itself expects them: two in three readings should fall into the inner one."
)


def innovation_words(value_mv: float, sigma_mv: float) -> str:
    """How unusual an innovation is, in words."""
    if sigma_mv <= 0:
        return "The filter states no expectation."
    sigmas = abs(value_mv) / sigma_mv
    if sigmas <= 1:
        return "As expected: within one sigma."
    if sigmas <= 2:
        return "Usual: within two sigma."
    return f"Unusual: {number(sigmas, 1)} sigma from the prediction."


def model_tiles(twin: Twin) -> None:
    """Tiles of the values inside the model, each with one sigma where it is known."""
    floats = twin.regime is Regime.FLOAT
    for label, estimate, unit, factor, decimals, help_text in (
        ("V1, fast", twin.v1_v, "mV", 1_000, 1, "Fast polarisation, above zero while charging"),
        ("V2, slow", twin.v2_v, "mV", 1_000, 1, "Slow polarisation, above zero while charging"),
    ):
        _estimate(label, estimate, unit, factor, decimals, help_text, "not used on float" if floats else "")
    _estimate(
        "Float marker", twin.float_marker, "", 1, 2,
        "ln(float current over own gassing current) at the reference voltage and 25 °C. A slow change tells of dry-out "
        "or of a charger that moved.",
    )  # fmt: skip


def current_sensor_words(twin: Twin) -> None:
    """What the twin corrects about its current sensor, if anything."""
    offset = twin.current_offset_a
    if offset is not None and twin.as_of is not None:
        st.caption(
            f"Offset taken off the current sensor: {number(offset.value, 3, 'A', sign=True)} "
            f"{spread(offset.sigma, 3, 'A')}"
        )
    if twin.current_sign_swapped:
        st.badge(
            "Current sign turned", color="orange", icon=":material/swap_vert:",
            help="The current comes with the wrong sign; the twin turns it.",
        )  # fmt: skip


def _estimate(  # noqa: PLR0917 - a row of a table
    label: str, estimate: Estimate | None, unit: str, factor: float, decimals: int, help_text: str, absent: str = ""
) -> None:
    if estimate is None:
        tile(label, NOTHING, absent, help_text=help_text)
        return
    tile(
        label,
        number(estimate.value * factor, decimals, unit),
        spread(estimate.sigma * factor, decimals, unit),
        help_text=help_text,
    )
