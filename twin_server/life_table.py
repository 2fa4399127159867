"""The newest prediction of every battery: what every question about lives is answered from."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.life import MEDIAN
from batterytwin.life_plan import ReplacementAdvice
from batterytwin.quarters import site_day
from batterytwin.telemetry import Rows
from ml.replacement_advice import advise
from storage.prediction_rows import PREDICTION_DTYPE
from twin_server.life_rows import days_of
from twin_server.live_table import LiveTable

_MOST_ADVICE: Final = 100_000
_DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class LifeView:
    """Predictions of some batteries with what follows from them now; all of one length.

    Attributes:
        ordinals: places in the fleet.
        rows: predictions, `PREDICTION_DTYPE`.
        advice: when to replace.
    """

    ordinals: NDArray[np.int32]
    rows: Rows
    advice: list[ReplacementAdvice]

    def urgencies(self) -> NDArray[np.int32]:
        """`ReplacementUrgency` of each."""
        return np.array([int(one.urgency) for one in self.advice], np.int32)

    def quarters(self) -> NDArray[np.int32]:
        """`Quarter.index` of each."""
        return np.array([one.quarter.index for one in self.advice], np.int32)


class LifeTable:
    """Newest told predictions in fleet order. Used on the event loop; `view` may be called in a thread.

    Args:
        live: clocks and places of batteries.
        risk: chance of an end of life before the replacement that is taken.

    Attributes:
        rows: predictions, `PREDICTION_DTYPE`, shape `(n_twins,)`; `predicted_at` 0 = none.
    """

    def __init__(self, live: LiveTable, risk: float) -> None:
        self._live = live
        self._map = live.fleet_map
        self._risk = risk
        self._advice: dict[tuple[object, ...], ReplacementAdvice] = {}
        self.rows = np.zeros(0, PREDICTION_DTYPE)
        self.extend()

    def extend(self) -> None:
        """Makes room for the twins that the fleet map has gained."""
        added = len(self._map) - len(self.rows)
        if added:
            self.rows = np.append(self.rows, np.zeros(added, PREDICTION_DTYPE))

    def load(self, rows: Rows) -> None:
        """Takes over what the database holds; what is here already stays."""
        for row in rows:
            ordinal = self._map.find_key(int(row["battery_key"]))
            if ordinal is not None and not self.rows["predicted_at"][ordinal]:
                self.rows[ordinal] = row

    def put(self, ordinals: NDArray[np.int32], rows: Rows) -> None:
        """Takes new predictions over."""
        self.rows[ordinals] = rows

    def known(self, ordinals: NDArray[np.int32]) -> NDArray[np.int32]:
        """Those of some batteries whose present block has a prediction."""
        rows = self.rows[ordinals]
        found: NDArray[np.int32] = ordinals[(rows["as_of"] > 0) & (rows["unit_seq"] == self._map.unit_seqs[ordinals])]
        return found

    def view(self, ordinals: NDArray[np.int32], risk: float | None = None) -> LifeView:
        """Predictions of batteries that have one, with advice as of now."""
        return self.view_rows(ordinals, self.rows[ordinals], risk)

    def view_rows(
        self, ordinals: NDArray[np.int32], rows: Rows, risk: float | None = None, at_us: int | None = None
    ) -> LifeView:
        """Like `view`, of given predictions; as of `at_us` in place of the present time of each location."""
        asked_risk = self._risk if risk is None else risk
        days = days_of(rows)
        locations = self._map.location_of[ordinals]
        now_us = {
            int(number): self._live.clocks.now_us(int(number)) if at_us is None else at_us
            for number in np.unique(locations)
        }
        today = {number: site_day(us) for number, us in now_us.items()}
        advice = []
        for place, location in enumerate(locations.tolist()):
            row = rows[place]
            as_of_us, now = int(row["as_of"]), today[location]
            key = (
                int(ordinals[place]),
                int(row["predicted_at"]),
                as_of_us // _DAY_US,
                now,
                asked_risk,
                days[place, MEDIAN],
            )
            known = self._advice.get(key)
            if known is None:
                soh = float(row["soh_capacity"])
                known = advise(days[place], as_of_us, now_us[location], soh, asked_risk)
                if len(self._advice) >= _MOST_ADVICE:
                    self._advice.clear()
                self._advice[key] = known
            advice.append(known)
        return LifeView(ordinals, rows, advice)
