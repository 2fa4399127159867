"""The replay map: what the columns of a recorded file mean, and which battery they belong to."""

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from batterytwin.datasheet import BatteryDatasheet
from batterytwin.errors import InvalidArgumentError, TwinError
from batterytwin.inventory import LocationClock
from clients.fleet import GridSpec

_Name = Annotated[str, Field(min_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SecondsTime(_Table):
    """Time as seconds since a start.

    Attributes:
        column: name of the column.
        start: what second 0 means; without a zone it is UTC.
    """

    column: _Name
    kind: Literal["seconds"]
    start: datetime

    @field_validator("start")
    @classmethod
    def _in_utc(cls, value: datetime) -> datetime:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class UtcTime(_Table):
    """Time as text; without a zone in the text it is UTC.

    Attributes:
        column: name of the column.
        format: how it is written, in `strptime` notation; empty = ISO 8601.
    """

    column: _Name
    kind: Literal["utc"]
    format: str = ""


class MeasuredColumn(_Table):
    """A measured quantity.

    Attributes:
        column: name of the column.
        scale: factor from the file's unit to V, A, degC or mOhm.
        hold_s: a value stands for this long, s, for rows that bring none; 0 = only for its own row.
    """

    column: _Name
    scale: float = Field(default=1.0, gt=0)
    hold_s: float = Field(default=0.0, ge=0)

    @property
    def factor(self) -> float:
        """Factor to the product's unit and sign."""
        return self.scale


class CurrentColumn(MeasuredColumn):
    """A current.

    Attributes:
        sign: which direction the file counts as positive.
    """

    sign: Literal["charge_positive", "discharge_positive"]

    @property
    def factor(self) -> float:
        """Factor to A, > 0 charges."""
        return self.scale if self.sign == "charge_positive" else -self.scale


class RowFilter(_Table):
    """Which rows belong to the battery.

    Attributes:
        column: name of the column.
        equals: texts, one of which the cell must be.
    """

    column: _Name
    equals: tuple[str, ...] = Field(min_length=1)


class ReplayMap(_Table):
    """Everything needed to replay a recorded file as one battery. Read from TOML by `load_replay_map`.

    Attributes:
        grid_id: grid to register for the replay.
        location_id: its one location.
        display_name: name of the location for people.
        battery_ids: batteries of the grid's one string; a file is one of them, the first unless told otherwise.
        sample_period_s: normal time between two samples, s.
        datasheet: what is known of the battery; `model`, `rated_capacity_ah` and `cells` are enough.
        format: file format; "auto" goes by the end of the file name.
        delimiter: what separates the columns of a CSV file.
        missing: texts, besides nothing, that mean "not measured".
        time: when each row was measured.
        voltage: terminal voltage, to V.
        current: current, to A.
        temperature: temperature, to degC.
        internal_resistance: resistance that an instrument measured, to mOhm.
        filter: which rows to take; None = all.
    """

    grid_id: _Name
    location_id: _Name
    display_name: str = ""
    battery_ids: tuple[_Name, ...] = Field(min_length=1, max_length=240)
    sample_period_s: float = Field(gt=0)
    datasheet: BatteryDatasheet
    format: Literal["auto", "csv", "parquet"] = "auto"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    missing: tuple[str, ...] = ("nan", "NaN", "NA", "null")
    time: SecondsTime | UtcTime = Field(discriminator="kind")
    voltage: MeasuredColumn
    current: CurrentColumn | None = None
    temperature: MeasuredColumn | None = None
    internal_resistance: MeasuredColumn | None = None
    filter: RowFilter | None = None

    def measured(self) -> dict[str, MeasuredColumn]:
        """Measured columns of the file by the name that readings give them."""
        columns = {
            "voltage_v": self.voltage,
            "current_a": self.current,
            "temperature_c": self.temperature,
            "internal_resistance_mohm": self.internal_resistance,
        }
        return {name: column for name, column in columns.items() if column is not None}

    def grid(self) -> GridSpec:
        """The grid to register: one location on a feed clock, one string."""
        given = self.datasheet.model_dump(mode="json")
        return GridSpec(
            grid_id=self.grid_id,
            location_id=self.location_id,
            display_name=self.display_name or self.location_id,
            clock=LocationClock.FEED,
            sample_period_s=self.sample_period_s,
            datasheet_toml="".join(f"{name} = {json.dumps(value)}\n" for name, value in given.items()),
            battery_ids=self.battery_ids,
        )

    def choose_battery(self, battery_id: str) -> str:
        """The battery that a file belongs to: the named one, or the first for an empty name.

        Raises:
            InvalidArgumentError: the map does not know this battery.
        """
        if battery_id and battery_id not in self.battery_ids:
            raise InvalidArgumentError(
                f"The map has no battery {battery_id}; it has {', '.join(self.battery_ids)}.",
                field="battery_ids",
                value=battery_id,
            )
        return battery_id or self.battery_ids[0]

    def starting(self, start: datetime | None) -> Self:
        """The same map with another meaning of second 0; None = as it is.

        Raises:
            InvalidArgumentError: the file's times do not count from a start.
        """
        if start is None:
            return self
        if not isinstance(self.time, SecondsTime):
            raise InvalidArgumentError(
                f"Column {self.time.column} holds full times; a start has no meaning for it.",
                field="start",
                value=start,
            )
        time = SecondsTime(column=self.time.column, kind="seconds", start=start)
        return self.model_copy(update={"time": time})


def load_replay_map(path: Path) -> ReplayMap:
    """Reads a replay map from a TOML file.

    Raises:
        InvalidArgumentError: the file cannot be read, is not TOML, or something in it is missing, unknown or out of
            range; the message names every such place.
    """
    try:
        return ReplayMap.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InvalidArgumentError(f"Map {path}: {problems}", field="map", value=path) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TwinError) as error:
        raise InvalidArgumentError(f"Map {path} cannot be read: {error}", field="map", value=path) from error
