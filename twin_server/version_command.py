"""`batterytwin version`."""

import platform
from typing import Annotated

import typer

from batterytwin import __version__


def version(short: Annotated[bool, typer.Option(help="Print the number alone.")] = False) -> None:
    """Print the version of the product and of its parts."""
    if short:
        typer.echo(__version__)
        return
    from actors.filter import MODEL_VERSION  # noqa: PLC0415  # compiled code, which the number alone does not need

    typer.echo(f"batterytwin {__version__} (filter {MODEL_VERSION}, Python {platform.python_version()})")
