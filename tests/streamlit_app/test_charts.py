import itertools
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batterytwin.inventory import load_fleet
from batterytwin.telemetry import Quality
from streamlit_app.charts.battery_map import Cells, battery_map, cell_grid
from streamlit_app.charts.cell_metrics import CELL_METRICS, HEALTH
from streamlit_app.charts.health_bands import HealthBand, health_band
from streamlit_app.charts.histogram import health_histogram
from streamlit_app.charts.history_chart import history_chart
from streamlit_app.charts.history_panels import PANELS, Past

BANGRAK = next(site for site in load_fleet().locations if site.location_id == "BRK")
STRINGS = [(string.string_id, [b.battery_id for b in string.batteries]) for string in BANGRAK.strings()]
IDS = [battery_id for _, members in STRINGS for battery_id in members]
HOUR_NS = 3_600 * 10**9


def cells(**changes: Any) -> Cells:
    n = len(IDS)
    values: dict[str, Any] = {
        "battery_ids": IDS,
        "values": np.linspace(75, 100, n),
        "qualities": np.full(n, int(Quality.LIVE)),
        "ages_s": np.full(n, 3.0),
        "alert_counts": np.zeros(n, np.int64),
        "shown": np.ones(n, np.bool_),
    }
    return Cells(**(values | changes))


def draw(given_cells: Cells) -> go.Figure:
    return battery_map(cell_grid(STRINGS, IDS), given_cells, HEALTH, uirevision="x")


def test_a_site_is_nine_rows_of_24_in_string_order() -> None:
    figure = draw(cells(values=np.arange(216.0)))
    z = np.array(figure.data[0].z)
    assert z.shape == (9, 24)
    assert (z.ravel() == np.arange(216)).all()
    assert list(figure.layout.yaxis.ticktext) == [name.removeprefix("BRK-").replace("-", " ") for name, _ in STRINGS]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1], "the first string is on top"


def test_every_battery_can_be_clicked_where_it_stands() -> None:
    names = draw(cells()).data[0].customdata
    assert [list(row) for row in names] == [members for _, members in STRINGS]


def test_columns_in_another_order_end_in_the_same_cells() -> None:
    order = np.random.default_rng(7).permutation(216)
    shuffled = [IDS[i] for i in order]
    figure = battery_map(
        cell_grid(STRINGS, shuffled),
        cells(battery_ids=shuffled, values=np.arange(216.0)[order]),
        HEALTH,
        uirevision="x",
    )
    assert (np.array(figure.data[0].z).ravel() == np.arange(216)).all()


def test_a_longer_string_goes_on_in_the_next_row() -> None:
    members = [f"X-{n}" for n in range(30)]
    grid = cell_grid([("X", members)], members)
    assert grid.cells.shape == (2, 24)
    assert (grid.cells[1, 6:] == -1).all()
    assert grid.row_names == ("X", "")


def colour(percent: float) -> tuple[float, ...]:
    """Red, green and blue, 0...255, that Plotly's linear scale gives to a state of health."""
    stops = [low for low, _ in HEALTH.scale]
    parts = [[int(text[i : i + 2], 16) for _, text in HEALTH.scale] for i in (1, 3, 5)]
    place = (percent - HEALTH.low) / (HEALTH.high - HEALTH.low)
    return tuple(float(np.interp(place, stops, part)) for part in parts)


@pytest.mark.parametrize(
    ("percent", "band"),
    [
        (70.1, HealthBand.END_OF_LIFE),
        (79.9, HealthBand.END_OF_LIFE),
        (80.1, HealthBand.AGEING),
        (84.9, HealthBand.AGEING),
        (85.1, HealthBand.HEALTHY),
        (100.0, HealthBand.HEALTHY),
    ],
)
def test_colours_change_at_80_and_85_percent(percent: float, band: HealthBand) -> None:
    red, green, blue = colour(percent)
    assert health_band(percent / 100) is band
    if band is HealthBand.END_OF_LIFE:
        assert red > 1.5 * green
    elif band is HealthBand.AGEING:
        assert red > green > 2 * blue
    else:
        assert green > red


