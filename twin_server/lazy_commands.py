"""Commands whose modules are loaded when they are asked for: most need only some of what the product is made of."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, ClassVar

import click
import typer
from typer.core import TyperGroup


class LazyGroup(TyperGroup):
    """A group that knows of its commands where they are, and loads one when it is run or described.

    Attributes:
        places: `module:attribute` by name of the command; a function, or a `typer.Typer` with commands of its own.
    """

    places: ClassVar[Mapping[str, str]]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, in the order in which they are told."""
        return [*self.places, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; None = there is none."""
        if cmd_name not in self.places:
            return super().get_command(ctx, cmd_name)
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _loaded(cmd_name, self.places[cmd_name])
        return self.commands[cmd_name]


def _loaded(name: str, place: str) -> click.Command:
    module, attribute = place.split(":")
    found: typer.Typer | Callable[..., Any] = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(rich_markup_mode="markdown", add_completion=False)
        alone.command(name)(found)
        return typer.main.get_command(alone)
    group = typer.main.get_group(found)
    group.name = name
    return group
