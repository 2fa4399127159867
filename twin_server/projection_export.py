"""Stored projections as JSON and as CSV."""

import csv
import math
from collections.abc import Iterator
from typing import Any, Final, TextIO

from batterytwin.life import QUANTILES
from clients.projections import FiveQuantiles, Projection

_COLUMNS: Final = ("course", "quantity", "item", "statistic", "value")


def as_answer(projection: Projection) -> dict[str, Any]:
    """A stored projection in the form of those that `batterytwin project` computes itself."""
    request = projection.request
    answer: dict[str, Any] = {
        "projection_id": projection.projection_id,
        "title": request.title,
        "state": state_name(projection),
        "progress": projection.progress,
        "reason": projection.reason,
        "asked_by": projection.asked_by,
        "asked": projection.ask_time.isoformat(),
        "batteries": projection.battery_count,
        "begin_us": None if projection.begin_time is None else round(projection.begin_time.timestamp() * 1e6),
        "names": list(request.names),
        "years": request.years,
        "members": request.members,
        "seed": request.seed,
        "scenario": [
            {
                "name": part.scenario_name,
                "targets": list(part.targets),
                "parameters": dict(part.parameters),
                "start_s": part.start_s,
                "definition": part.definition,
            }
            for part in request.parts
        ],
        "minutes": request.carry_min,
        "load": request.load,
        "block_price": request.block_price,
        "took_s": projection.took_s,
    }
    for name, course in (("baseline", projection.baseline), ("with_scenario", projection.with_scenario)):
        if course is not None:
            answer[name] = {
                "replacements": [quantiles_of(year) for year in course.replacements],
                "first_loss_days": {loss.location_id: quantiles_of(loss.days) for loss in course.first_losses},
                "carrying": [_system(system) for system in course.carrying],
                "one_more_string": [
                    _system(system) | {"gain": system.with_one_more_string - system.in_half_a_year}
                    for system in course.one_more_string
                ],
            }
    if projection.warmth:
        answer["warmth"] = [
            {"warmer_k": row.warmer_k, "replacements": quantiles_of(row.replacements), "cost": row.cost}
            for row in projection.warmth
        ]
    return answer


def write_csv(projection: Projection, file: TextIO) -> None:
    """Writes what came of a projection, a number a line: course, quantity, item, statistic, value.

    Statistics are "q05"..."q95" or "probability"; what lies beyond the horizon has no value.
    """
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(_COLUMNS)
    lines.writerows(_lines(projection))


def quantiles_of(values: FiveQuantiles) -> list[float | None]:
    """Quantiles with None in the place of NaN, which JSON does not know."""
    return [_known(value) for value in values]


def plain(value: Any) -> Any:
    """A value as JSON has it: None in the place of NaN."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def state_name(projection: Projection) -> str:
    """How far a projection has come, in a word."""
    return str(getattr(projection.state, "name", projection.state)).lower()


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _system(system: Any) -> dict[str, Any]:
    names = ("location_id", "system_id", "strings", "now", "in_half_a_year", "with_one_more_string")
    return {name: getattr(system, name) for name in names}


def _lines(projection: Projection) -> Iterator[tuple[str, str, str, str, float | str]]:
    for name, course in (("baseline", projection.baseline), ("with_scenario", projection.with_scenario)):
        if course is None:
            continue
        for year, values in enumerate(course.replacements, start=1):
            yield from _quantile_lines(name, "replacements", f"year {year}", values)
        for loss in course.first_losses:
            yield from _quantile_lines(name, "first_loss_days", loss.location_id, loss.days)
        for system in course.carrying:
            for quantity in ("now", "in_half_a_year", "with_one_more_string"):
                yield name, f"carries_{quantity}", system.system_id, "probability", getattr(system, quantity)
    for row in projection.warmth:
        item = f"+{row.warmer_k:g} K"
        yield from _quantile_lines("warmth", "replacements", item, row.replacements)
        yield "warmth", "cost", item, "of the median", row.cost


def _quantile_lines(
    course: str, quantity: str, item: str, values: FiveQuantiles
) -> Iterator[tuple[str, str, str, str, float | str]]:
    for level, value in zip(QUANTILES, values, strict=True):
        yield course, quantity, item, f"q{round(100 * level):02d}", "" if math.isnan(value) else value
