"""Options of the commands about history: times, quantities, buckets, and what a name means."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from batterytwin.errors import InvalidArgumentError, NotFoundError
from clients.sync_client import TwinClient
from clients.types import Metric

METRIC_NAMES: Final = ", ".join(metric.name.lower() for metric in Metric)

From = Annotated[str, typer.Option("--from", help="First sample time, UTC unless a zone is given. [a day before --to]")]
To = Annotated[str, typer.Option("--to", help="Up to this time, exclusive. [now]")]
Metrics = Annotated[list[str] | None, typer.Option("--metric", help="A quantity; may be repeated. [all]")]

_UNITS: Final = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days"}


def read_times(start: str, end: str) -> tuple[datetime, datetime]:
    """First and last time of a command.

    Raises:
        InvalidArgumentError: one of them is no time, or they are the wrong way round.
    """
    last = read_time(end, "--to") if end else datetime.now(UTC)
    first = read_time(start, "--from") if start else last - timedelta(days=1)
    if first >= last:
        raise InvalidArgumentError(
            f"--from {first:%Y-%m-%dT%H:%M} is not before --to {last:%Y-%m-%dT%H:%M}; exchange them.", field="--from"
        )
    return first, last


def read_metrics(names: list[str] | None) -> list[Metric]:
    """Quantities by name.

    Raises:
        InvalidArgumentError: there is no such quantity.
    """
    found = []
    for name in names or ():
        try:
            found.append(Metric[name.strip().upper().replace("-", "_")])
        except KeyError:
            raise InvalidArgumentError(
                f"There is no metric {name}; give one of {METRIC_NAMES}.", field="--metric", value=name
            ) from None
    return found


def read_bucket(text: str) -> timedelta | None:
    """Length of buckets, for example "15m", "1h" or "1d"; None for "raw".

    Raises:
        InvalidArgumentError: it is no length.
    """
    if text == "raw":
        return None
    match = re.fullmatch(r"(\d{1,6})\s*(s|min|m|h|d)", text)
    if match is None or not int(match[1]):
        raise InvalidArgumentError(
            f"--bucket {text} is no length; write it like 30s, 15m, 1h or 1d, or raw.", field="--bucket", value=text
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def scope_of(client: TwinClient, name: str) -> dict[str, str]:
    """What a name names: `battery_id`, `string_id` or `location_id`, as an argument of the client.

    Raises:
        NotFoundError: nothing of this name may be seen.
    """
    for location in client.list_locations():
        if name == location.location_id:
            return {"location_id": name}
        for string in location.strings():
            if name == string.string_id:
                return {"string_id": name}
            if name in string.battery_ids:
                return {"battery_id": name}
    raise NotFoundError(
        f"There is no battery, string or location {name}; names look like BRK-U1-S03-B07, BRK-U1-S03 and BRK.",
        field="place",
        value=name,
    )


def read_time(text: str, option: str) -> datetime:
    """A time of a command, UTC unless it names a zone.

    Raises:
        InvalidArgumentError: it is no time.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidArgumentError(
            f"{option} {text} is no time; write it like 2026-11-21T08:00 or 2026-11-21T15:00+07:00.",
            field=option,
            value=text,
        ) from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time
