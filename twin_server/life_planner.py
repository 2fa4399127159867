"""Plans, forecasts and the value of cooling, from the newest predictions."""

import asyncio
import itertools
import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.errors import InvalidArgumentError
from batterytwin.life import Confidence, LifeSource
from batterytwin.life_plan import (
    CoolingValue,
    LocationForecast,
    MaintenancePlan,
    ReplacementForecast,
    ReplacementPrices,
)
from batterytwin.telemetry import Rows
from ml.maintenance_plan import make_plan
from ml.replacement_forecast import ForecastLives, forecast_location, medians_left, value_of_cooling
from ml.string_choice import PlanBattery
from twin_server.life_predictor import LifePredictor, ages_days
from twin_server.life_rows import days_of
from twin_server.life_table import LifeTable
from twin_server.live_table import LiveTable

_MOST_QUARTERS: Final = 12
_DEFAULT_QUARTERS: Final = 4
_DEFAULT_COOLER_K: Final = 5.0
_MOST_COOLER_K: Final = 20.0
_RISKS: Final = (0.01, 0.5)
_NEW_LIFE_DAYS: Final = 3_650.0
"""Where nothing is known of lives at the sites: the design life."""
_DAY_US: Final = 86_400_000_000


class LifePlanner:
    """Answers what to replace when, and what it costs.

    Args:
        live: clocks and places.
        table: newest predictions.
        predictor: asks what would be if it were cooler.
        prices: prices.
        risk: chance of an end of life before the replacement that is taken, unless a caller says otherwise.
        scorer_up: whether the scorer answers now.
    """

    def __init__(  # noqa: PLR0917 # what plans are made from
        self,
        live: LiveTable,
        table: LifeTable,
        predictor: LifePredictor,
        prices: ReplacementPrices,
        risk: float,
        scorer_up: Callable[[], bool],
    ) -> None:
        self._live = live
        self._map = live.fleet_map
        self._table = table
        self._predictor = predictor
        self.prices = prices
        self._risk = risk
        self._scorer_up = scorer_up

    async def plan(self, ordinals: NDArray[np.int32], quarter_count: int, risk: float) -> MaintenancePlan:
        """Plan of the batteries of whole locations; 0 = the usual number of quarters and the usual risk.

        Raises:
            InvalidArgumentError: quarters or risk are out of range.
        """
        if not 0 <= quarter_count <= _MOST_QUARTERS:
            raise InvalidArgumentError(
                f"quarter_count is {quarter_count}; give 1...{_MOST_QUARTERS}.",
                field="quarter_count",
                value=quarter_count,
            )
        if risk and not _RISKS[0] <= risk <= _RISKS[1]:
            raise InvalidArgumentError(f"risk is {risk}; give {_RISKS[0]}...{_RISKS[1]}.", field="risk", value=risk)
        return await asyncio.to_thread(self._plan, ordinals, quarter_count or _DEFAULT_QUARTERS, risk or self._risk)

    async def forecast(self, locations: list[int], cooler_k: float) -> ReplacementForecast:
        """Forecast of locations, by their numbers; 0 K = 5 K.

        Raises:
            InvalidArgumentError: `cooler_k` is out of range.
            UnavailableError: a shard is away.
        """
        if not (math.isfinite(cooler_k) and 0.0 <= cooler_k <= _MOST_COOLER_K):
            raise InvalidArgumentError(
                f"cooler_k is {cooler_k}; give more than 0, up to {_MOST_COOLER_K:g} K.",
                field="cooler_k",
                value=cooler_k,
            )
        cooler_k = cooler_k or _DEFAULT_COOLER_K
        parts = [self._table.known(self._of_location(number)) for number in locations]
        everything = np.concatenate([*parts, np.empty(0, np.int32)]).astype(np.int32)
        now, cooler = await self._predictor.compare(everything, -cooler_k)
        ages = ages_days(now)
        edges = np.cumsum([0, *map(len, parts)])
        slices = [slice(begin, end) for begin, end in itertools.pairwise(edges)]
        names = [self._map.locations[number][0].location_id for number in locations]
        return await asyncio.to_thread(
            self._forecast,
            names,
            slices,
            *self._at_one_time(everything),
            now.rows,
            cooler.rows,
            ages,
            cooler_k,
        )

    def _of_location(self, number: int) -> NDArray[np.int32]:
        ordinals = self._map.locations[number][1]
        return np.arange(ordinals.start, ordinals.stop, dtype=np.int32)

    def _plan(self, ordinals: NDArray[np.int32], quarter_count: int, risk: float) -> MaintenancePlan:
        known = self._table.known(ordinals)
        now_us, rows = self._at_one_time(known)
        view = self._table.view_rows(known, rows, risk, now_us)
        lives = ForecastLives(days_of(view.rows), view.rows["as_of"])
        left = medians_left(lives, now_us)
        place_of = {int(ordinal): place for place, ordinal in enumerate(known)}
        batteries = []
        for ordinal in ordinals.tolist():
            identity, place = self._map.identities[ordinal], place_of.get(ordinal)
            batteries.append(
                PlanBattery(
                    identity.battery.battery_id,
                    identity.string.string_id,
                    identity.location.location_id,
                    None if place is None else view.advice[place],
                    0.0 if place is None else float(left[place]),
                    place is None or self._needs_review(view.rows[place]),
                )
            )
        return make_plan(
            batteries,
            now_us=now_us,
            quarter_count=quarter_count,
            risk=risk,
            prices=self.prices,
            new_life_days=self._new_life_days(known, left),
        )

    def _forecast(  # noqa: PLR0917 # handed to a thread
        self,
        names: list[str],
        slices: list[slice],
        now_us: int,
        told: Rows,
        now: Rows,
        cooler: Rows,
        ages: NDArray[np.float64],
        cooler_k: float,
    ) -> ReplacementForecast:
        lives = ForecastLives(days_of(told), told["as_of"])
        present, cool = (rows["days_50"].astype(np.float64) for rows in (now, cooler))

        def of(name: str, part: slice) -> tuple[LocationForecast, CoolingValue]:
            some = ForecastLives(lives.quantile_days[part], lives.as_of_us[part])
            value = value_of_cooling(
                name,
                cooler_k,
                now_days=present[part],
                cooler_days=cool[part],
                age_days=ages[part],
                prices=self.prices,
            )
            return forecast_location(name, some, now_us, self.prices), value

        found = [of(name, part) for name, part in zip(names, slices, strict=True)]
        total, cooling = of("", slice(None))
        return ReplacementForecast(
            total=total,
            locations=tuple(forecast for forecast, _ in found),
            cooling=cooling,
            location_cooling=tuple(value for _, value in found),
            prices=self.prices,
        )

    def _at_one_time(self, ordinals: NDArray[np.int32]) -> tuple[int, Rows]:
        """Present time, and predictions as if all locations had it: each life has gone on for as long as before.

        A recording that is replayed beside a live fleet lives in another year.
        """
        nows_us = self._nows_us(ordinals)
        now_us = int(nows_us.max(initial=0)) or self._live.clocks.wall_us()
        rows = self._table.rows[ordinals]  # a copy
        rows["as_of"] += now_us - nows_us
        return now_us, rows

    def _nows_us(self, ordinals: NDArray[np.int32]) -> NDArray[np.int64]:
        return self._live.clocks.all_now_us()[self._map.location_of[ordinals]]

    def _needs_review(self, row: np.void) -> bool:
        share = float(row["confidence"])
        return (
            row["source"] == LifeSource.TWIN_ONLY
            or not self._scorer_up()
            or Confidence.of_share(share) is Confidence.LOW
        )

    def _new_life_days(self, ordinals: NDArray[np.int32], left_days: NDArray[np.float64]) -> float:
        """Median of age plus what is left, over batteries in service."""
        if not len(ordinals):
            return _NEW_LIFE_DAYS
        age_days = (self._nows_us(ordinals) - self._map.unit_since_us[ordinals]) / _DAY_US
        return max(float(np.median(age_days + left_days)), 365.0)
