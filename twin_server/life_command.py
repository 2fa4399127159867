"""`batterytwin life` and `batterytwin plan`: how long batteries last, and when to replace them."""

import json
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from batterytwin.life import DAYS_PER_MONTH
from batterytwin.life_plan import MaintenancePlan, ReplacementForecast
from batterytwin.quarters import SITE_ZONE
from clients.sync_client import TwinClient
from clients.types import LifeOrder, RemainingLife, ReplacementUrgency
from twin_server.client_commands import DataDir, RootCertificate, Server, UseTls
from twin_server.reach import reach

_MOST: Final = 1_000

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Location = Annotated[str, typer.Option(help="Only this location.")]


def life(
    battery_id: Annotated[str, typer.Argument(help="Slot name, for example BRK-U1-S03-B07; `list` lists many.")],
    *,
    warmer_k: Annotated[float, typer.Option("--warmer", help="What if the future were so much warmer, K.")] = 0.0,
    location: Location = "",
    string: Annotated[str, typer.Option(help="With `list`: only this string.")] = "",
    max_days: Annotated[float | None, typer.Option(help="With `list`: only medians up to so many days.")] = None,
    order: Annotated[str, typer.Option(help="With `list`: fleet, median, lower, confidence or advice.")] = "advice",
    most: Annotated[int, typer.Option(help="With `list`: at most so many.", min=1, max=100_000)] = 50,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """Show how long one battery will last, why, and when to replace it; or `list` many, the most urgent first."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        if battery_id == "list":
            lives = _list(client, location, string, max_days, order, most)
        else:
            lives = [client.get_remaining_life(battery_id, warmer_k=warmer_k, deadline_s=60.0)]
    if as_json:
        for one in lives:
            typer.echo(json.dumps(asdict(one), default=str))
        return
    console = Console(highlight=False)
    if battery_id == "list":
        console.print(_table(lives))
        return
    for line in _story(lives[0]):
        console.print(line)


def plan(
    *,
    location: Location = "",
    quarters: Annotated[int, typer.Option(help="Quarters to plan, the present one included.", min=1, max=12)] = 4,
    risk: Annotated[float | None, typer.Option(help="Chance of an end of life that is taken, 0.01 to 0.5.")] = None,
    cooler_k: Annotated[float, typer.Option("--cooler", help="What cooler rooms would be worth, K.")] = 5.0,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """Show what to replace where in the coming quarters, what it costs, and what cooling would save."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        answer = client.get_maintenance_plan(location, quarter_count=quarters, risk=risk, deadline_s=60.0)
        forecast = client.get_replacement_forecast(location, cooler_k=cooler_k, deadline_s=60.0)
    if as_json:
        typer.echo(json.dumps({"plan": asdict(answer), "forecast": asdict(forecast)}, default=str))
        return
    console = Console(highlight=False)
    for line in (*_visits(answer), *_sums(answer, forecast)):
        console.print(line)


def _list(  # noqa: PLR0917 # the options of the command
    client: TwinClient, location: str, string: str, max_days: float | None, order: str, most: int
) -> list[RemainingLife]:
    try:
        chosen = LifeOrder[order.upper()]
    except KeyError:
        raise typer.BadParameter("--order is one of fleet, median, lower, confidence, advice") from None
    lives: list[RemainingLife] = []
    token = ""
    while len(lives) < most:
        page = client.list_remaining_life(
            location,
            string,
            max_days=max_days,
            order=chosen,
            page_size=min(most, _MOST),
            page_token=token,
            deadline_s=60.0,
        )
        lives += page
        token = page.next_page_token
        if not token:
            break
    return lives[:most]


def _story(one: RemainingLife) -> list[str]:
    as_of = "never read" if one.as_of is None else f"as of {one.as_of:%Y-%m-%d %H:%M} UTC"
    bound = "" if one.upper_known else " at least"
    lines = [
        f"{one.battery_id}  ({one.string_id}), {as_of}" + (", DEGRADED" if one.degraded else ""),
        f"  remaining life   {_months(one.fused.days_50)}, 90 %: {_months(one.fused.days_05)} to{bound}"
        f" {_months(one.fused.days_95)}",
        f"  by physics       {_months(one.twin.days_50)} (weight {100 * one.twin_weight:.0f} %)",
        f"  by the model     {'no say' if one.model_days is None else _months(one.model_days)}"
        + (f" ({one.model_version})" if one.model_version else ""),
    ]
    if one.disagrees and one.disagreement is not None:
        lines.append(f"  [bold red]physics and model differ by {100 * one.disagreement:.0f} %: look at both[/]")
    if one.confidence is not None and one.confidence_share is not None:
        lines.append(
            f"  confidence       {_name(one.confidence)} (right in {100 * one.confidence_share:.0f} % of similar cases)"
        )
    if one.warmer_k:
        lines.append(f"  assuming         a future {one.warmer_k:+g} K")
    causes = (f"{_name(f.factor)} {100 * f.share:.0f} % (x{f.multiplier:.2f})" for f in one.factors)
    lines.append("  because of       " + ", ".join(causes))
    lines += [f"  like             {case.case.story}" for case in one.cases]
    lines.append(f"  replace in       {one.advice.quarter} ({_name(one.advice.urgency)}). {one.advice.reason}")
    return lines


def _table(lives: list[RemainingLife]) -> Table:
    table = Table(title=f"{len(lives)} batteries; months of life, 90 % interval; * degraded", title_justify="left")
    for column in ("battery", "months", "from", "to", "sure", "health", "replace", "presses"):
        table.add_column(column, justify="left" if column in {"battery", "presses"} else "right")
    for one in lives:
        table.add_row(
            one.battery_id,
            f"{one.fused.days_50 / DAYS_PER_MONTH:.0f}",
            f"{one.fused.days_05 / DAYS_PER_MONTH:.0f}",
            f"{one.fused.days_95 / DAYS_PER_MONTH:.0f}" + ("" if one.upper_known else "+"),
            "-" if one.confidence is None else _name(one.confidence),
            "?" if one.soh_capacity is None else f"{100 * one.soh_capacity:.0f}",
            str(one.advice.quarter),
            _name(one.advice.urgency) + ("*" if one.degraded else ""),
            style="bold red" if one.advice.urgency == ReplacementUrgency.NOW else None,
        )
    return table


def _visits(answer: MaintenancePlan) -> list[str]:
    currency = answer.prices.currency
    lines = [f"{answer.block_count} blocks in {answer.quarter_count} quarters, {answer.cost:,.0f} {currency}"]
    for visit in answer.visits:
        begin, end = (time.astimezone(SITE_ZONE) for time in (visit.window_start, visit.window_end))
        lines.append(
            f"{visit.quarter}  {visit.location_id}  {begin:%d %b} to {end:%d %b}: {visit.block_count} blocks, "
            f"{visit.working_days} days of work, {visit.cost:,.0f} {currency}"
        )
        for string in visit.strings:
            urgent = f", {len(string.urgent_battery_ids)} urgent" if string.urgent_battery_ids else ""
            which = "whole" if string.whole_string else f"{len(string.battery_ids)} blocks{urgent}"
            lines.append(f"    {string.string_id} {which}. {string.reason}")
        lines += [f"    {note}" for note in visit.notes]
    return lines


def _sums(answer: MaintenancePlan, forecast: ReplacementForecast) -> list[str]:
    year, cooling, currency = forecast.total.year, forecast.cooling, answer.prices.currency
    lines = [
        f"Ends of life in twelve months: {year.expected_count:.1f} (90 %: {year.lower_count} to {year.upper_count}), "
        f"{year.expected_cost:,.0f} {currency} ({year.lower_cost:,.0f} to {year.upper_cost:,.0f}).",
        f"Rooms cooler by {cooling.cooler_k:g} K: {_months(cooling.gained_days)} more life, "
        f"{cooling.avoided_per_year:.1f} replacements and {cooling.saved_per_year:,.0f} {currency} a year saved.",
    ]
    if answer.unknown_battery_ids:
        lines.append(
            f"Nothing is planned for {len(answer.unknown_battery_ids)} batteries: their life is not known yet."
        )
    if answer.review_battery_ids:
        lines.append(f"A person should look at {len(answer.review_battery_ids)} of the planned ones first.")
    return lines


def _months(days: float) -> str:
    return f"{days:.0f} days" if days < 90.0 else f"{days / DAYS_PER_MONTH:.0f} months"


def _name(value: object) -> str:
    return str(getattr(value, "name", value)).replace("_", " ").lower()