@pytest.mark.parametrize("value", [None, math.nan])
def test_unknown_health_has_no_band(value: float | None) -> None:
    assert health_band(value) is HealthBand.UNKNOWN


def test_a_cell_without_a_value_is_veiled_and_has_no_colour() -> None:
    values = np.linspace(75, 100, 216)
    values[5] = np.nan
    figure = draw(cells(values=values))
    assert math.isnan(figure.data[0].z[0][5])
    assert figure.data[1].z[0][5] == 1.0
    assert np.nansum(figure.data[1].z) == 1.0


def marks(figure: go.Figure) -> dict[tuple[int, int], str]:
    """Symbols by row and column, both from 0."""
    trace = figure.data[2]
    return {(int(y), int(x) - 1): s for x, y, s in zip(trace.x, trace.y, trace.marker.symbol, strict=True)}


@pytest.mark.parametrize("quality", [Quality.STALE, Quality.NO_DATA])
def test_old_values_stay_visible_under_a_veil_with_a_mark(quality: Quality) -> None:
    qualities = np.full(216, int(Quality.LIVE))
    qualities[30] = quality
    figure = draw(cells(qualities=qualities))
    assert figure.data[0].z[1][6] == cells().values[30]
    assert figure.data[1].z[1][6] == 1.0
    assert set(marks(figure)) == {(1, 6)}


def test_suspect_and_alerting_batteries_are_marked_differently() -> None:
    qualities, alert_counts = np.full(216, int(Quality.LIVE)), np.zeros(216, np.int64)
    qualities[1], alert_counts[2] = Quality.SUSPECT, 3
    figure = draw(cells(qualities=qualities, alert_counts=alert_counts))
    found = marks(figure)
    assert set(found) == {(0, 1), (0, 2)}
    assert found[0, 1] != found[0, 2]
    assert "3 active alerts" in figure.data[0].hovertext[0][2]


def test_a_filter_leaves_hidden_cells_empty() -> None:
    shown = np.zeros(216, np.bool_)
    shown[:24] = True
    figure = draw(cells(shown=shown, qualities=np.full(216, int(Quality.STALE))))
    assert np.isfinite(np.array(figure.data[0].z)).sum() == 24
    assert np.isfinite(np.array(figure.data[1].z)).sum() == 24
    assert {row for row, _ in marks(figure)} == {0}
    assert "hidden by the filter" in figure.data[0].hovertext[1][0]


@settings(max_examples=20)  # each of 216 numbers
@given(st.lists(st.floats(0, 1.2) | st.just(math.nan), min_size=216, max_size=216))
def test_limits_of_a_metric_never_move(soh: list[float]) -> None:
    figure = draw(cells(values=np.array(soh) * 100))
    assert (figure.data[0].zmin, figure.data[0].zmax) == (HEALTH.low, HEALTH.high)


def test_all_1944_cells_can_be_drawn() -> None:
    fleet = [
        (s.string_id, [b.battery_id for b in s.batteries]) for site in load_fleet().locations for s in site.strings()
    ]
    ids = [battery_id for _, members in fleet for battery_id in members]
    n = len(ids)
    everything = Cells(ids, np.full(n, 90.0), np.ones(n, np.int64), np.ones(n), np.zeros(n, np.int64), np.ones(n, bool))
    for metric in CELL_METRICS:
        figure = battery_map(cell_grid(fleet, ids), everything, metric, uirevision="x")
        assert np.isfinite(np.array(figure.data[0].z)).sum() == 1_944


@settings(max_examples=40)
@given(st.lists(st.floats(0.0, 1.3) | st.just(math.nan), max_size=60))
def test_the_histogram_counts_every_known_battery_once(soh: list[float]) -> None:
    values = np.array(soh, np.float32)
    figure = health_histogram(values)
    assert sum(figure.data[0].y) == np.isfinite(values).sum()


