"""Laws of the figures of strings, of evidence and of events."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batterytwin.alerts import Severity
from batterytwin.telemetry import Quality
from streamlit_app.charts.block_columns import STRIPS, Blocks
from streamlit_app.charts.block_strips import FAULT_MARK, block_strips
from streamlit_app.charts.event_marks import Mark
from streamlit_app.charts.evidence_ladder import Rung, evidence_ladder
from streamlit_app.charts.innovation_gauge import innovation_gauge
from streamlit_app.marks import alert_marks, event_marks
from streamlit_app.palette import GREY
from streamlit_app.wording import number
from tests.streamlit_app.dummy_events import of_battery
from tests.streamlit_app.dummy_fleet import first_alerts
from tests.streamlit_app.test_charts import chart, past

N = 24
IDS = [f"X-U1-S01-B{n:02d}" for n in range(1, N + 1)]
END = datetime(2026, 3, 3, tzinfo=UTC)


def blocks(**changes: Any) -> Blocks:
    wave = np.sin(np.arange(N))
    values: dict[str, Any] = {
        "battery_ids": IDS,
        "qualities": np.full(N, int(Quality.LIVE)),
        "alert_counts": np.zeros(N, np.int64),
        "faults": [""] * N,
        "voltage_deviation_v": 0.02 * wave,
        "temperature_deviation_k": 0.8 * wave,
        "resistance_ratio": 1 + 0.03 * wave,
        "soc": 0.98 + 0.01 * wave,
        "soc_sigma": np.full(N, 0.012),
        "soh_capacity": 0.92 + 0.03 * wave,
        "soh_capacity_sigma": np.full(N, 0.02),
    }
    return Blocks(**(values | changes))


def draw(**changes: Any) -> go.Figure:
    return block_strips(blocks(**changes), uirevision="x")


def strip(figure: go.Figure, key: str) -> Any:
    return figure.data[1 + [s.key for s in STRIPS].index(key)]


def axis(figure: go.Figure, key: str) -> Any:
    return figure.layout[f"yaxis{2 + [s.key for s in STRIPS].index(key)}"]


def test_all_strips_stand_on_one_block_axis() -> None:
    figure = draw()
    assert {trace.xaxis for trace in figure.data} == {None}
    assert all(list(trace.x) == list(range(1, N + 1)) for trace in figure.data)
    assert len({trace.yaxis for trace in figure.data}) == 1 + len(STRIPS)
    assert all(list(trace.customdata) == IDS for trace in figure.data), "every block can be clicked in every strip"


def test_bars_end_at_the_deviation_in_its_unit_on_screen() -> None:
    bar = strip(draw(), "voltage_deviation_v")
    np.testing.assert_allclose(np.array(bar.y) + bar.base, 1_000 * blocks().voltage_deviation_v)
    ratio = strip(draw(), "resistance_ratio")
    np.testing.assert_allclose(np.array(ratio.y) + ratio.base, 100 * blocks().resistance_ratio)
    assert ratio.base == 100


def test_a_deviation_names_the_median_that_it_is_from() -> None:
    titles = [note.text for note in draw(medians={"voltage_deviation_v": "13.650 V"}).layout.annotations]
    assert "<b>Voltage from median</b>, mV (median 13.650 V)" in titles
    assert "<b>Temperature from median</b>, K" in titles


def test_whiskers_are_one_sigma() -> None:
    for key, sigma in (("soc", "soc_sigma"), ("soh_capacity", "soh_capacity_sigma")):
        points = strip(draw(), key)
        np.testing.assert_allclose(points.error_y.array, 100 * getattr(blocks(), sigma))


def test_a_shorted_cell_is_cut_with_its_number_and_leaves_the_others_readable() -> None:
    deviation = blocks().voltage_deviation_v.copy()
    deviation[6] = -2.05
    figure = draw(voltage_deviation_v=deviation)
    low, high = axis(figure, "voltage_deviation_v").range
    assert -low == high < 200
    assert strip(figure, "voltage_deviation_v").y[6] == low
    assert [note.text for note in figure.layout.annotations if "2050" in note.text] == ["▼ \N{MINUS SIGN}2050 mV"]


@settings(max_examples=12, deadline=None)
@given(st.lists(st.floats(-3, 3) | st.just(np.nan), min_size=N, max_size=N))
def test_every_deviation_is_on_the_axis_or_written_down(deviation: list[float]) -> None:
    figure = draw(voltage_deviation_v=np.array(deviation))
    high = axis(figure, "voltage_deviation_v").range[1]
    written = " ".join(note.text for note in figure.layout.annotations)
    for volts in deviation:
        if np.isfinite(volts) and abs(1_000 * volts) > high:
            assert number(1_000 * volts, 0, "mV", sign=True) in written


def test_a_block_named_by_a_fault_has_a_sign_a_column_and_words() -> None:
    faults = [""] * N
    faults[6] = "shorted cell"
    figure = draw(faults=faults)
    signs = figure.data[0]
    assert [i for i, symbol in enumerate(signs.marker.symbol) if symbol == FAULT_MARK] == [6]
    assert "shorted cell" in signs.text[6]
    columns = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert [(shape.x0 + shape.x1) / 2 for shape in columns] == [7.0]


@pytest.mark.parametrize("quality", [Quality.STALE, Quality.NO_DATA])
def test_what_is_not_fresh_differs_in_more_than_colour(quality: Quality) -> None:
    qualities = np.full(N, int(Quality.LIVE))
    qualities[3] = quality
    figure = draw(qualities=qualities)
    assert figure.data[0].marker.size[3] > 0
    assert strip(figure, "voltage_deviation_v").marker.pattern.shape[3] == "/"
    assert strip(figure, "soc").marker.symbol[3] == "circle-open"
    assert strip(figure, "soc").marker.color[3] == GREY
    assert sum(size > 0 for size in figure.data[0].marker.size) == 1


def test_a_string_of_which_nothing_is_known_can_be_drawn() -> None:
    nothing = np.full(N, np.nan)
    figure = draw(
        qualities=np.full(N, int(Quality.NO_DATA)),
        **{s.key: nothing for s in STRIPS},
        soc_sigma=nothing,
        soh_capacity_sigma=nothing,
    )
    assert np.isnan(np.array(strip(figure, "soc").y)).all()


RUNGS = (
    Rung("Together", "", 0.92, 0.015, joined=True),
    Rung("Capacity test", "14 Mar 2026", 0.921, 0.016, decides=True),
    Rung("Deep discharge", "nothing yet", None, 0.0),
    Rung("Age and warmth", "at any time", 0.88, 0.06),
)


def test_rungs_keep_their_rows_and_whiskers() -> None:
    figure = evidence_ladder(RUNGS, uirevision="x")
    points = figure.data[0]
    assert list(points.y) == [0, 1, 3]
    np.testing.assert_allclose(points.x, [92.0, 92.1, 88.0])
    np.testing.assert_allclose(points.error_x.array, [1.5, 1.6, 6.0])
    low, high = figure.layout.xaxis.range
    assert low < 80 < high, "the end of life is always in sight"
    notes = [note.text for note in figure.layout.annotations]
    assert [("weighs most" in note) for note in notes] == [False, True, False]


def test_the_joint_estimate_shades_the_others() -> None:
    band = next(shape for shape in evidence_ladder(RUNGS, uirevision="x").layout.shapes if shape.type == "rect")
    assert (band.x0, band.x1) == (pytest.approx(90.5), pytest.approx(93.5))


@settings(max_examples=20, deadline=None)
@given(st.floats(-500, 500), st.floats(0.5, 100))
def test_the_innovation_stays_on_its_gauge(value: float, sigma: float) -> None:
    figure = innovation_gauge(value, sigma, uirevision="x")
    low, high = figure.layout.xaxis.range
    assert low <= figure.data[0].x[0] <= high
    assert low < -2 * sigma < 2 * sigma < high


def marked(*marks: Mark) -> go.Figure:
    from streamlit_app.charts.history_chart import history_chart  # noqa: PLC0415
    from streamlit_app.charts.history_panels import PANELS  # noqa: PLC0415

    panels = [panel for panel in PANELS if panel.key in {"voltage_v", "soc"}]
    return history_chart(past(), panels, END - timedelta(days=2), END, uirevision="u", marks=marks)


OUTAGE = Mark("Outage", "square", "#D1495B", END - timedelta(hours=9), END - timedelta(hours=8))


def test_an_event_shades_all_quantities_from_begin_to_end_in_bangkok_time() -> None:
    figure = marked(OUTAGE)
    shade = figure.layout.shapes[0]
    assert (shade.yref, shade.y0, shade.y1) == ("paper", 0, 1)
    begin, end = datetime(2026, 3, 2, 22), datetime(2026, 3, 2, 23)  # noqa: DTZ001 - the axis has no zone
    assert (shade.x0, shade.x1) == (begin, end)
    signs = figure.data[-1]
    assert list(signs.text) == ["Outage"]
    assert figure.layout.yaxis.domain[1] < figure.layout.yaxis3.domain[0] + 1e-9, "signs lie above the first quantity"


def test_what_took_no_time_is_a_line_and_what_began_before_is_cut() -> None:
    look = replace(OUTAGE, end=None)
    long_ago = replace(OUTAGE, start=END - timedelta(days=9))
    line, cut = marked(look, long_ago).layout.shapes
    assert (line.type, line.x0) == ("line", line.x1)
    assert cut.x0 == datetime(2026, 3, 1, 7)  # noqa: DTZ001 - the axis has no zone


def test_alerts_stand_in_a_row_of_their_own_and_few_cross_the_chart() -> None:
    alerts = [
        replace(alert, severity=severity, raise_time=END - timedelta(hours=hours), clear_time=None)
        for alert, severity, hours in zip(first_alerts(), (Severity.CRITICAL, Severity.WARNING), (5, 7), strict=False)
    ]
    critical, warning = alert_marks(alerts, END)
    figure = marked(OUTAGE, critical, warning)
    assert [shape.type for shape in figure.layout.shapes] == ["rect", "line"]
    signs = figure.data[-1]
    assert list(signs.y) == [-0.5, -1.5, -1.5]
    assert list(figure.layout.yaxis3.range) == [-2, 0]
    assert "(critical)" in signs.text[1]
    assert "stands since 5 h 00 min" in signs.text[1]
    assert list(marked(critical).data[-1].y) == [-0.5]
    unknown = alert_marks([replace(alerts[0], severity=9, rule=999)], END)[0]
    assert "number 999" in unknown.label
    assert not unknown.crosses
    kind = event_marks([replace(of_battery("BRK-U1-S03-B07")[0], kind=77)], END)[0]
    assert "number 77" in kind.label


def test_without_events_the_chart_is_as_before() -> None:
    assert marked().to_json() == chart(past(), "voltage_v", "soc").to_json()
