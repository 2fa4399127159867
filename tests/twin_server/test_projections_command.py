"""`batterytwin project --remote` and `batterytwin projections`: asked of a server, kept there, shown and exported."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from batterytwin.errors import ConflictError, InvalidArgumentError, UnknownProjectionError
from batterytwin.scenarios import ProjectionState
from batterytwin.v1 import projection_pb2
from storage.projection_records import ProjectionOutcome
from tests.fixtures.server import serve_in_thread
from twin_server.cli import app
from twin_server.projection_job import ProjectionNews, Tell
from twin_server.projection_quantiles import pack_ends

Run = Callable[..., Result]


async def canned(request: bytes, tell: Tell) -> ProjectionOutcome:
    """Two blocks a member and year, one more with a scenario; the last quantile lies beyond the horizon."""
    asked = projection_pb2.ProjectionRequest.FromString(request)
    tell(ProjectionNews(0.5, 1_790_000_000_000_000))
    nan, days = float("nan"), round(asked.years * 365.25)
    course = projection_pb2.ProjectedCourse(
        replacements=[
            projection_pb2.Quantiles(values=[1, 2, 3, 4, 5]),
            projection_pb2.Quantiles(values=[2, 4, 6, 8, 9]),
        ],
        first_losses=[
            projection_pb2.FirstLoss(location_id="AAA", days=projection_pb2.Quantiles(values=[9, 99, 200, 300, nan]))
        ],
        carrying=[
            projection_pb2.CarryingSystem(
                location_id="AAA", system_id="AAA-U1", strings=2, now=0.9, in_half_a_year=0.5, with_one_more_string=0.8
            )
        ],
    )
    ends = np.zeros((asked.members, days + 1), np.int64)
    ends[:, 300] = 2 + len(asked.parts)
    result = projection_pb2.Projection(baseline=course)
    if asked.parts:
        result.with_scenario.CopyFrom(course)
    return ProjectionOutcome(
        ProjectionState.DONE, 1_790_000_000_000_000, 0.2, result=result.SerializeToString(), totals=pack_ends(ends)
    )


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    with serve_in_thread(database_url, tmp_path / "data", compute_projection=canned) as server:
        monkeypatch.setenv("BATTERYTWIN_ACCESS_TOKEN", server.admin_token)

        def invoke(*words: str) -> Result:
            return CliRunner().invoke(app, [*words, "--server", server.target], catch_exceptions=False)

        yield invoke


def told(result: Result) -> list[dict[str, Any]]:
    """What a command said in JSON, among the lines that the server logs here."""
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def test_a_projection_is_asked_shown_compared_exported_and_deleted(run: Run, tmp_path: Path) -> None:
    usual = told(run("project", "--title", "as it is", "--years", "2", "--only", "AAA", "--json"))[0]
    hotter = ["--scenario", "room_set_point", "--set", "rise_k=3", "--target", "AAA"]
    hot = told(run("project", *hotter, "--years", "2", "--only", "AAA", "--json"))[0]
    assert (usual["state"], usual["title"], hot["title"]) == ("done", "as it is", "room_set_point")
    assert hot["scenario"][0]["parameters"] == {"rise_k": 3.0}
    first, second = usual["projection_id"], hot["projection_id"]

    listed = [one["projection_id"] for one in told(run("projections", "list", "--json"))]
    assert listed == [second, first]
    assert "as it is" in run("projections", "list").stdout
    shown = run("projections", "show", first).stdout
    assert "3 (1...5)" in shown
    assert "AAA 200 (9...later) d" in shown

    compared = told(run("projections", "compare", first, second, "--json"))[0]
    assert compared["projections"][1]["more_than_first"] == [1.0] * 5
    assert compared["caveats"] == []
    assert "room_set_point" in run("projections", "compare", first, second).stdout

    out = tmp_path / "usual.csv"
    run("projections", "export", first, "--out", str(out))
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert {row["course"] for row in rows} == {"baseline"}
    assert [row["value"] for row in rows if row["quantity"] == "first_loss_days"] == [
        "9.0",
        "99.0",
        "200.0",
        "300.0",
        "",
    ]
    run("projections", "export", first, "--out", str(tmp_path / "usual.json"))
    assert json.loads((tmp_path / "usual.json").read_text()) == usual
    with pytest.raises(InvalidArgumentError):
        run("projections", "export", first, "--out", str(tmp_path / "usual.xlsx"))

    assert "deleted" in run("projections", "cancel", first).stdout
    with pytest.raises(UnknownProjectionError):
        run("projections", "show", first)


def test_what_a_server_cannot_do_is_said_before_it_is_asked(run: Run) -> None:
    with pytest.raises(InvalidArgumentError, match="by-minute"):
        run("project", "--by-minute", "2")
    with pytest.raises(InvalidArgumentError):
        run("project", "--years", "99")
    answer = run("project", "--no-wait", "--only", "AAA", "--years", "1").stdout
    assert "projections show" in answer


def test_only_what_is_done_is_exported(run: Run) -> None:
    with pytest.raises((ConflictError, UnknownProjectionError)):
        run("projections", "export", "prj-none")
