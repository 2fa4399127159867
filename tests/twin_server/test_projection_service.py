"""Projections through the API: asked, computed in a process of their own, compared, deleted, and by whom."""

import asyncio
import math
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
from google.protobuf.timestamp_pb2 import Timestamp

from batterytwin.access import Role
from batterytwin.errors import (
    ConflictError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    Reason,
    UnknownProjectionError,
    UnknownScenarioError,
)
from batterytwin.inventory import Inventory
from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceStub
from batterytwin.v1.projection_pb2 import ProjectionRequest as ProjectionRequestMessage
from clients.async_client import AsyncTwinClient
from clients.types import Projection, ProjectionRequest, ProjectionState, ScenarioPart
from storage.projection_records import ProjectionOutcome
from tests.fixtures.server import QUICK_HASHES, RunningServer, serve
from tests.twin_server.calls import blocks, columns, now_ns, request
from twin_server.access_admin import add_user
from twin_server.passwords import Passwords
from twin_server.projection_child import ProjectionChild
from twin_server.projection_job import ProjectionNews, Tell
from twin_server.projection_request import check_request

PASSWORD = "correct horse battery"
ASKED = ProjectionRequest("as it is", years=2.0, members=8, seed=3, names=("AAA-U1-S01",))
HOTTER = ScenarioPart("room_set_point", targets=("AAA",), parameters={"rise_k": 6.0})


async def never(_request: bytes, tell: Tell) -> ProjectionOutcome:
    tell(ProjectionNews(0.5, 1_790_000_000_000_000))
    await asyncio.Event().wait()
    raise AssertionError


@pytest_asyncio.fixture
async def busy(database_url: str, tmp_path: Path) -> AsyncIterator[RunningServer]:
    """A server whose projections never end."""
    async with serve(database_url, tmp_path, compute_projection=never) as running:
        yield running


async def client_of(server: RunningServer, name: str, role: Role, *locations: str) -> AsyncTwinClient:
    await add_user(server.store, name, role, list(locations), password=PASSWORD, passwords=Passwords(QUICK_HASHES))
    client = AsyncTwinClient(server.target)
    session = await client.login(name, PASSWORD)
    await client.close()
    return AsyncTwinClient(server.target, session.access_token)


async def ended(client: AsyncTwinClient, projection: Projection) -> Projection:
    async with asyncio.timeout(240):  # the first process on a machine compiles
        while projection.state in (ProjectionState.WAITING, ProjectionState.RUNNING):
            await asyncio.sleep(0.05)
            projection = await client.get_projection(projection.projection_id)
    return projection


@pytest.mark.slow
async def test_a_projection_is_computed_beside_the_server_and_compared_with_another(
    database_url: str, tmp_path: Path
) -> None:
    compute = ProjectionChild(database_url, tmp_path / "archive").compute
    async with serve(database_url, tmp_path, compute_projection=compute) as server:
        async with grpc.aio.insecure_channel(server.target) as channel:
            for minute in range(-3, 0):
                batch = columns(blocks("AAA-U1-S01"), now_ns(60.0 * minute), 13.62, 0.05, 27.0)
                await IngestServiceStub(channel).IngestReadings(request(batch), metadata=server.gateway("AAA"))
        async with AsyncTwinClient(server.target, server.admin_token) as client:
            usual = await client.project_scenario(ASKED)
            hot = await client.project_scenario(replace(ASKED, title="hotter", parts=(HOTTER,), warmth=True))
            assert usual.state in (ProjectionState.WAITING, ProjectionState.RUNNING)
            usual, hot = await ended(client, usual), await ended(client, hot)
            assert (usual.state, usual.progress, usual.battery_count) == (ProjectionState.DONE, 1.0, 24)
            assert usual.baseline is not None
            assert usual.with_scenario is None
            assert [len(year) for year in usual.baseline.replacements] == [5, 5]
            assert [loss.location_id for loss in usual.baseline.first_losses] == ["AAA"]
            assert [(s.system_id, s.strings) for s in usual.baseline.carrying] == [("AAA-U1", 1)]
            assert usual.request.block_price == pytest.approx(9_500.0 + 1.5 * 600.0), "as the server plans"
            assert hot.with_scenario is not None
            assert hot.baseline == usual.baseline, "the same twins, the same seed"
            assert [row.warmer_k for row in hot.warmth] == [1.0, 2.0, 3.0, 4.0, 5.0]
            assert hot.request.parts[0].definition.startswith("{")
            answer = await client.compare_scenarios([usual.projection_id, hot.projection_id])
            assert answer.caveats == ()
            assert answer.projections[0].more_than_first == (0.0,) * 5
            assert all(math.isfinite(value) and value >= 0.0 for value in answer.projections[1].more_than_first)
            await client.cancel_projection(hot.projection_id)
            assert [one.projection_id for one in await client.list_projections()] == [usual.projection_id]
            cancelled = await _cancelled_at_once(client)
            with pytest.raises(ConflictError) as refused:
                await client.compare_scenarios([usual.projection_id, cancelled.projection_id])
            assert refused.value.reason == Reason.PROJECTION_STATE_FORBIDS


async def _running(client: AsyncTwinClient, projection: Projection) -> Projection:
    async with asyncio.timeout(60):
        while projection.state is not ProjectionState.RUNNING:
            await asyncio.sleep(0.01)
            projection = await client.get_projection(projection.projection_id)
    return projection


