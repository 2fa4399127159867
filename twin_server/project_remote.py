"""`batterytwin project --remote`: a projection that a running server computes and keeps."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console
from rich.progress import Progress

from batterytwin.errors import ConflictError, Reason
from batterytwin.scenarios import ProjectionState
from clients.projections import ProjectionRequest
from clients.scenarios import ScenarioPart
from clients.sync_client import TwinClient
from twin_server.projection_export import as_answer, state_name
from twin_server.scenario_commands import read_scenario
from twin_server.scenario_play import read_parameters

_LOOK_S: Final = 0.5
_UNFINISHED: Final = (ProjectionState.WAITING, ProjectionState.RUNNING)


def scenario_parts(scenario: str, targets: Sequence[str], chosen: Sequence[str]) -> tuple[ScenarioPart, ...]:
    """Parts of a request from what a command was given; a file is sent as it is read.

    Raises:
        InvalidArgumentError: the scenario or a parameter cannot be used.
    """
    if not scenario:
        return ()
    found, parameters = read_scenario(scenario), read_parameters(list(chosen))
    found.values(parameters)
    if Path(scenario).suffix:
        return (ScenarioPart("", found.model_dump_json(by_alias=True), tuple(targets), parameters),)
    return (ScenarioPart(found.name, "", tuple(targets), parameters),)


def project_remotely(client: TwinClient, request: ProjectionRequest, *, wait: bool) -> dict[str, Any]:
    """Asks a server for a projection; what became of it. An interrupt cancels it.

    Args:
        client: of the server.
        request: what is asked.
        wait: wait until it is done.

    Raises:
        ConflictError: it failed or was cancelled.
    """
    projection = client.project_scenario(request)
    if not wait:
        return as_answer(projection)
    typer.echo(f"{projection.projection_id}: {request.title}", err=True)
    try:
        with progress_bar("Projecting") as told:
            while projection.state in _UNFINISHED:
                time.sleep(_LOOK_S)
                projection = client.get_projection(projection.projection_id)
                told(projection.progress)
    except KeyboardInterrupt:
        client.cancel_projection(projection.projection_id)
        raise
    if projection.state is not ProjectionState.DONE:
        raise ConflictError(
            f"{projection.projection_id} {state_name(projection)}: {projection.reason or 'by a person'}",
            reason=Reason.PROJECTION_STATE_FORBIDS,
        )
    return as_answer(projection)


@contextmanager
def progress_bar(words: str) -> Iterator[Callable[[float], None]]:
    """A bar on a terminal, to be told the share that is done."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(words, total=1.0)
        yield lambda share: bar.update(task, completed=share)
