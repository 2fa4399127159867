"""`batterytwin export`: history as a file."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from clients.types import ExportChunk, ExportFormat
from twin_server.client_commands import DataDir, RootCertificate, Server, UseTls
from twin_server.history_options import From, Metrics, To, read_bucket, read_metrics, read_times, scope_of
from twin_server.reach import reach


class FileFormat(StrEnum):
    """Kinds of file, as the option has them."""

    CSV = "csv"
    PARQUET = "parquet"


def export(
    place: Annotated[str, typer.Argument(help="Battery, string or location: BRK-U1-S03-B07, BRK-U1-S03 or BRK.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
    *,
    start: From = "",
    end: To = "",
    metric: Metrics = None,
    file_format: Annotated[
        FileFormat | None, typer.Option("--format", help="Kind of file. [as the name of the file ends, else parquet]")
    ] = None,
    bucket: Annotated[str, typer.Option(help="raw, or a length like 15m, 1h, 1d.")] = "raw",
    force: Annotated[bool, typer.Option("--force", help="Replace a file of this name.")] = False,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
) -> None:
    """Write the history of a battery, a string or a location to a file, raw or in buckets.

    The file appears when it is whole; an export that fails or is interrupted leaves nothing behind.
    """
    first, last = read_times(start, end)
    chosen = file_format or (FileFormat.CSV if output.suffix.lower() == ".csv" else FileFormat.PARQUET)
    length: timedelta | None = read_bucket(bucket)
    metrics = read_metrics(metric)
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client, _bar() as bar:
        task = bar.add_task(place, total=1.0, rows=0, size=0)
        size = 0

        def tell(chunk: ExportChunk) -> None:
            nonlocal size
            size += len(chunk.data)
            bar.update(task, completed=chunk.done_fraction, rows=chunk.row_count, size=size / 1e6)

        scope: dict[str, Any] = scope_of(client, place)
        file = client.export_history_to(
            output,
            first,
            last,
            **scope,
            metrics=metrics,
            file_format=ExportFormat[chosen.name],
            bucket=length,
            overwrite=force,
            progress=tell,
        )
    typer.echo(f"{file.path}: {file.row_count:,} rows, {file.byte_count / 1e6:.1f} MB")


def _bar() -> Progress:
    """On standard error, and only where somebody watches."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[rows]:,} rows  {task.fields[size]:.1f} MB"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
