"""Answers about single twins: what does not change while a twin hears nothing is written once."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import numpy as np

from actors.age_estimates import Sigmas, inflate_sigmas
from batterytwin.inventory import BatteryUnit
from batterytwin.v1 import twin_pb2, twin_service_pb2
from twin_server.live_table import LiveTable
from twin_server.twin_proto import view_to_twins
from twin_server.twin_view import TwinView

_MOST_ANSWERS: Final = 4_096


@dataclass(frozen=True, slots=True)
class _Written:
    """An answer as of a sample, age 0."""

    version: int
    unit: BatteryUnit | None
    response: twin_service_pb2.GetTwinResponse
    sigmas: Sigmas


class TwinAnswers:
    """Answers `GetTwin`. Of an answer that is known only age, quality, alerts and what grows with age are new.

    Args:
        live: twins.
    """

    def __init__(self, live: LiveTable) -> None:
        self._live = live
        self._written: OrderedDict[int, _Written] = OrderedDict()

    def answer(self, ordinal: int, alert_count: int) -> twin_service_pb2.GetTwinResponse:
        """The twin as `twin_proto.view_to_twins` tells it of a view of this instant.

        Args:
            ordinal: which twin.
            alert_count: its active alerts.
        """
        written = self._current(ordinal)
        response = twin_service_pb2.GetTwinResponse()
        response.CopyFrom(written.response)
        twin = response.twin
        age_s, quality = self._live.age_and_quality(ordinal)
        twin.age_s = 0.0 if math.isnan(age_s) else age_s
        twin.quality = twin_pb2.Quality.ValueType(quality)
        twin.active_alert_count = alert_count
        sigmas = inflate_sigmas(written.sigmas, age_s)
        if sigmas is not written.sigmas:
            _set_sigmas(twin, sigmas)
        return response

    def _current(self, ordinal: int) -> _Written:
        version, unit = int(self._live.versions[ordinal]), self._live.fleet_map.replaced_unit(ordinal)
        written = self._written.get(ordinal)
        if written is None or written.version != version or written.unit is not unit:
            twin = view_to_twins(self._fresh(ordinal), self._live.fleet_map)[0]
            response = twin_service_pb2.GetTwinResponse(twin=twin)
            written = self._written[ordinal] = _Written(version, unit, response, _sigmas(twin))
            if len(self._written) > _MOST_ANSWERS:
                self._written.popitem(last=False)
        return written

    def _fresh(self, ordinal: int) -> TwinView:
        """The twin at its newest sample."""
        one = np.array([ordinal], np.int32)
        return TwinView(one, self._live.rows[one], np.zeros(1), np.zeros(1, np.uint8), np.zeros(1, np.int32))


def _sigmas(twin: twin_pb2.Twin) -> Sigmas:
    return Sigmas(
        twin.soc.sigma,
        twin.soh_capacity.sigma,
        (twin.soh_resistance.value, twin.soh_resistance.sigma),
        (twin.r0_ohm.value, twin.r0_ohm.sigma),
    )


def _set_sigmas(twin: twin_pb2.Twin, sigmas: Sigmas) -> None:
    """Sets those of estimates that are known."""
    for name, sigma in (
        ("soc", sigmas.soc),
        ("soh_capacity", sigmas.soh_capacity),
        ("soh_resistance", sigmas.soh_resistance[1]),
        ("r0_ohm", sigmas.r0_ohm[1]),
    ):
        if twin.HasField(name):  # type: ignore[arg-type] # a name of the list above
            getattr(twin, name).sigma = sigma