def test_histogram_bars_have_the_colour_of_their_band() -> None:
    bar = health_histogram(np.array([0.795, 0.805, 0.845, 0.855])).data[0]
    filled = {round(x - 0.5): colour for x, y, colour in zip(bar.x, bar.y, bar.marker.color, strict=True) if y}
    assert filled == {
        79: HealthBand.END_OF_LIFE.colour,
        80: HealthBand.AGEING.colour,
        84: HealthBand.AGEING.colour,
        85: HealthBand.HEALTHY.colour,
    }


def past(count: int = 48, **series: Any) -> Past:
    start = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * 10**9
    values: dict[str, Any] = {panel.key: np.linspace(0, 1, count) for panel in PANELS}
    values |= {panel.sigma_key: np.full(count, 0.1) for panel in PANELS if panel.sigma_key}
    return Past(start + HOUR_NS * np.arange(count), values | series, np.zeros(count, np.bool_))


def chart(given_past: Past, *keys: str) -> go.Figure:
    panels = [panel for panel in PANELS if panel.key in keys]
    end = datetime(2026, 3, 3, tzinfo=UTC)
    return history_chart(given_past, panels, end - timedelta(days=2), end, uirevision="u")


def test_quantities_share_one_time_axis_in_bangkok_time() -> None:
    figure = chart(past(), "voltage_v", "temperature_c", "soc")
    lines = [trace for trace in figure.data if trace.name not in {"± 1 sigma", "Suspect"}]
    assert len(lines) == 3
    assert all(str(trace.x[0]).startswith("2026-03-01T07:00") for trace in lines)
    assert lines[0].customdata[0] == " V (01 Mar, 00:00:00 UTC)", "the hover text adds UTC, once"
    assert lines[2].customdata[0] == " ± 10.00 %", "and the sigma where there is one"
    assert {trace.xaxis for trace in figure.data} == {None}, "all on the first time axis"
    assert len({trace.yaxis for trace in lines}) == 3
    whole = (datetime(2026, 3, 1, 7), datetime(2026, 3, 3, 7))  # noqa: DTZ001 - the axis has no zone
    assert tuple(figure.layout.xaxis.autorangeoptions.include) == whole
    assert figure.layout.xaxis.range is None, "a given range would undo every zoom"


def test_panels_lie_above_each_other_without_touching() -> None:
    layout = chart(past(), "voltage_v", "temperature_c", "soc").layout
    domains = [layout[name].domain for name in ("yaxis", "yaxis2", "yaxis3")]
    assert domains[0][1] < 1.0, "the title stands above"
    assert all(upper[0] > lower[1] for upper, lower in itertools.pairwise(domains))
    assert [note.text for note in layout.annotations] == [
        "<b>Voltage</b>, V", "<b>Temperature</b>, °C", "<b>State of charge</b>, %"
    ]  # fmt: skip


def test_the_band_is_one_sigma_to_both_sides() -> None:
    figure = chart(past(), "soc")
    band = next(trace for trace in figure.data if trace.name == "± 1 sigma")
    line = next(trace for trace in figure.data if trace.name == "State of charge")
    half = len(band.y) // 2
    np.testing.assert_allclose(np.array(band.y[:half]) - np.array(line.y), 10.0)
    np.testing.assert_allclose(np.array(line.y) - np.array(band.y[half:][::-1]), 10.0)


def test_every_estimate_has_a_band_and_measurements_have_none() -> None:
    figure = chart(past(), *(panel.key for panel in PANELS))
    banded = {trace.yaxis for trace in figure.data if "sigma" in trace.name}
    lines = {trace.name: trace.yaxis for trace in figure.data if "sigma" not in trace.name}
    assert banded == {lines[panel.label] for panel in PANELS if not panel.measured}


def test_the_innovation_is_measured_against_what_was_expected_of_it() -> None:
    figure = chart(past(innovation_sigma_v=np.full(48, 0.01)), "innovation_v")
    band = next(trace for trace in figure.data if trace.name == "± 2 sigma")
    line = next(trace for trace in figure.data if trace.name == "Innovation")
    assert set(np.round(band.y, 9)) == {-20.0, 20.0}, "two sigma around zero, whatever the innovation was"
    assert line.customdata[1].startswith(" (expected ± 10.0) mV")


