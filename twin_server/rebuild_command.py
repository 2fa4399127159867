"""`batterytwin rebuild`: twins anew from their logs, and what differs from what was told."""

import asyncio
import csv
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from batterytwin.errors import InvalidArgumentError, NotFoundError
from twin_server.up_command import make_settings

if TYPE_CHECKING:
    from actors.fleet import TwinSpec
    from twin_server.rebuild_job import RebuildJob, RebuiltBattery

_SHOWN: Final = 20
_AHEAD_US: Final = 10 * 365 * 86_400_000_000
"""How far ahead of now logs may end: fleets on a feed clock can live in the future."""


def rebuild(
    *,
    compare: Annotated[
        bool, typer.Option("--compare", help="Only report what differs from the stored estimates; store nothing.")
    ] = False,
    location: Annotated[str, typer.Option(help="Only this location. [all]")] = "",
    string: Annotated[str, typer.Option(help="Only this string. [all]")] = "",
    battery: Annotated[str, typer.Option(help="Only this battery. [all]")] = "",
    report: Annotated[Path | None, typer.Option(help="Write the whole report there, as CSV.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="Work on so many batteries at once.")] = 1,
    data_dir: Annotated[Path | None, typer.Option(help="Data directory. [.batterytwin]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a battery.")] = False,
) -> None:
    """Compute twins anew from everything that was recorded, with the filter that is installed here.

    Run it before the server is started with another filter version: the start then begins from these states instead of
    the first reading. With --compare it tells, battery by battery, how far the estimates would differ. Each state is
    also checked against the snapshot that the server has stored. The server may run meanwhile.
    """
    settings = make_settings(data_dir=data_dir)
    if settings.database_url is None and not settings.data_dir.is_dir():
        raise InvalidArgumentError(
            f"{settings.data_dir} does not exist. Name the data directory of the server with --data-dir.",
            field="data_dir",
            value=settings.data_dir,
        )
    archive = settings.archive_dir or settings.data_dir / "archive"
    rebuilt = asyncio.run(_run(data_dir, archive, (location, string, battery), processes, keep=not compare))
    lines = [_line(one) for one in sorted(rebuilt, key=lambda one: one.battery_id)]
    if report is not None:
        _write(report, lines)
    if as_json:
        for line in lines:
            typer.echo(json.dumps(line))
    else:
        _print(lines, compare=compare)
    if any(line["snapshot"] == "differs" for line in lines):
        raise typer.Exit(1)


async def _run(
    data_dir: Path | None, archive: Path, names: tuple[str, str, str], processes: int, *, keep: bool
) -> "list[RebuiltBattery]":
    from storage.server_store import ServerStore  # noqa: PLC0415 # kept out of `batterytwin --help`
    from twin_server.fleet_setup import make_specs  # noqa: PLC0415 # likewise
    from twin_server.rebuild_job import RebuildJob  # noqa: PLC0415 # likewise
    from twin_server.store_access import open_database  # noqa: PLC0415 # likewise

    async with open_database(data_dir) as url:
        store = await ServerStore.connect(url)
        try:
            inventory, keys = await store.load_inventory()
        finally:
            await store.close()
        locations = {b.battery_id: place.location_id for place in inventory.locations for b in place.batteries()}
        specs = [
            spec
            for spec in make_specs(inventory, keys)
            if all(
                wanted in ("", given)
                for wanted, given in zip(
                    names, (locations[spec.battery_id], spec.string_id, spec.battery_id), strict=True
                )
            )
        ]
        if not specs:
            raise NotFoundError(f"There is no battery of {' '.join(filter(None, names))}; see `batterytwin status`.")
        job = RebuildJob(url, archive, time.time_ns() // 1_000 + _AHEAD_US, keep)
        return await asyncio.to_thread(_all, job, specs, processes)


def _all(job: "RebuildJob", specs: "Sequence[TwinSpec]", processes: int) -> "list[RebuiltBattery]":
    from twin_server.rebuild_job import rebuild_all  # noqa: PLC0415 # kept out of `batterytwin --help`

    console = Console(stderr=True)
    return list(
        track(
            rebuild_all(job, specs, processes),
            "Rebuilding twins",
            total=len(specs),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
    )


def _line(one: "RebuiltBattery") -> dict[str, Any]:
    told_v, anew_v = one.twin.differences.innovation_rms_v()
    line: dict[str, Any] = {
        "battery_id": one.battery_id,
        "readings": one.twin.row_count,
        "told_by": " ".join(one.twin.versions),
        "snapshot": str(one.twin.check),
        "kept": one.kept,
        "innovation_rms_told_v": told_v,
        "innovation_rms_anew_v": anew_v,
    }
    for name, difference in one.twin.differences.of.items():
        line |= {
            f"{name}_told": difference.told,
            f"{name}_anew": difference.anew,
            f"{name}_rms": difference.rms,
            f"{name}_largest": difference.largest,
            f"{name}_beyond_sigma": difference.share_beyond_sigma,
        }
    return {key: None if isinstance(value, float) and value != value else value for key, value in line.items()}  # noqa: PLR0124 # NaN


def _write(path: Path, lines: list[dict[str, Any]]) -> None:
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(lines[0]))
            writer.writeheader()
            writer.writerows(lines)
    except OSError as error:
        raise InvalidArgumentError(
            f"{path} cannot be written: {error.strerror}; name another file.", field="report", value=str(path)
        ) from error


def _print(lines: list[dict[str, Any]], *, compare: bool) -> None:
    checks = Counter(line["snapshot"] for line in lines)
    rows = sum(line["readings"] for line in lines)
    kept = sum(line["kept"] for line in lines)
    done = "compared" if compare else f"rebuilt, {kept:,} states stored"
    typer.echo(f"{len(lines):,} twins {done}; {rows:,} readings; told by {_versions(lines)}")
    typer.echo(f"stored snapshots of this version: {checks['same']:,} as the log makes them, {checks['differs']:,} not")
    if checks["began earlier"]:
        typer.echo(f"{checks['began earlier']:,} more rest on readings that are no longer kept; these stay as they are")
    if not compare:
        return
    table = Table(title="Largest differences of health", title_justify="left")
    for column in (
        "battery",
        "readings",
        "SOH told → anew",
        "SOC told → anew",
        "R0 told → anew, mOhm",
        "beyond one sigma",
    ):
        table.add_column(column, overflow="fold")
    for line in sorted(lines, key=lambda line: -(line["soh_capacity_rms"] or 0.0))[:_SHOWN]:
        table.add_row(
            line["battery_id"],
            f"{line['readings']:,}",
            _pair(line, "soh_capacity", 100.0, "%"),
            _pair(line, "soc", 100.0, "%"),
            _pair(line, "r0_ohm", 1e3, ""),
            _percent(line["soh_capacity_beyond_sigma"]),
        )
    Console(highlight=False).print(table)


def _versions(lines: list[dict[str, Any]]) -> str:
    return ", ".join(sorted({name for line in lines for name in line["told_by"].split()})) or "nobody"


def _pair(line: dict[str, Any], name: str, scale: float, unit: str) -> str:
    told, anew = line[f"{name}_told"], line[f"{name}_anew"]
    return "-" if told is None else f"{told * scale:.2f} → {anew * scale:.2f}{unit}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
