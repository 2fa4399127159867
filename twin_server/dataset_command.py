"""`batterytwin dataset`: simulated measurements with their hidden truth, as Parquet files."""

import signal
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from batterytwin.errors import InvalidArgumentError

if TYPE_CHECKING:
    from simulator.dataset_options import DatasetOptions

_NAMED_TWICE = "Give --string and --site, or --all, not both."


def dataset(
    folder: Annotated[Path, typer.Argument(help="New folder to write.")],
    *,
    string: Annotated[list[str] | None, typer.Option(help="String to include; may be repeated.")] = None,
    site: Annotated[list[str] | None, typer.Option(help="Location to include; may be repeated.")] = None,
    whole_fleet: Annotated[bool, typer.Option("--all", help="Include every string. [the first string alone]")] = False,
    days: Annotated[float, typer.Option(help="Length.")] = 90.0,
    period: Annotated[float, typer.Option(help="Seconds between two samples.")] = 60.0,
    discharge_period: Annotated[
        float | None, typer.Option(help="The same while a string carries its load. [as usual]")
    ] = None,
    start: Annotated[datetime | None, typer.Option(help="Begin, UTC. [2026-01-01]")] = None,
    seed: Annotated[int, typer.Option(help="Chooses blocks, weather, mains, noise and random faults.")] = 7,
    fleets: Annotated[int, typer.Option(help="As many fleets, the n-th with seed + n.")] = 1,
    faults: Annotated[Path | None, typer.Option(help="Plan of faults (TOML), see docs/dataset.md.")] = None,
    faults_per_100_battery_months: Annotated[float, typer.Option(help="Random faults of all kinds.")] = 0.0,
    run_to_failure: Annotated[
        float | None, typer.Option(metavar="YEARS", help="Lives of new blocks instead: the whole fleet, hourly.")
    ] = None,
    fleet_file: Annotated[Path | None, typer.Option(help="Inventory (TOML). [the fleet of 1,944]")] = None,
) -> None:
    """Write a data set: what the monitors of a simulated fleet see, with the hidden truth beside it.

    By default one string of 24 batteries, 90 days, once a minute: 3.1 million readings. The folder appears when it is
    complete; Ctrl-C leaves nothing.
    """
    from simulator.dataset import DatasetProgress, write_dataset  # noqa: PLC0415  # kept out of `batterytwin --help`
    from simulator.dataset_options import DEFAULT_START, DatasetOptions, lives_of_new_blocks  # noqa: PLC0415  # likewise

    if whole_fleet and (string or site):
        raise InvalidArgumentError(_NAMED_TWICE, field="all")
    options = DatasetOptions(
        fleet_file=fleet_file,
        strings=tuple(string or ()),
        sites=tuple(site or ()),
        start=start.replace(tzinfo=start.tzinfo or UTC) if start else DEFAULT_START,
        days=days,
        period_s=period,
        discharge_period_s=discharge_period,
        seed=seed,
        fleets=fleets,
        fault_plan=faults,
        faults_per_100_battery_months=faults_per_100_battery_months,
    )
    if run_to_failure is not None:
        options = lives_of_new_blocks(options, run_to_failure)
    elif not (whole_fleet or string or site):
        options = _first_string(options)
    with (
        _Stop() as stop,
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[rows]:>13,} readings"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        ) as bar,
    ):
        task = bar.add_task(folder.name, total=1.0, rows=0)

        def show(progress: DatasetProgress) -> None:
            stop.check()
            bar.update(task, completed=progress.share, rows=progress.rows)

        rows = write_dataset(options, folder, show)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    typer.echo(f"{folder}: {rows:,} readings, {size / 1e6:,.1f} MB")


def _first_string(options: "DatasetOptions") -> "DatasetOptions":
    location = options.inventory().locations[0]
    return replace(options, strings=(next(location.strings()).string_id,))


class _Stop:
    """Ends the work at a signal, like Ctrl-C: nothing half is left.

    An exception out of a signal handler is lost where it strikes a finaliser, so the work looks here as well.
    """

    def __init__(self) -> None:
        self._asked = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
        raise KeyboardInterrupt

    def check(self) -> None:
        """Raises KeyboardInterrupt once a signal has come."""
        if self._asked:
            raise KeyboardInterrupt
