"""What is printed: a table for each section, and one line for machines."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from tests.validation.section import Section
from tests.validation.target import SectionResult


def section_table(section: Section, result: SectionResult) -> Table:
    """Figures of a section against their targets."""
    title = f"{section.name} ({result.seconds:.0f} s)"
    if result.reason:
        title += f": {'not run' if result.not_run else 'FAILED'}, {result.reason}"
    table = Table(title=title, title_justify="left", min_width=90)
    for column in ("figure", "value", "unit", "target", "met"):
        table.add_column(column, justify="right" if column in ("value", "target") else "left")
    for target in section.targets:
        value = result.values.get(target.name)
        met = "yes" if target.is_met_by(value) else "not run" if result.not_run else "NO"
        table.add_row(target.name, _number(value), target.unit, target.limit_text(), met)
    targeted = {target.name for target in section.targets}
    for name, value in result.values.items():
        if name not in targeted:
            table.add_row(name, _number(value), "", "(reported)", "")
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.4g}"


def as_json(sections: Sequence[Section], results: Mapping[str, SectionResult]) -> dict[str, Any]:
    """The machine-readable result: what was not measured is `null` and counts as missed, whatever the reason."""
    targets: dict[str, Any] = {}
    missed: list[str] = []
    failed: dict[str, str] = {}
    not_run: dict[str, str] = {}
    reported: dict[str, float | None] = {}
    for section in sections:
        result = results[section.name]
        if result.reason:
            (not_run if result.not_run else failed)[section.name] = result.reason
            if not section.targets and not result.not_run:
                missed.append(section.name)
        for target in section.targets:
            value = result.values.get(target.name)
            met = target.is_met_by(value)
            targets[target.name] = {"value": _finite(value), "target": target.limit, "met": met}
            if not met:
                missed.append(target.name)
        reported |= {name: _finite(value) for name, value in result.values.items() if name not in targets}
    return {
        "targets": targets,
        "missed": missed,
        "failed": failed,
        "not_run": not_run,
        "reported": reported,
        "seconds": {name: round(result.seconds, 1) for name, result in results.items()},
    }


def _finite(value: float | None) -> float | None:
    """JSON knows neither NaN nor infinity."""
    return None if value is None or not math.isfinite(value) else value
