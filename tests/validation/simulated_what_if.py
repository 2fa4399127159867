"""Scenarios on copies of twins: their signatures, whether the twins name them, and how sure a branch may be."""

from collections.abc import Callable, Mapping
from typing import Final

from tests.actors import branch_signatures as signatures
from tests.actors.branch_runs import LiveWorld, live_world
from tests.validation.section import Context

_MEASURED: Final[dict[str, Callable[[LiveWorld], signatures.Figures]]] = {
    "shorted_cell": signatures.shorted_cell,
    "open_cell": signatures.open_cell,
    "charger": signatures.charger_overvoltage,
    "cooling": signatures.failed_cooling,
    "drift": signatures.drifting_resistance,
    "outage": signatures.outage_with_weak_block,
    "loose": signatures.loose_connection,
    "runaway": signatures.runaway,
}
_QUICK: Final = ("shorted_cell", "open_cell", "outage", "loose")


def measure(context: Context) -> Mapping[str, float]:
    """Plays every scenario on the same copies; the coverage comes last, for it takes the live batteries along."""
    world = live_world()
    found: dict[str, float] = {}
    named: list[float] = []
    for name, figures_of in _MEASURED.items():
        if context.quick and name not in _QUICK:
            continue
        figures = figures_of(world)
        named += [value for figure, value in figures.items() if figure == "named"]
        found |= {f"what_if.{name}_{figure}": value for figure, value in figures.items() if figure != "regime"}
        context.say(f"{name} done")
    if not context.quick:
        named += [float(signatures.sensor_named(world, *sensor)) for sensor in signatures.SENSORS]
    found["what_if.named_percent"] = 100.0 * sum(named) / len(named)
    members = signatures.coverage(world, hours=6.0 if context.quick else 24.0)
    found |= {f"what_if.{figure}_percent": 100.0 * share for figure, share in members.items()}
    return found