def test_a_mean_does_not_hide_what_its_bucket_reached() -> None:
    low, high = np.full(48, 11.2), np.full(48, 13.7)
    whole = past(voltage_v=np.full(48, 13.6), soh_capacity=np.full(48, 0.9))
    ends = ({"voltage_v": low, "soh_capacity": low}, {"voltage_v": high, "soh_capacity": high})
    figure = chart(Past(whole.time_unix_ns, whole.series, whole.suspects, *ends), "voltage_v", "soh_capacity")
    reaches = [trace for trace in figure.data if trace.name == "lowest to highest"]
    assert len(reaches) == 1, "not where a slow estimate says the same"
    assert (min(reaches[0].y), max(reaches[0].y)) == (11.2, 13.7)


def test_a_value_without_neighbours_is_a_point() -> None:
    rare = np.full(48, np.nan)
    rare[[5, 20, 21]] = 13.6
    line = chart(past(voltage_v=rare), "voltage_v").data[0]
    assert np.flatnonzero(np.array(line.marker.size)).tolist() == [5]


def test_what_comes_seldom_is_one_line_and_one_band_until_it_stays_away() -> None:
    daily = np.full(480, np.nan)
    daily[:240:24] = 0.2
    daily[470] = 0.3
    figure = chart(past(480, float_marker=daily), "float_marker")
    line = next(trace for trace in figure.data if trace.name == "Float marker")
    assert np.isfinite(np.array(line.y)).tolist() == [True] * 10 + [False, True]
    assert [len(trace.x) for trace in figure.data if trace.name == "± 1 sigma"] == [20, 2]
    assert line.error_y.array[-1] == pytest.approx(0.1), "a lone point has whiskers"
    assert np.isnan(line.error_y.array[:-1].astype(float)).all()


def test_a_quantity_without_any_value_says_so() -> None:
    figure = chart(past(internal_resistance_mohm=np.full(48, np.nan)), "voltage_v", "internal_resistance_mohm")
    assert [note.text for note in figure.layout.annotations if "not" in note.text] == ["not measured in this time"]


def test_nothing_is_drawn_where_nothing_was_measured() -> None:
    voltage = np.linspace(13, 14, 48)
    voltage[10:20] = np.nan
    line = chart(past(voltage_v=voltage), "voltage_v").data[0]
    assert np.isnan(np.array(line.y)[10:20]).all()
    assert line.connectgaps is False


def test_a_long_silence_breaks_the_line() -> None:
    whole = past(48)
    keep = np.r_[0:10, 30:48]
    holed = Past(whole.time_unix_ns[keep], {k: v[keep] for k, v in whole.series.items()}, whole.suspects[keep])
    line = chart(holed, "voltage_v").data[0]
    assert np.isnan(np.array(line.y)).sum() == 1
    assert math.isnan(line.y[10])


def test_only_measured_quantities_mark_suspect_samples() -> None:
    suspects = np.zeros(48, np.bool_)
    suspects[7] = True
    whole = past()
    figure = chart(Past(whole.time_unix_ns, whole.series, suspects), "voltage_v", "soc")
    marks = [trace for trace in figure.data if trace.name == "Suspect"]
    assert len(marks) == 1
    assert len(marks[0].x) == 1
    assert marks[0].y[0] == pytest.approx(whole.series["voltage_v"][7])


def test_noise_does_not_fill_the_panel() -> None:
    voltage = 13.65 + 0.002 * np.sin(np.arange(48))
    low, high = chart(past(voltage_v=voltage), "voltage_v").layout.yaxis.autorangeoptions.include
    assert low < 13.5
    assert high > 13.8


def test_a_series_without_any_value_is_drawn_empty() -> None:
    assert chart(past(soc=np.full(48, np.nan)), "soc").layout.yaxis.autorangeoptions.include is not None


def test_zoom_survives_new_data() -> None:
    assert chart(past(48), "soc").layout.uirevision == chart(past(49), "soc").layout.uirevision
