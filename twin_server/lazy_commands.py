"""Commands whose modules are loaded when they are asked for: most need only some of what the product is made of."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup


class LazyGroup(TyperGroup):
    """A group that knows of its commands where they are, and loads one when it is run or described.

    What typer calls contexts and commands here has no public name, hence `Any`.

    Attributes:
        places: `module:attribute` by name of the command; a function, or a `typer.Typer` with commands of its own.
    """

    places: ClassVar[Mapping[str, str]]

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands, in the order in which they are told."""
        return [*self.places, *(name for name in super().list_commands(ctx) if name not in self.places)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name; None = there is none."""
        if cmd_name in self.places and cmd_name not in self.commands:
            self.commands[cmd_name] = _loaded(cmd_name, self.places[cmd_name])
        return super().get_command(ctx, cmd_name)


def _loaded(name: str, place: str) -> Any:
    module, attribute = place.split(":")
    found: typer.Typer | Callable[..., Any] = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(rich_markup_mode="markdown", add_completion=False)
        alone.command(name)(found)
        return typer.main.get_command(alone)
    group = typer.main.get_group(found)
    group.name = name
    return group
