"""Words for what a state of health rests on."""

from collections.abc import Mapping
from typing import Final

from batterytwin.events import HealthEvidenceKind

EVIDENCE_TEXT: Final[Mapping[int, str]] = {
    HealthEvidenceKind.UNSPECIFIED: "None yet",
    HealthEvidenceKind.CAPACITY_TEST: "Capacity test",
    HealthEvidenceKind.DEEP_DISCHARGE: "Deep discharge",
    HealthEvidenceKind.DISCHARGE_RANK: "Rank in discharge",
    HealthEvidenceKind.RESISTANCE_TREND: "Resistance trend",
    HealthEvidenceKind.FLOAT_MARKER: "Float marker",
    HealthEvidenceKind.PRIOR: "Age and warmth",
}
EVIDENCE_HELP: Final[Mapping[int, str]] = {
    HealthEvidenceKind.UNSPECIFIED: "Nothing has shown the capacity.",
    HealthEvidenceKind.CAPACITY_TEST: "A recorded test: the charge that came out until the end voltage.",
    HealthEvidenceKind.DEEP_DISCHARGE: "A discharge of more than 30 % of the capacity, as in a long outage.",
    HealthEvidenceKind.DISCHARGE_RANK: "Where its voltage stood among the string's blocks at the end of a discharge.",
    HealthEvidenceKind.RESISTANCE_TREND: "How far the instrument's resistance at 25 °C has risen.",
    HealthEvidenceKind.FLOAT_MARKER: "How the float current has changed.",
    HealthEvidenceKind.PRIOR: "What the data sheet's life law expects at this age and temperature: a guess, not a "
    "measurement.",
}
LADDER: Final = tuple(kind for kind in HealthEvidenceKind if kind)
"""Kinds of evidence, best first."""
