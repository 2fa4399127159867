"""`batterytwin train` and `batterytwin evaluate`: models of remaining life from fleets that run to failure."""

import json
from pathlib import Path
from typing import Annotated

import typer


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


def evaluate(
    folder: Annotated[Path, typer.Argument(help="Folder of a model.")],
    compare: Annotated[bool, typer.Option(help="Other kinds of model beside it, on the same plants.")] = False,
    plants: Annotated[int, typer.Option(min=1, max=100, help="Simulated plants that no training has seen.")] = 4,
    years: Annotated[float, typer.Option(min=1.0, max=20.0, help="How long each is followed.")] = 8.0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes side by side.")] = 2,
) -> None:
    """Judge a model on plants that it has not seen; the last line is JSON.

    With `--compare` physics alone, a plain model and a survival model are trained on the plants of training and judged
    on the same unseen ones.
    """
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
    typer.echo(json.dumps(found))
