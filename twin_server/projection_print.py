"""Projections on screen."""

from typing import Any

from rich.console import Console
from rich.table import Table

from batterytwin.scenarios import ProjectionState
from clients.projections import Projection, ProjectionComparison
from twin_server.projection_export import quantiles_of, state_name


def print_answer(console: Console, answer: dict[str, Any]) -> None:
    """A projection: replacements by year, who cannot carry the load, what comes first, what warmth costs."""
    named = [name for name in ("baseline", "with_scenario") if name in answer]
    console.print(
        f"{answer['batteries']:,} batteries, {answer['years']:g} years, {answer['members']} members, "
        f"{answer['took_s']:.0f} s"
    )
    table = Table(title="Blocks to replace by the end of the year: median (5...95 %)", title_justify="left")
    for column in ("year", *(name.replace("_", " ") for name in named)):
        table.add_column(column, justify="right")
    for year in range(len(answer[named[0]]["replacements"])):
        table.add_row(str(year + 1), *(_span(answer[name]["replacements"][year]) for name in named))
    console.print(table)
    for name in named:
        _print_carrying(console, answer, name)
    if "warmth" in answer:
        table = Table(title=f"Rooms that are warmer: replacements in {answer['years']:g} years", title_justify="left")
        for column in ("warmer", "blocks", "cost"):
            table.add_column(column, justify="right")
        for row in answer["warmth"]:
            table.add_row(f"+{row['warmer_k']:g} K", _span(row["replacements"]), f"{row['cost']:,.0f}")
        console.print(table)
    for name, rows in answer.get("by_minute", {}).items():
        table = Table(title=f"By the minute, {name.replace('_', ' ')}", title_justify="left")
        for column in rows[0]:
            table.add_column(column.replace("_", " "), justify="right")
        for row in rows:
            table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()))
        console.print(table)


def print_list(console: Console, found: list[Projection]) -> None:
    """Projections, a row each."""
    table = Table(title=f"{len(found)} projections", title_justify="left")
    for column in ("name", "title", "state", "size", "asked (UTC)"):
        table.add_column(column, no_wrap=column in {"name", "state"})
    for one in found:
        running = f" {one.progress:.0%}" if one.state is ProjectionState.RUNNING else ""
        table.add_row(
            one.projection_id,
            one.request.title,
            state_name(one) + running,
            f"{one.request.years:g} years x {one.request.members}",
            f"{one.ask_time:%Y-%m-%d %H:%M} by {one.asked_by}",
        )
    console.print(table)


def print_comparison(console: Console, found: ProjectionComparison) -> None:
    """Projections side by side."""
    table = Table(title=f"Within {found.years:g} years, against the first", title_justify="left")
    for column in ("projection", "blocks to replace by year", "more than the first", "cost more", "systems at risk"):
        left = column == "projection"
        table.add_column(column, justify="left" if left else "right", no_wrap=left)
    for row in found.projections:
        medians = " ".join(f"{year[len(year) // 2]:,.0f}" for year in row.replacements if year)
        table.add_row(
            f"{row.title}\n{row.projection_id}",
            medians,
            _span(quantiles_of(row.more_than_first)),
            f"{row.cost_more:,.0f}",
            str(row.systems_at_risk),
        )
    console.print(table)
    for caveat in found.caveats:
        console.print(f"Note: {caveat}")


def _print_carrying(console: Console, answer: dict[str, Any], name: str) -> None:
    told = answer[name]
    table = Table(
        title=f"{name.replace('_', ' ').capitalize()}: probability of {answer['minutes']:g} min at load "
        f"{answer['load']:g}, least first",
        title_justify="left",
    )
    for column in ("system", "now", "in half a year", "with one more string"):
        table.add_column(column, justify="left" if column == "system" else "right")
    for row in told["carrying"][:10]:
        percents = (f"{row[key]:.0%}" for key in ("now", "in_half_a_year", "with_one_more_string"))
        table.add_row(row["system_id"], *percents)
    console.print(table)
    helped = [row for row in told["one_more_string"] if row["gain"] > 0.0]
    if helped:
        console.print(f"One more string helps most at {helped[0]['system_id']} (+{helped[0]['gain']:.0%}).")
    firsts = ", ".join(f"{place} {_span(days)} d" for place, days in told["first_loss_days"].items())
    console.print(f"First block at its end of life: {firsts}")


def _span(values: list[float | None]) -> str:
    if not values:
        return "-"
    low, middle, high = (("later" if values[k] is None else f"{values[k]:,.0f}") for k in (0, 2, 4))
    return f"{middle} ({low}...{high})"
