"""`batterytwin train` and `batterytwin evaluate`: models of remaining life from fleets that run to failure."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batterytwin.errors import InvalidArgumentError
from twin_server.up_command import make_settings

if TYPE_CHECKING:
    from ml.fleet_lives import FleetLives


def train(
    folder: Annotated[Path, typer.Argument(help="Where the model is written; made if it is not there.")],
    plants: Annotated[int, typer.Option(min=4, max=100, help="Simulated plants to learn from.")] = 12,
    years: Annotated[float, typer.Option(min=1.0, max=20.0, help="How long each is followed.")] = 8.0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes side by side.")] = 2,
) -> None:
    """Train a model of remaining life from nothing, and judge it.

    Simulated plants run to failure under twins like the live ones; what the twins knew is learnt from, what then became
    of the blocks is the label. The same options give the same model.
    """
    from ml.artefact import save_model  # noqa: PLC0415  # CatBoost and kernels, kept out of `batterytwin --help`
    from ml.train import train as make  # noqa: PLC0415
    from twin_server.life_fleets import TRAINING_SEEDS, follow_all  # noqa: PLC0415

    seeds = range(TRAINING_SEEDS[0], TRAINING_SEEDS[0] + plants)
    model = make(follow_all(seeds, years, jobs=jobs, say=typer.echo), say=typer.echo)
    save_model(model, folder)
    for gate in model.card.gates:
        typer.echo(f"{'kept  ' if gate.passed else 'MISSED'} {gate.name:<16} {gate.value:8.4f}   {gate.limit}")
    typer.echo(f"{model.card.version} is in {folder}")


def evaluate(  # noqa: PLR0917 # the options of the command
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of a model; with --fleet, none = the one that is told.")
    ] = None,
    compare: Annotated[bool, typer.Option(help="Other kinds of model beside it, on the same plants.")] = False,
    plants: Annotated[int, typer.Option(min=1, max=100, help="Simulated plants that no training has seen.")] = 4,
    years: Annotated[float, typer.Option(min=1.0, max=20.0, help="How long each is followed.")] = 8.0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes side by side.")] = 2,
    fleet: Annotated[
        bool, typer.Option("--fleet", help="On the real blocks of a server's database instead of simulated plants.")
    ] = False,
    data_dir: Annotated[Path | None, typer.Option(help="With --fleet: data directory. [.batterytwin]")] = None,
) -> None:
    """Judge a model on plants that it has not seen; the last line is JSON.

    With `--compare` physics alone, a plain model and a survival model are trained on the plants of training and judged
    on the same unseen ones.

    With `--fleet` the same figures are worked out on what the server of a data directory (or of DATABASE_URL) has
    stored: what was known of each block month by month, and what became of those that were replaced. The server may
    run meanwhile. Blocks that still serve, or went for another reason than the end of their lives, are cut off there.
    """
    if fleet and compare:
        raise InvalidArgumentError("--compare trains on simulated plants; leave out it or --fleet.", field="compare")
    if fleet:
        found = _on_fleet(folder, data_dir)
    elif folder is not None:
        found = _on_plants(folder, plants, years, jobs, compare=compare)
    else:
        raise InvalidArgumentError("Name the folder of a model, or give --fleet.", field="folder")
    typer.echo(json.dumps(found))


def _on_plants(folder: Path, plants: int, years: float, jobs: int, *, compare: bool) -> dict[str, object]:
    from ml.artefact import load_model  # noqa: PLC0415  # as above
    from ml.compare import compared  # noqa: PLC0415
    from ml.evaluate import evaluated  # noqa: PLC0415
    from twin_server.life_fleets import JUDGING_SEEDS, TRAINING_SEEDS, follow_all  # noqa: PLC0415

    model = load_model(folder)
    first = JUDGING_SEEDS[0] + 1000 if plants > len(JUDGING_SEEDS) else JUDGING_SEEDS[0]
    unseen = follow_all(range(first, first + plants), years, jobs=jobs, say=typer.echo)
    found: dict[str, object] = {"model": model.card.version, **evaluated(model, unseen)}
    if compare:
        seen = follow_all(TRAINING_SEEDS, years, jobs=jobs, say=typer.echo)
        found["candidates"] = compared(seen, unseen)
    return found


def _on_fleet(folder: Path | None, data_dir: Path | None) -> dict[str, object]:
    from ml.artefact import load_model  # noqa: PLC0415  # as above
    from ml.fleet_lives import fleet_figures, require_ends  # noqa: PLC0415

    settings = make_settings(data_dir=data_dir)
    if settings.database_url is None and not settings.data_dir.is_dir():
        raise InvalidArgumentError(
            f"{settings.data_dir} does not exist. Name the data directory of the server with --data-dir.",
            field="data_dir",
            value=settings.data_dir,
        )
    lives, folder = asyncio.run(_read_fleet(folder, data_dir, settings.data_dir / "models"))
    count, ends = lives.outcomes.total(), lives.end_count
    typer.echo(
        f"{count} blocks, {len(lives.table)} battery-months; {ends} blocks came to the end of their lives, "
        f"{100.0 * (1.0 - ends / max(count, 1)):.0f} % were not seen to end"
    )
    require_ends(lives)
    model = load_model(folder)
    return {"model": model.card.version, **fleet_figures(model, lives)}


async def _read_fleet(folder: Path | None, data_dir: Path | None, models: Path) -> "tuple[FleetLives, Path]":
    from twin_server.fleet_evaluation import read_fleet_lives, told_model  # noqa: PLC0415  # as above
    from twin_server.store_access import open_server_store  # noqa: PLC0415

    async with open_server_store(data_dir) as store:
        lives = await read_fleet_lives(store)
        return lives, folder or await told_model(store, models)
