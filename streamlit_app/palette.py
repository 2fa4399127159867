"""Every colour of the dashboard: told apart by colour-blind people, at home on light and on dark ground."""

from collections.abc import Mapping
from typing import Final, Literal

from batterytwin.alerts import Severity
from batterytwin.telemetry import Quality

GREEN: Final = "#1E9E77"
"""All is well. Green, yellow and red follow Okabe and Ito's palette, whose lightness differs as well as its hue."""
YELLOW: Final = "#E3B505"
RED: Final = "#D1495B"
BLUE: Final = "#3D7EDB"
GREY: Final = "#8A94A6"
"""Unknown, old or not applicable."""

AMBER: Final = "#F2A900"
"""The ground of whatever is simulated, and of nothing else."""

SERIES: Final = ("#3D7EDB", "#E07A1F", "#1E9E77", "#B0579F", "#7A6FD0", "#C2850C")
"""Lines of a chart, in order."""

BadgeColour = Literal["red", "orange", "blue", "green", "gray"]

_SEVERITY_BADGE: Final[Mapping[int, BadgeColour]] = {
    Severity.INFO: "blue",
    Severity.WARNING: "orange",
    Severity.CRITICAL: "red",
}
_QUALITY_BADGE: Final[Mapping[int, BadgeColour]] = {
    Quality.LIVE: "green",
    Quality.STALE: "orange",
    Quality.SUSPECT: "red",
}


def severity_badge(severity: int) -> BadgeColour:
    """Colour of an alert's badge; grey for ranks that this dashboard does not know."""
    return _SEVERITY_BADGE.get(severity, "gray")


def quality_badge(quality: int) -> BadgeColour:
    """Colour of a quality's badge; grey where there is nothing to trust."""
    return _QUALITY_BADGE.get(quality, "gray")


def faint(colour: str, opacity: float) -> str:
    """A colour of this page as a veil over the ground, `opacity` 0...1."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"rgba({red},{green},{blue},{opacity})"
