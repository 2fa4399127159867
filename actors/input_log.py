"""Inputs of twins as their shard takes them in, and their place among the readings when a log is replayed."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.errors import InvalidArgumentError
from batterytwin.events import TwinInput, TwinInputKind
from batterytwin.telemetry import Outcome, Rows
from storage.shard_store import LoggedInput

_LARGEST_SOH: Final = 2.0
_LONGEST_SOURCE: Final = 200


def check_inputs(inputs: Sequence[TwinInput], twin_of: Mapping[int, int]) -> None:
    """Checks inputs before any of them is applied.

    Args:
        inputs: what came in.
        twin_of: position of each twin of the shard by battery key.

    Raises:
        InvalidArgumentError: a battery is not in the shard, or a value is no evidence.
    """
    for given in inputs:
        if given.battery_key not in twin_of:
            raise InvalidArgumentError(
                f"This shard does not hold battery {given.battery_key}; send the input to the one that does.",
                field="battery_key",
                value=given.battery_key,
            )
        if given.kind == TwinInputKind.CURRENT_SENSOR:
            _check_sensor(given)
        elif given.kind != TwinInputKind.REPLACEMENT:
            _check_evidence(given)
        if not 0 < len(given.source_id) <= _LONGEST_SOURCE:
            raise InvalidArgumentError(
                f"The source has {len(given.source_id)} characters; give 1 to {_LONGEST_SOURCE}.", field="source_id"
            )


def _check_sensor(given: TwinInput) -> None:
    sensor = given.current_sensor
    if sensor is None or not math.isfinite(sensor.offset_a or 0.0):
        raise InvalidArgumentError(
            "The current sensor is missing or its offset is no number; give both as they are from then on.",
            field="current_sensor",
            value=str(sensor),
        )


def _check_evidence(given: TwinInput) -> None:
    soh, sigma = given.soh_capacity, given.sigma
    if soh is None or not 0.0 <= soh <= _LARGEST_SOH:
        raise InvalidArgumentError(
            f"A capacity of {soh} times the rated one is none that a battery has; give 0 to {_LARGEST_SOH:g}.",
            field="soh_capacity",
            value=soh,
        )
    if sigma is None or not (sigma > 0.0 and math.isfinite(sigma)):
        raise InvalidArgumentError(f"A sigma of {sigma} is none; give a positive number.", field="sigma", value=sigma)


def fresh_inputs(
    inputs: Sequence[TwinInput], known: Collection[tuple[int, str]]
) -> tuple[NDArray[np.uint8], list[TwinInput]]:
    """Tells inputs that are new from repeated ones.

    Args:
        inputs: what came in, in order.
        known: (battery, source) pairs that are stored already.

    Returns:
        `Outcome` of each (APPLIED or DUPLICATE), shape `(n_inputs,)`, and those that are new, in order.
    """
    seen = set(known)
    outcomes = np.full(len(inputs), Outcome.DUPLICATE, np.uint8)
    fresh = []
    for place, given in enumerate(inputs):
        pair = (given.battery_key, given.source_id)
        if pair not in seen:
            seen.add(pair)
            outcomes[place] = Outcome.APPLIED
            fresh.append(given)
    return outcomes, fresh


@dataclass(frozen=True, slots=True)
class LogEnd:
    """The end of the logs of some twins.

    Attributes:
        rows: `TELEMETRY_DTYPE`, oldest first within a battery.
        inputs: in any order; each follows the rows of its battery up to its watermark.
    """

    rows: Rows
    inputs: Sequence[LoggedInput]


def rounds(log: LogEnd) -> Iterator[tuple[Rows, list[LoggedInput]]]:
    """Splits the end of logs into rounds: first rows, then at most one input of each battery.

    Round after round, each battery sees its rows and inputs in the order in which it saw them first: an input comes
    after all rows up to its watermark and before all later ones.

    Yields:
        Rows of the round (`TELEMETRY_DTYPE`), and the inputs that follow them.
    """
    rows = log.rows
    if not log.inputs:
        yield rows, []
        return
    of_battery: dict[int, list[LoggedInput]] = {}
    for logged in sorted(log.inputs, key=lambda logged: (logged.watermark_us, logged.seq)):
        of_battery.setdefault(logged.content.battery_key, []).append(logged)
    round_of = np.zeros(len(rows), np.int64)
    for key, inputs in of_battery.items():
        mine = np.flatnonzero(rows["battery_key"] == key)
        watermarks = np.array([logged.watermark_us for logged in inputs], np.int64)
        round_of[mine] = np.searchsorted(watermarks, rows["sample_time_us"][mine], side="left")
    for number in range(max(map(len, of_battery.values())) + 1):
        due = [inputs[number] for inputs in of_battery.values() if number < len(inputs)]
        yield rows[round_of == number], due
