"""What the validation says when figures are good, bad, or missing."""

import importlib
import json
from pathlib import Path

import pytest

from tests.validation.report import as_json, section_table
from tests.validation.runner import run_sections
from tests.validation.section import Section
from tests.validation.sections import SECTIONS
from tests.validation.target import SectionResult, Sense, Target

_TARGETS = (Target("sample.kept", 1.0), Target("sample.missed", 2.0, "V"), Target("sample.absent", 0.9))


def _section(function: str, targets: tuple[Target, ...] = _TARGETS, **options: float | bool) -> Section:
    return Section(function, "tests.validation.sample_sections", targets, function=function, **options)  # type: ignore[arg-type]


def _run(*sections: Section, shared_data: Path | None = None) -> tuple[dict[str, SectionResult], list[str]]:
    lines: list[str] = []
    results = run_sections(
        sections,
        quick=True,
        shared_data=shared_data,
        say=lambda name, line: lines.append(f"{name}: {line}"),
        report=lambda section, _result: lines.append(f"{section.name} ended"),
    )
    return results, lines


@pytest.mark.parametrize(
    ("target", "good", "bad"),
    [
        (Target("x", 2.0), 2.0, 2.1),
        (Target("x", 2.0, sense=Sense.AT_LEAST), 2.0, 1.9),
        (Target("x", (0.7, 1.4), sense=Sense.WITHIN), 0.7, 1.5),
        (Target("x", 2.0), 1.0, float("nan")),
    ],
)
def test_a_target_is_met_on_its_side_of_the_limit_only(target: Target, good: float, bad: float) -> None:
    assert target.is_met_by(good)
    assert not target.is_met_by(bad)
    assert not target.is_met_by(None)


def test_figures_missed_and_figures_not_returned_are_listed() -> None:
    section = _section("two_figures")
    results, lines = _run(section)
    found = as_json([section], results)
    assert found["missed"] == ["sample.missed", "sample.absent"]
    assert found["targets"]["sample.kept"] == {"value": 1.0, "target": 1.0, "met": True}
    assert found["targets"]["sample.absent"] == {"value": None, "target": 0.9, "met": False}
    assert found["reported"] == {"sample.other": 4.0}
    assert lines == ["two_figures: half way", "two_figures ended"]
    assert section_table(section, results["two_figures"]).row_count == 4
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("function", "reason"), [("raises", "no such battery"), ("dies", "code 7"), ("hangs", "longer than 3 s")]
)
def test_a_section_that_fails_misses_its_targets_and_says_why(function: str, reason: str) -> None:
    section = _section(function, limit_s=3.0)
    results, _ = _run(section, _section("two_figures"))
    found = as_json([section], results)
    assert found["missed"] == [target.name for target in _TARGETS]
    assert reason in found["failed"][function]
    assert results["two_figures"].values["sample.kept"] == 1.0


def test_a_section_without_targets_that_fails_is_missed_too() -> None:
    section = _section("raises", ())
    assert as_json([section], _run(section)[0])["missed"] == ["raises"]


def test_without_the_measured_data_a_section_is_not_run_and_nothing_counts_as_met() -> None:
    section = _section("two_figures", needs_shared=True)
    found = as_json([section], _run(section)[0])
    assert found["missed"] == [target.name for target in _TARGETS]
    assert list(found["not_run"]) == ["two_figures"]
    assert not found["failed"]


def test_names_of_sections_and_targets_are_unique_and_their_functions_exist() -> None:
    for section in SECTIONS:
        assert callable(getattr(importlib.import_module(section.module), section.function))
    names = [section.name for section in SECTIONS]
    figures = [target.name for section in SECTIONS for target in section.targets]
    assert len(set(names)) == len(names)
    assert len(set(figures)) == len(figures)
