"""Results of projections as tables, on the screen and as files."""

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from clients.types import (
    CarryingSystem,
    ComparedProjection,
    FiveQuantiles,
    ProjectedCourse,
    Projection,
    ProjectionComparison,
    WarmthCost,
)
from streamlit_app.life_words import money
from streamlit_app.projection_words import count_text, loss_text, quantile


def _chance(label: str, help_text: str | None = None) -> ColumnConfig:
    return st.column_config.ProgressColumn(label, min_value=0.0, max_value=100.0, format="%.0f %%", help=help_text)


CARRYING_COLUMNS: Final = {
    "Strings": st.column_config.NumberColumn(width=60),
    "System": st.column_config.TextColumn(width=80),
    "now": _chance("Now"),
    "later": _chance("In half a year", "If nothing is replaced"),
    "scenario": _chance("With the scenario", "In half a year"),
    "more": _chance("With one more string", "In half a year"),
    "gain": st.column_config.NumberColumn("Gain", format="%+.0f %%", width=60),
}
_NAMES: Final = ("q05", "q25", "q50", "q75", "q95")


def carrying_table(
    systems: Sequence[CarryingSystem], names: Mapping[str, str], scenario: Sequence[CarryingSystem] = ()
) -> pd.DataFrame:
    """Systems with the probability, %, that each carries its load, now and in half a year."""
    with_scenario = {system.system_id: 100.0 * system.in_half_a_year for system in scenario}
    table = pd.DataFrame(
        {
            "Site": [names.get(system.location_id, system.location_id) for system in systems],
            "System": [system.system_id for system in systems],
            "Strings": [system.strings for system in systems],
            "now": [100.0 * system.now for system in systems],
            "later": [100.0 * system.in_half_a_year for system in systems],
        }
    )
    if scenario:
        table["scenario"] = [with_scenario.get(system.system_id) for system in systems]
    return table


def one_more_table(systems: Sequence[CarryingSystem], names: Mapping[str, str]) -> pd.DataFrame:
    """Systems that one more string would help most, probabilities in %."""
    return pd.DataFrame(
        {
            "Site": [names.get(system.location_id, system.location_id) for system in systems],
            "System": [system.system_id for system in systems],
            "later": [100.0 * system.in_half_a_year for system in systems],
            "more": [100.0 * system.with_one_more_string for system in systems],
            "gain": [100.0 * (system.with_one_more_string - system.in_half_a_year) for system in systems],
        }
    )


def year_table(baseline: ProjectedCourse, scenario: ProjectedCourse | None) -> pd.DataFrame:
    """Blocks to replace by the end of each year, in words."""
    columns = {"By the end of year": list(range(1, len(baseline.replacements) + 1))}
    table = pd.DataFrame(columns)
    table["As it is"] = [count_text(quantiles) for quantiles in baseline.replacements]
    if scenario is not None:
        table["With the scenario"] = [count_text(quantiles) for quantiles in scenario.replacements]
        table["More"] = [
            f"{round(quantile(there, 2) - quantile(here, 2)):+,d}".replace("-", "\N{MINUS SIGN}")
            for here, there in zip(baseline.replacements, scenario.replacements, strict=False)
        ]
    return table


def loss_table(baseline: ProjectedCourse, scenario: ProjectedCourse | None, names: Mapping[str, str]) -> pd.DataFrame:
    """First losses of each site, in words."""
    table = pd.DataFrame(
        {
            "Site": [names.get(loss.location_id, loss.location_id) for loss in baseline.first_losses],
            "As it is": [loss_text(loss.days) for loss in baseline.first_losses],
        }
    )
    if scenario is not None:
        there = {loss.location_id: loss_text(loss.days) for loss in scenario.first_losses}
        table["With the scenario"] = [there.get(loss.location_id, "") for loss in baseline.first_losses]
    return table


def warmth_table(costs: Sequence[WarmthCost], currency: str) -> pd.DataFrame:
    """What each rise costs, in words."""
    return pd.DataFrame(
        {
            "Rooms warmer by": [f"{cost.warmer_k:+g} K" for cost in costs],
            "Blocks to replace": [count_text(cost.replacements) for cost in costs],
            "Cost": [money(cost.cost, currency).strip() for cost in costs],
        }
    )


def comparison_table(rows: Sequence[ComparedProjection], currency: str) -> pd.DataFrame:
    """Projections side by side, in words; the first is what the others are compared with."""
    return pd.DataFrame(
        {
            "Projection": [row.title for row in rows],
            "Blocks to replace": [count_text(row.replacements[-1]) if row.replacements else "" for row in rows],
            "More than the first": [
                "\N{EN DASH}" if place == 0 else count_text(row.more_than_first, sign=True)
                for place, row in enumerate(rows)
            ],
            "Costs more": [
                "\N{EN DASH}" if place == 0 else money(row.cost_more, currency).strip().replace("-", "\N{MINUS SIGN}")
                for place, row in enumerate(rows)
            ],
            "Systems at risk": [row.systems_at_risk for row in rows],
        }
    )


def projection_csv(projection: Projection) -> bytes:
    """Every quantile of the result, one row each: what, of which course, where, when."""
    rows: list[dict[str, object]] = []
    for label, course in (("baseline", projection.baseline), ("scenario", projection.with_scenario)):
        if course is None:
            continue
        for year, quantiles in enumerate(course.replacements, start=1):
            rows.append(_row("replacements", label, "", f"{year} y", quantiles))
        rows += [_row("first_loss_days", label, loss.location_id, "", loss.days) for loss in course.first_losses]
        for system in course.carrying:
            for when, chance in (("now", system.now), ("0.5 y", system.in_half_a_year)):
                rows.append(_row("carries_probability", label, system.system_id, when, (), chance))
            one_more = system.with_one_more_string
            rows.append(_row("carries_with_one_more_string", label, system.system_id, "0.5 y", (), one_more))
    warmed = "scenario" if projection.request.parts else "baseline"
    for cost in projection.warmth:
        where = f"{cost.warmer_k:+g} K"
        rows.append(_row("replacements_warmer", warmed, where, "", cost.replacements))
        rows.append(_row("cost_warmer", warmed, where, "", (), cost.cost))
    columns = ["quantity", "course", "where", "when", "value", *_NAMES]
    return pd.DataFrame(rows, columns=columns).to_csv(index=False).encode()


def comparison_csv(comparison: ProjectionComparison) -> bytes:
    """Every quantile of the fans, one row a projection and year."""
    rows = [
        {"projection": row.projection_id, "title": row.title, "year": year}
        | {name: quantile(quantiles, place) for place, name in enumerate(_NAMES)}
        for row in comparison.projections
        for year, quantiles in enumerate(row.replacements, start=1)
    ]
    return pd.DataFrame(rows, columns=["projection", "title", "year", *_NAMES]).to_csv(index=False).encode()


def _row(  # noqa: PLR0917 - columns of a table
    quantity: str, course: str, where: str, when: str, quantiles: FiveQuantiles, value: float | None = None
) -> dict[str, object]:
    named = {name: quantile(quantiles, place) for place, name in enumerate(_NAMES)} if quantiles else {}
    return {"quantity": quantity, "course": course, "where": where, "when": when, "value": value, **named}
