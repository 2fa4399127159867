"""Scenarios in requests: read, checked, and told again with all that was left to defaults."""

import json
import math
import tomllib
from collections.abc import Iterable
from typing import Final

import yaml
from pydantic import ValidationError

from batterytwin.errors import InvalidArgumentError, NotFoundError, UnknownScenarioError
from batterytwin.v1 import scenario_pb2
from simulator.scenario import Scenario, parse_scenario
from simulator.scenario_course import ScenarioPart
from simulator.scenario_library import find_scenario

MOST_PARTS: Final = 20
"""Parts of one request."""

_MOST_TEXT: Final = 65_536
_MOST_TARGETS: Final = 200
_DEEPEST: Final = 20
_OPENING: Final = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSING: Final = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
_LATEST_S: Final = 30.0 * 366.0 * 86_400.0


def read_parts(messages: Iterable[scenario_pb2.ScenarioPart]) -> list[ScenarioPart]:
    """Parts of a request; whether their targets are there is looked at where they are played.

    Raises:
        InvalidArgumentError: there are too many, or a scenario, a parameter or a time cannot be used.
        UnknownScenarioError: no scenario of the library is called so.
    """
    given = list(messages)
    if len(given) > MOST_PARTS:
        raise InvalidArgumentError(
            f"There are {len(given)} parts; at most {MOST_PARTS} can be played together.", field="parts"
        )
    return [_read(message) for message in given]


def tell_part(part: ScenarioPart) -> scenario_pb2.ScenarioPart:
    """Message of a part, with its definition and all its parameters."""
    return scenario_pb2.ScenarioPart(
        scenario_name=part.scenario.name,
        definition=definition_of(part.scenario),
        targets=part.targets,
        parameters=part.scenario.values(part.parameters),
        start_s=part.start_s,
    )


def definition_of(scenario: Scenario) -> str:
    """A scenario as JSON; `read_definition` makes the same of it."""
    return scenario.model_dump_json(by_alias=True)


def read_definition(text: str) -> Scenario:
    """A scenario of one's own: JSON, TOML or YAML.

    Raises:
        InvalidArgumentError: it is none of these, too long, or says something that no scenario has.
    """
    if len(text) > _MOST_TEXT:
        raise InvalidArgumentError(
            f"A scenario has at most {_MOST_TEXT} characters; this one has {len(text)}.", field="definition"
        )
    if text.lstrip().startswith("{"):  # YAML would take a number such as 1e-05 for a word
        try:
            scenario = Scenario.model_validate(json.loads(text))
        except (ValueError, RecursionError, ValidationError) as error:
            raise InvalidArgumentError(f"The scenario cannot be used: {error}", field="definition") from error
    else:
        _refuse_puzzles(text)
        scenario = parse_scenario(text)
    numbers = [value for effect in scenario.effects for value in effect.model_dump().values()]
    numbers += [value for p in scenario.parameters for value in (p.default, p.least, p.most)]
    if not all(math.isfinite(value) for value in numbers if isinstance(value, float)):
        raise InvalidArgumentError(
            "The scenario holds a number that is not finite; leave out what has no limit.", field="definition"
        )
    return scenario


def _read(message: scenario_pb2.ScenarioPart) -> ScenarioPart:
    if message.definition:
        scenario = read_definition(message.definition)
        if message.scenario_name and message.scenario_name != scenario.name:
            raise InvalidArgumentError(
                f"The definition is of {scenario.name} and not of {message.scenario_name[:64]}; give one of the two.",
                field="scenario_name",
                value=message.scenario_name,
            )
    elif message.scenario_name:
        try:
            scenario = find_scenario(message.scenario_name[:64])
        except NotFoundError as error:
            raise UnknownScenarioError(error.message, field="scenario_name", value=message.scenario_name) from None
    else:
        raise InvalidArgumentError("A part names a scenario of the library or defines one.", field="scenario_name")
    if len(message.targets) > _MOST_TARGETS:
        raise InvalidArgumentError(
            f"A part has {len(message.targets)} targets; give at most {_MOST_TARGETS}, for example whole locations.",
            field="targets",
        )
    if not 0.0 <= message.start_s <= _LATEST_S:
        raise InvalidArgumentError(
            f"start_s is {message.start_s:g}; give 0...{_LATEST_S:g} s.", field="start_s", value=message.start_s
        )
    part = ScenarioPart(scenario, tuple(message.targets), dict(message.parameters), message.start_s)
    scenario.values(part.parameters)
    return part


def _refuse_puzzles(text: str) -> None:
    """Refuses YAML of which a few lines can stand for gigabytes or keep the reader busy: references, deep nesting."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        pass
    except (ValueError, RecursionError):
        return  # whoever reads it says what is wrong
    else:
        return
    depth = 0
    try:
        for token in yaml.scan(text):
            depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
            if depth > _DEEPEST or isinstance(token, yaml.AliasToken):
                raise InvalidArgumentError(
                    "The scenario uses aliases (*name) of YAML, or is nested deeply; write what is meant.",
                    field="definition",
                )
    except yaml.YAMLError as error:
        raise InvalidArgumentError(f"The scenario cannot be used: {error}", field="definition") from error
