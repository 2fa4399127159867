"""Answers about twins as they were."""

from typing import TYPE_CHECKING, Protocol

import structlog

from actors.filter import MODEL_VERSION
from actors.fleet import Fleet, TwinSpec
from batterytwin.errors import InvalidArgumentError, Reason
from batterytwin.inventory import BatteryUnit
from batterytwin.telemetry import RECEIVED_EPOCH_S
from batterytwin.v1 import twin_service_pb2 as pb
from storage.past_store import Moment
from twin_server.live_table import LiveTable
from twin_server.past_view import live_of_stored, view_past
from twin_server.principal import Principal
from twin_server.time_proto import optional_timestamp, timestamp_to_us, us_to_timestamp
from twin_server.twin_proto import set_unit, view_to_twins
from twin_server.visibility import visible_twin

if TYPE_CHECKING:
    from actors.replayer import PastTwin

_log = structlog.get_logger(__name__)


class Past(Protocol):
    """What answers need of the replay; see `past_twins`."""

    async def twin_at(self, spec: TwinSpec, moment: Moment) -> "PastTwin":
        """The twin of a battery at a moment."""


class PastFacts(Protocol):
    """What answers need of the store; see `storage.filter_version_table` and `storage.unit_tables`."""

    async def filter_version_at(self, received_us: int) -> tuple[str, str] | None:
        """Version and layout of the filter that took in what was received then."""

    async def unit_at(self, battery_key: int, time_us: int) -> BatteryUnit | None:
        """The block that stood in a slot at a time; None = the first one."""


class PastAnswers:
    """Gets twins at past instants.

    Args:
        fleet: which twin is which.
        live: clocks and places.
        store: filter versions and blocks.
        past: replays.
    """

    def __init__(self, fleet: Fleet, live: LiveTable, store: PastFacts, past: Past) -> None:
        self._fleet = fleet
        self._live = live
        self._map = live.fleet_map
        self._store = store
        self._past = past

    async def twin_at(self, request: pb.GetTwinAtRequest, principal: Principal) -> pb.GetTwinAtResponse:
        """The twin of a battery at an instant, as it was known at another.

        Raises:
            InvalidArgumentError: the time is missing, in the future, or before the first reading.
            UnknownBatteryError: there is no such battery, or the caller may not know of it.
            StoreUnavailableError: database or archive are away.
        """
        ordinal = visible_twin(self._map, principal, request.battery_id)
        moment = self._moment(request, ordinal)
        spec = self._fleet.shard_specs[int(self._map.shard[ordinal])][int(self._map.twin[ordinal])]
        past = await self._past.twin_at(spec, moment)
        if not len(past.newest):
            raise InvalidArgumentError(
                f"{request.battery_id} had no reading at that time; ask for a later one.",
                reason=Reason.TIME_OUT_OF_RANGE,
                field="time",
            )
        received_us = (int(past.newest["received_s"][0]) + RECEIVED_EPOCH_S) * 1_000_000
        version, _ = await self._store.filter_version_at(received_us) or (MODEL_VERSION, "")
        replayed = version == MODEL_VERSION
        live = past.live if replayed else live_of_stored(past.newest)
        view = view_past(live, ordinal, moment.time_us, spec.sample_period_s)
        (twin,) = view_to_twins(view, self._map)
        twin.model_version = version
        unit = await self._store.unit_at(spec.battery_key, moment.time_us)
        set_unit(twin, unit or self._map.identities[ordinal].battery.first_unit)
        return pb.GetTwinAtResponse(
            twin=twin,
            source=pb.TWIN_SOURCE_REPLAYED if replayed else pb.TWIN_SOURCE_STORED,
            snapshot_time=optional_timestamp(past.snapshot_us or 0) if replayed else None,
            replayed_row_count=past.row_count if replayed else 0,
            revision=past.revision,
            known_time=us_to_timestamp(self._live.clocks.wall_us() if moment.known_us is None else moment.known_us),
        )

    def _moment(self, request: pb.GetTwinAtRequest, ordinal: int) -> Moment:
        if not request.HasField("time"):
            raise InvalidArgumentError(
                "time is missing; give the instant that you want the twin of.", reason=Reason.TIME_MISSING, field="time"
            )
        time_us = timestamp_to_us(request.time, "time")
        now_us = self._live.clocks.now_us(int(self._map.location_of[ordinal]))
        if time_us > now_us:
            raise InvalidArgumentError(
                f"time is {(time_us - now_us) / 1e6:.0f} s ahead of the location's clock; GetTwin tells the present.",
                reason=Reason.TIME_IN_FUTURE,
                field="time",
            )
        known_us = timestamp_to_us(request.known_time, "known_time") if request.HasField("known_time") else None
        return Moment(time_us, known_us)
