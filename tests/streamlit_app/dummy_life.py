"""Made-up lives, plans and models for the made-up fleet."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import numpy as np

from batterytwin.errors import ConflictError, Reason
from batterytwin.life import LifeCase
from batterytwin.quarters import site_time
from clients import types as clients
from clients.types import Confidence, LifeFactor, LifeSource, ModelState, Quarter, ReplacementUrgency
from tests.streamlit_app import dummy_fleet
from tests.streamlit_app.dummy_fleet import NOW, SITES

VERSION: Final = "life-2026-03"
PRICES: Final = clients.ReplacementPrices()
_SPREAD: Final = np.array([0.55, 0.82, 1.0, 1.2, 1.6])


def fleet(location_ids: Iterable[str], degraded_reason: str = "") -> clients.FleetLife:
    """Lives that follow from the health of the made-up fleet; those never heard of have none."""
    table = dummy_fleet.columns(location_ids, ())
    known = np.flatnonzero(table.as_of_unix_ns > 0)
    soh = table.soh_capacity[known].astype(np.float64)
    median = np.maximum((soh - 0.80) / 0.20 * 3_600.0, 20.0)
    n = len(known)
    days = (median[:, None] * _SPREAD).astype(np.float32)
    urgency = np.select(
        [median < 90, median < 365, median < 900],
        [int(ReplacementUrgency.NOW), int(ReplacementUrgency.SOON), int(ReplacementUrgency.PLANNED)],
        int(ReplacementUrgency.LATER),
    )
    now_ns = int(NOW.timestamp() * 1e9)
    columns = clients.LifeColumns(
        battery_ids=tuple(table.battery_ids[k] for k in known),
        as_of_unix_ns=table.as_of_unix_ns[known],
        predict_time_unix_ns=np.full(n, now_ns - 600 * 10**9, np.int64),
        days_05=days[:, 0],
        days_25=days[:, 1],
        days_50=days[:, 2],
        days_75=days[:, 3],
        days_95=days[:, 4],
        twin_days=(median * 1.1).astype(np.float32),
        model_days=np.where(np.arange(n) % 7 == 0, median * 0.7, median * 0.95).astype(np.float32),
        confidence_shares=np.where(np.arange(n) % 11 == 0, 0.5, 0.85).astype(np.float32),
        sources=np.full(n, int(LifeSource.TWIN_AND_MODEL), np.int32),
        top_factors=np.full(n, int(LifeFactor.TEMPERATURE), np.int32),
        top_shares=np.full(n, 0.61, np.float32),
        quarters=np.array([Quarter(2026, 1).index + min(max(int(0.5 * d // 91) - 1, 0), 12) for d in median], np.int32),
        urgencies=urgency.astype(np.int32),
        soh_capacity=soh.astype(np.float32),
        upper_known=median < 540.0,
    )
    return clients.FleetLife(columns, NOW, "" if degraded_reason else VERSION, degraded_reason)


def life(battery_id: str, warmer_k: float = 0.0) -> clients.RemainingLife:
    """The life of one battery, equal to its row of `fleet`; ten kelvin halve it."""
    table = fleet([battery_id.split("-", 1)[0]]).lives
    if battery_id not in table.battery_ids:
        raise ConflictError(f"{battery_id} has never been read.", reason=Reason.LIFE_UNKNOWN)
    row = table.battery_ids.index(battery_id)
    factor = 0.5 ** (warmer_k / 10.0)
    median = float(table.days_50[row]) * factor

    def quantiles(scale: float) -> clients.LifeQuantiles:
        return clients.LifeQuantiles(*(float(value) for value in median * scale * _SPREAD))

    twin_days, model_days = float(table.twin_days[row]) * factor, float(table.model_days[row]) * factor
    disagreement = abs(twin_days - model_days) / (0.5 * (twin_days + model_days))
    share = float(table.confidence_shares[row])
    case = LifeCase("library/317", 1_500.0, 1_100.0, 1_240.0, True, "Ran at 29 degC, ended by dry-out.")
    return clients.RemainingLife(
        battery_id=battery_id,
        string_id=battery_id.rsplit("-", 1)[0],
        location_id=battery_id.split("-", 1)[0],
        unit_seq=1,
        as_of=NOW - timedelta(seconds=12),
        predict_time=NOW - timedelta(minutes=10),
        fused=quantiles(1.0),
        upper_known=True,
        twin=quantiles(1.1),
        model_days=model_days,
        twin_weight=0.6,
        disagreement=disagreement,
        disagrees=disagreement > 0.3,
        confidence=Confidence.of_share(share),
        confidence_share=share,
        source=LifeSource.TWIN_AND_MODEL,
        degraded=False,
        factors=(
            clients.LifeFactorShare(LifeFactor.TEMPERATURE, 0.61, 0.58),
            clients.LifeFactorShare(LifeFactor.AGE, 0.25, 0.80),
            clients.LifeFactorShare(LifeFactor.RESISTANCE, 0.08, 1.07),
            clients.LifeFactorShare(LifeFactor.OTHER, 0.06, 0.97),
        ),
        cases=tuple(
            clients.SimilarCase(replace(case, case_id=case_id, ended=k != 2), 0.1 * k)
            for k, case_id in enumerate(("library/3", "fleet/CNX-U1-S01-B02/1", "library/17", "fleet/UDN-U1-S01-B01/2"))
        ),
        model_version=VERSION,
        inputs_hash="0" * 64,
        advice=clients.ReplacementAdvice(
            Quarter.of_index(int(table.quarters[row])),
            ReplacementUrgency(int(table.urgencies[row])),
            moved_by_season=False,
            reason="Before the chance of an end of life reaches 10 %.",
        ),
        soh_capacity=float(table.soh_capacity[row]),
        warmer_k=warmer_k,
    )


def past(battery_id: str) -> tuple[clients.PastPrediction, ...]:
    """Predictions of the last thirty days."""
    present = life(battery_id)
    return tuple(
        clients.PastPrediction(
            NOW - timedelta(days=day), NOW - timedelta(days=day), 1, present.fused, present.twin.days_50,
            present.model_days, VERSION, LifeSource.TWIN_AND_MODEL,
        )
        for day in range(30, 0, -1)
    )  # fmt: skip


def plan(location_ids: Iterable[str], quarter_count: int, risk: float) -> clients.MaintenancePlan:
    """Two visits at the first site."""
    site = next(site for site in SITES if site.location_id in set(location_ids))
    strings = list(site.strings())
    visits = tuple(_visit(site.location_id, strings[k].string_id, Quarter(2026, 1 + k), whole=k == 1) for k in range(2))
    return clients.MaintenancePlan(
        plan_time=NOW,
        quarter_count=quarter_count,
        risk=risk,
        prices=PRICES,
        visits=visits,
        block_count=sum(visit.block_count for visit in visits),
        cost=sum(visit.cost for visit in visits),
        unknown_battery_ids=(),
        review_battery_ids=(strings[0].batteries[4].battery_id,),
    )


def _visit(location_id: str, string_id: str, quarter: Quarter, *, whole: bool) -> clients.PlannedVisit:
    ids = tuple(f"{string_id}-B{k:02d}" for k in (range(1, 25) if whole else (3, 7)))
    planned = clients.PlannedString(
        string_id, whole, ids, ids[:1], ReplacementUrgency.PLANNED if whole else ReplacementUrgency.NOW,
        3.0 * len(ids), 9_500.0 * len(ids), "Cheaper than single blocks with more visits." if whole else "Two are due.",
    )  # fmt: skip
    start = site_time(quarter.first_day, 8)
    return clients.PlannedVisit(
        location_id, quarter, start, start + timedelta(days=20, hours=9), (planned,), len(ids), 3.0 * len(ids), 2,
        planned.cost + PRICES.visit, ("Songkran: crews are away from 11 to 17 April.",) if whole else (),
    )  # fmt: skip


def forecast(location_ids: Iterable[str], cooler_k: float) -> clients.ReplacementForecast:
    """Ends of life of the next twelve months."""
    quarters = tuple(_period(Quarter(2026, 1).plus(k), 4.0 + k) for k in range(5))
    seen = list(location_ids)

    def of(location_id: str) -> clients.LocationForecast:
        return clients.LocationForecast(
            location_id, 216, replace(_period(Quarter(2026, 1), 30.0), quarter=None), quarters
        )

    def worth(location_id: str) -> clients.CoolingValue:
        return clients.CoolingValue(
            location_id, cooler_k, 1_500.0, 1_500.0 + 120 * cooler_k, 118 * cooler_k, 6.5, 70_000.0
        )

    return clients.ReplacementForecast(
        of(""), tuple(of(name) for name in seen), worth(""), tuple(worth(name) for name in seen), PRICES
    )


def _period(quarter: Quarter, count: float) -> clients.ForecastPeriod:
    start, end = site_time(quarter.first_day, 0), site_time(quarter.plus(1).first_day, 0)
    low, high = int(count * 0.6), int(count * 1.5) + 1
    return clients.ForecastPeriod(quarter, start, end, count, low, high, 1e4 * count, 1e4 * low, 1e4 * high)


def models() -> list[clients.LifeModel]:
    """An active model and a candidate that fails a gate."""
    active = clients.LifeModel(
        version=VERSION, state=ModelState.ACTIVE, train_time=NOW - timedelta(days=9),
        import_time=NOW - timedelta(days=8), imported_by="the product", approved_by="anna",
        approve_time=NOW - timedelta(days=8), approve_note="", activate_time=NOW - timedelta(days=8),
        activated_by="anna", sha256="0" * 64, byte_count=812_000, inputs_layout="life-inputs-1",
        data_range="2,016 simulated lives of 12 plants",
        gates=(clients.ModelGate("coverage", 0.91, "0.85 to 0.95", passed=True),),
        metrics={"r2": 0.86, "censored_share": 0.44}, card_json="", obstacles=(), comparison=None,
        drift=clients.ModelDrift(1_944, 0.04, -0.01, 0.15, 3),
    )  # fmt: skip
    candidate = replace(
        active, version="life-2026-04", state=ModelState.CANDIDATE, approved_by="", approve_time=None,
        activate_time=None, activated_by="",
        gates=(clients.ModelGate("coverage", 0.71, "0.85 to 0.95", passed=False),),
        obstacles=("Gate coverage: 0.71, asked for 0.85 to 0.95.",), drift=None,
        comparison=clients.ModelComparison(VERSION, 1_944, -0.08, 0.11, 0.06),
    )  # fmt: skip
    retired = replace(active, version="life-2026-02", state=ModelState.RETIRED, drift=None)
    return [candidate, active, retired]