async def _cancelled_at_once(client: AsyncTwinClient) -> Projection:
    long = await client.project_scenario(replace(ASKED, years=30.0, members=1_000))
    await _running(client, long)
    begun_s = time.monotonic()
    left = await client.cancel_projection(long.projection_id)
    assert left.state is ProjectionState.CANCELLED
    assert time.monotonic() - begun_s < 2.0
    return left


async def test_a_repeated_call_asks_nothing_twice_and_cancels_nothing_twice(busy: RunningServer) -> None:
    async with AsyncTwinClient(busy.target, busy.admin_token) as client:
        request_id = str(uuid.uuid4())
        first = await client.project_scenario(ASKED, request_id=request_id)
        again = await client.project_scenario(replace(ASKED, title="other words"), request_id=request_id)
        assert (again.projection_id, again.request.title) == (first.projection_id, "as it is")
        running = await _running(client, first)
        assert running.progress == 0.5
        assert running.begin_time is not None
        for _ in range(2):
            left = await client.cancel_projection(first.projection_id, request_id=request_id)
            assert left.state is ProjectionState.CANCELLED
        for _ in range(2):
            await client.cancel_projection(first.projection_id, request_id=str(uuid.UUID(int=7)))
        with pytest.raises(UnknownProjectionError):
            await client.get_projection(first.projection_id)
        trail = [entry.action for entry in await busy.store.audit_trail(20)]
        assert trail.count("projection.ask") == 1
        assert trail.count("projection.cancel") == 2


async def test_lists_come_in_pages_without_results(busy: RunningServer) -> None:
    async with AsyncTwinClient(busy.target, busy.admin_token) as client:
        for number in range(5):
            await client.project_scenario(replace(ASKED, title=f"number {number}"))
        page = await client.list_projections(page_size=3)
        rest = await client.list_projections(page_size=3, page_token=page.next_page_token)
    assert [one.request.title for one in page] == ["number 4", "number 3", "number 2"]
    assert [one.request.title for one in rest] == ["number 1", "number 0"]
    assert rest.next_page_token == ""


async def test_who_may_not_see_all_of_a_projection_does_not_see_it(busy: RunningServer) -> None:
    engineer = await client_of(busy, "ann", Role.ENGINEER, "AAA")
    viewer = await client_of(busy, "vic", Role.VIEWER, "AAA")
    async with AsyncTwinClient(busy.target, busy.admin_token) as admin, engineer, viewer:
        whole = await admin.project_scenario(replace(ASKED, names=()))
        mine = await engineer.project_scenario(replace(ASKED, names=()))
        assert (whole.battery_count, whole.request.names) == (96, ())
        assert (mine.battery_count, mine.request.names, mine.asked_by) == (48, ("AAA",), "ann")
        for caller in (engineer, viewer):
            assert [one.projection_id for one in await caller.list_projections()] == [mine.projection_id]
            with pytest.raises(UnknownProjectionError):
                await caller.get_projection(whole.projection_id)
        with pytest.raises(UnknownProjectionError):
            await engineer.cancel_projection(whole.projection_id)
        with pytest.raises(InvalidArgumentError):
            await engineer.project_scenario(replace(ASKED, names=("BBB",)))
        with pytest.raises(PermissionDeniedError):
            await viewer.project_scenario(ASKED)


REFUSED = (
    (replace(ASKED, title=" "), InvalidArgumentError, "title"),
    (replace(ASKED, years=31.0), InvalidArgumentError, "years"),
    (replace(ASKED, years=math.nan), InvalidArgumentError, "years"),
    (replace(ASKED, members=1), InvalidArgumentError, "members"),
    (replace(ASKED, load=-1.0), InvalidArgumentError, "load"),
    (replace(ASKED, seed=-1), InvalidArgumentError, "seed"),
    (replace(ASKED, names=("XXX",)), InvalidArgumentError, "names"),
    (replace(ASKED, parts=(ScenarioPart("no_such"),)), UnknownScenarioError, "scenario_name"),
    (replace(ASKED, parts=(replace(HOTTER, targets=("BBB",)),)), InvalidArgumentError, "targets"),
    (replace(ASKED, parts=(replace(HOTTER, parameters={"rise_k": 99.0}),)), InvalidArgumentError, "rise_k"),
    (replace(ASKED, parts=(ScenarioPart(definition="a: &a [*a]"),)), InvalidArgumentError, "definition"),
    (replace(ASKED, parts=(ScenarioPart(definition='{"name": 1}'),)), InvalidArgumentError, "definition"),
)


async def test_what_cannot_be_projected_is_refused_before_it_waits(busy: RunningServer) -> None:
    async with AsyncTwinClient(busy.target, busy.admin_token) as client:
        for asked, error, field in REFUSED:
            with pytest.raises(error) as refused:
                await client.project_scenario(asked)
            assert getattr(refused.value, "field", "") == field
        assert len(await client.list_projections()) == 0


def test_where_there_is_no_location_yet_it_is_said_whatever_is_asked() -> None:
    """A fleet of none has no present either."""
    at_time = ProjectionRequestMessage(title="once", at_time=Timestamp(seconds=1_790_000_000))

    def present() -> int:
        return max([])

    with pytest.raises(NotFoundError, match="no location"):
        check_request(at_time, Inventory(()), sees_all=True, block_price=1.0, now_us=present)
