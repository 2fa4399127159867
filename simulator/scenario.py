"""Scenarios: what happens to rooms, mains, chargers, blocks and sensors over time, declared with parameters."""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from batterytwin.errors import InvalidArgumentError
from simulator.fault_labels import targets_block, targets_location
from simulator.faults import FaultKind

OUTAGE: Final = "OUTAGE"
"""Kind of effect: the mains of a location fail; `magnitude` is the load over the system's usual one."""

ROOM: Final = "ROOM"
"""Kind of effect: a room becomes warmer by `magnitude` K, at `rate_k_h` and up to `hottest_c`."""

_MOST_TEXT: Final = 65_536
_ON_THE_WAY: Final = (FaultKind.CLOCK_SKEW, FaultKind.LATE_ROWS, FaultKind.REPEATED_ROWS)  # a branch has no gateways
_KINDS: Final = (OUTAGE, ROOM, *(kind.name for kind in FaultKind if kind not in _ON_THE_WAY))


class TargetLevel(StrEnum):
    """What a scenario can be aimed at."""

    LOCATION = "location"
    STRING = "string"
    BATTERY = "battery"


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ScenarioParameter(_Declared):
    """A number that whoever plays the scenario may choose.

    Attributes:
        name: as effects refer to it.
        unit: for example "h"; empty = a plain number.
        default: where nothing is chosen.
        least: smallest value allowed.
        most: largest value allowed.
        words: what it is, for people.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")
    unit: str = Field(default="", max_length=16)
    default: float
    least: float
    most: float
    words: str = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not self.least <= self.default <= self.most:
            raise ValueError(f"{self.name} needs least <= default <= most")
        return self


Value = float | str
"""A number, or the name of a parameter."""


class ScenarioEffect(_Declared):
    """One thing that happens. Numbers may be given by the name of a parameter.

    Attributes:
        kind: name of a `FaultKind`, `OUTAGE` or `ROOM`.
        start_h: begin, h after that of the scenario.
        duration_h: how long, h; None = it stays.
        magnitude: how much, in the unit of the kind.
        rate_k_h: how fast a room changes, K/h; None = at once.
        hottest_c: what a room does not exceed, degC; None = no matter.
    """

    kind: str
    start_h: Value = 0.0
    duration_h: Value | None = None
    magnitude: Value = 0.0
    rate_k_h: Value | None = None
    hottest_c: Value | None = None

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if self.kind not in _KINDS:
            raise ValueError(f"nothing is called {self.kind}; there are {', '.join(_KINDS)}")
        if self.kind != ROOM and (self.rate_k_h, self.hottest_c) != (None, None):
            raise ValueError(f"rate_k_h and hottest_c belong to {ROOM}, not to {self.kind}")
        return self

    @property
    def level(self) -> TargetLevel:
        """What the effect acts on."""
        if self.kind in (OUTAGE, ROOM) or targets_location(FaultKind[self.kind]):
            return TargetLevel.LOCATION
        return TargetLevel.BATTERY if targets_block(FaultKind[self.kind]) else TargetLevel.STRING

    @property
    def names(self) -> set[str]:
        """Parameters that it refers to."""
        values = (self.start_h, self.duration_h, self.magnitude, self.rate_k_h, self.hottest_c)
        return {value for value in values if isinstance(value, str)}


class Scenario(_Declared):
    """What happens, and what of it can be chosen.

    Attributes:
        name: unique in the library.
        version: raised with every change of what happens; stored with each run.
        title: for lists.
        words: what it is good for.
        targets: what it may be aimed at, the first being the usual one.
        parameters: what can be chosen.
        effects: what happens.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")
    version: int = Field(default=1, ge=1)
    title: str = Field(min_length=1, max_length=80)
    words: str = Field(default="", max_length=1_000)
    targets: tuple[TargetLevel, ...] = Field(min_length=1)
    parameters: tuple[ScenarioParameter, ...] = Field(default=(), alias="parameter")
    effects: tuple[ScenarioEffect, ...] = Field(min_length=1, max_length=100, alias="effect")

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        declared = [parameter.name for parameter in self.parameters]
        if len(set(declared)) != len(declared):
            raise ValueError("a parameter is declared twice")
        used = set().union(*(effect.names for effect in self.effects))
        if unknown := used - set(declared):
            raise ValueError(f"effects refer to {', '.join(sorted(unknown))}, which is no parameter")
        if unused := set(declared) - used:
            raise ValueError(f"no effect refers to the parameter {', '.join(sorted(unused))}")
        return self

    def values(self, chosen: Mapping[str, float]) -> dict[str, float]:
        """All parameters with their values.

        Args:
            chosen: those that are not the default.

        Raises:
            InvalidArgumentError: there is no such parameter, or its value is out of its limits.
        """
        values = {parameter.name: parameter.default for parameter in self.parameters}
        limits = {parameter.name: parameter for parameter in self.parameters}
        for name, value in chosen.items():
            if name not in limits:
                raise InvalidArgumentError(
                    f"The scenario {self.name} has no parameter {name}; it has {', '.join(values) or 'none'}.",
                    field=name,
                    value=value,
                )
            given = limits[name]
            if not given.least <= value <= given.most:
                raise InvalidArgumentError(
                    f"{name} = {value:g} is out of its limits: {given.least:g} to {given.most:g} {given.unit}.".strip(),
                    field=name,
                    value=value,
                )
            values[name] = float(value)
        return values


def parse_scenario(text: str) -> Scenario:
    """Reads a scenario from text.

    Args:
        text: TOML, or YAML with lists `parameter` and `effect`.

    Raises:
        InvalidArgumentError: it is neither, or says something that no scenario has.
    """
    if len(text) > _MOST_TEXT:
        raise InvalidArgumentError(
            f"A scenario has at most {_MOST_TEXT} characters.", field="scenario", value=len(text)
        )
    try:
        return Scenario.model_validate(_parsed(text))
    except (yaml.YAMLError, ValueError, AttributeError, RecursionError) as error:  # days, numbers that are none; depth
        raise InvalidArgumentError(f"The scenario cannot be used: {error}", field="scenario") from error


def _parsed(text: str) -> object:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return yaml.safe_load(text)
