"""Evidence of capacity to give to twins."""

from batterytwin.events import TwinInput, TwinInputKind
from tests.actors.telemetry import START_US


def evidence(  # noqa: PLR0917  # in the order of the fields
    battery_key: int,
    source_id: str,
    soh: float = 0.8,
    sigma: float = 0.025,
    kind: TwinInputKind = TwinInputKind.CAPACITY_TEST,
    time_us: int = START_US,
) -> TwinInput:
    """A capacity test unless another kind is asked for."""
    return TwinInput(battery_key, kind, time_us, source_id, soh, sigma)
