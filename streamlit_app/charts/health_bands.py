"""The bands of health: green above 0.85, yellow 0.80...0.85, red below 0.80 (end of life)."""

import math
from enum import Enum
from typing import Final

from streamlit_app.palette import GREEN, GREY, RED, YELLOW, BadgeColour

END_OF_LIFE_SOH: Final = 0.80
AGEING_SOH: Final = 0.85


class HealthBand(Enum):
    """A band of `soh_capacity` with its word, its colour and the colour of its badge."""

    HEALTHY = ("Healthy", GREEN, "green")
    AGEING = ("Ageing", YELLOW, "orange")
    END_OF_LIFE = ("End of life", RED, "red")
    UNKNOWN = ("Unknown", GREY, "gray")

    def __init__(self, label: str, colour: str, badge: BadgeColour) -> None:
        self.label = label
        self.colour = colour
        self.badge: BadgeColour = badge


def health_band(soh_capacity: float | None) -> HealthBand:
    """The band of one battery; NaN and None are unknown."""
    if soh_capacity is None or not math.isfinite(soh_capacity):
        return HealthBand.UNKNOWN
    if soh_capacity < END_OF_LIFE_SOH:
        return HealthBand.END_OF_LIFE
    return HealthBand.AGEING if soh_capacity <= AGEING_SOH else HealthBand.HEALTHY


def band_edges(low: float, high: float) -> list[tuple[float, str]]:
    """Plotly colour scale over `low`...`high` with a hard step at each edge of a band.

    Within a band the colour deepens towards the worse end, so that 0.86 and 1.0 differ and the steps stay sharp.
    """

    def place(soh: float) -> float:
        return (soh - low) / (high - low)

    end_of_life, ageing = place(END_OF_LIFE_SOH), place(AGEING_SOH)
    return [
        (0.0, "#8E2B3D"),
        (end_of_life, RED),
        (end_of_life, "#D9A404"),
        (ageing, "#F2CF4A"),
        (ageing, "#8FCBB0"),
        (1.0, "#12805F"),
    ]
