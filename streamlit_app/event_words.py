"""Words and signs for events."""

from collections.abc import Mapping
from typing import Final

from batterytwin.events import CapacityTest, CurrentSensor, EventKind, Replacement, ReplacementReason
from clients.types import Event
from streamlit_app.palette import BLUE, GREEN, GREY, RED, SERIES, YELLOW, BadgeColour
from streamlit_app.wording import duration, local_time, number

EVENT_TEXT: Final[Mapping[int, str]] = {
    EventKind.MAINTENANCE: "Maintenance",
    EventKind.INSPECTION: "Inspection",
    EventKind.OUTAGE: "Outage",
    EventKind.CAPACITY_TEST: "Capacity test",
    EventKind.IMPEDANCE_TEST: "Resistance test",
    EventKind.REPLACEMENT: "Replacement",
    EventKind.CURRENT_SENSOR: "Current sensor",
}
EVENT_SIGN: Final[Mapping[int, tuple[str, str, str]]] = {
    EventKind.MAINTENANCE: ("diamond", BLUE, "◆"),
    EventKind.INSPECTION: ("circle", GREY, "●"),
    EventKind.OUTAGE: ("square", RED, "■"),
    EventKind.CAPACITY_TEST: ("star", GREEN, "★"),
    EventKind.IMPEDANCE_TEST: ("hexagon", YELLOW, "⬢"),
    EventKind.REPLACEMENT: ("triangle-up", SERIES[3], "▲"),
    EventKind.CURRENT_SENSOR: ("triangle-down", SERIES[1], "▼"),
}
"""Plotly symbol, colour and character of each kind."""
REASON_TEXT: Final[Mapping[int, str]] = {
    ReplacementReason.UNSPECIFIED: "not said: what is known of its health decides",
    ReplacementReason.END_OF_LIFE: "end of its life: too little capacity",
    ReplacementReason.OTHER: "another reason, such as damage or the whole string exchanged",
}
"""Why a block went."""
_BADGE: Final[Mapping[int, BadgeColour]] = {
    EventKind.MAINTENANCE: "blue",
    EventKind.OUTAGE: "red",
    EventKind.CAPACITY_TEST: "green",
    EventKind.IMPEDANCE_TEST: "orange",
    EventKind.REPLACEMENT: "blue",
    EventKind.CURRENT_SENSOR: "orange",
}


def event_badge(kind: int) -> BadgeColour:
    """Colour of the badge of a kind of event."""
    return _BADGE.get(kind, "gray")


def event_sign(kind: int) -> tuple[str, str, str]:
    """Plotly symbol, colour and character of a kind of event, also of one that this dashboard does not know."""
    return EVENT_SIGN.get(kind, ("cross", GREY, "✚"))


def when(event: Event) -> str:
    """When it was, and for how long."""
    text = local_time(event.start_time, seconds=False)
    if event.end_time is not None and event.end_time > event.start_time:
        return f"{text}, for {duration((event.end_time - event.start_time).total_seconds())}"
    return f"{text}, lasts" if event.end_time is None and event.kind is EventKind.OUTAGE else text


def concerns(event: Event) -> str:
    """What it concerns: a battery, a string or the whole site."""
    return event.battery_id or event.string_id or f"whole site {event.location_id}"


def exchanged(replacement: Replacement) -> str:
    """What went and what came, in a line."""
    text = f"Block {replacement.old_serial} went, block {replacement.new_serial} came"
    return f"{text}; {REASON_TEXT.get(replacement.reason, 'another reason')}" if replacement.reason else text


def sensor_words(sensor: CurrentSensor) -> str:
    """What the current sensor of a string is from then on, in a line."""
    text = f"The gateway counts a {'discharge' if sensor.discharge_positive else 'charge'} as positive"
    return text if sensor.offset_a is None else f"{text}; without current it reads {number(sensor.offset_a, 2, 'A')}"


def result(test: CapacityTest) -> str:
    """Result of a capacity test in a line."""
    return (
        f"{number(test.discharged_ah, 1, 'Ah')} at {number(test.current_a, 1, 'A')} and "
        f"{number(test.temperature_c, 1, '°C')}, down to {number(test.end_voltage_v, 2, 'V')}"
    )
