"""The data sheet of a battery and of the slot it stands in."""

from datetime import UTC, datetime

import streamlit as st

from batterytwin.datasheet import BatteryDatasheet, load_datasheet
from batterytwin.errors import InvalidArgumentError
from clients.types import Twin
from streamlit_app.alert_list import plain
from streamlit_app.wording import local_time, number, percent


def data_sheet(twin: Twin) -> None:
    """Shows what is known of the block before any measurement."""
    st.markdown("**Data sheet**")
    rows = [
        ("Model", twin.model),
        ("Rated capacity", f"{number(twin.rated_capacity_ah, 0, 'Ah')} at the 10-hour rate"),
        *_model_rows(twin.model),
        ("Serial number", plain(twin.serial)),
        ("Unit in this slot", f"number {twin.unit_seq}"),
        ("Installed", _installed(twin.install_time)),
        ("Place", f"{twin.system_id}, string {twin.string_id}, block {twin.position}"),
        ("Capacity evidence", local_time(twin.capacity_evidence_time, seconds=False) if twin.capacity_evidence_time
         else "none yet, so the state of health is a prior"),
        ("Filter version", twin.model_version),
    ]  # fmt: skip
    shown = [(name, value) for name, value in rows if value]
    half = (len(shown) + 1) // 2
    for column, part in zip(st.columns(2, gap="large"), (shown[:half], shown[half:]), strict=True):
        with column:
            st.table(dict(part), border="horizontal")


def _model_rows(model: str) -> list[tuple[str, str]]:
    sheet = _sheet(model)
    if sheet is None:
        return []
    return [
        ("Cells", str(sheet.cells)),
        ("Float voltage", f"{number(sheet.float_v, 2, 'V')} at 25 °C, {number(1000 * sheet.compensation_v_k, 0)} mV/K"),
        ("End voltage", number(sheet.end_v_cell * sheet.cells, 2, "V")),
        ("Resistance when new", number(1000 * sheet.r0_ohm, 2, "mΩ")),
        ("Design life", f"{number(sheet.life_years_20c, 0)} years at 20 °C"),
        ("End of life", f"{percent(sheet.end_of_life_soh, 0)} of rated capacity"),
    ]


def _sheet(model: str) -> BatteryDatasheet | None:
    try:
        return load_datasheet(model)
    except InvalidArgumentError:
        return None  # a model of somebody else, whose data sheet only the server knows


def _installed(instant: datetime | None) -> str:
    if instant is None:
        return ""
    years = (datetime.now(UTC) - instant).days / 365.25
    return f"{instant.astimezone(UTC):%d %b %Y}, {number(years, 1)} years ago"
