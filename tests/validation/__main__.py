"""Runs the validation: `make validate`. Twenty minutes at most; the last line is `VALIDATE {json}`."""

import argparse
import json
import time

from rich.console import Console

from tests.validation.report import as_json, section_table
from tests.validation.runner import run_sections
from tests.validation.section import Section, find_shared_data
from tests.validation.sections import SECTIONS
from tests.validation.target import SectionResult


def main() -> None:
    """Measures every figure, prints a table a section as it ends, and the machine-readable last line."""
    arguments = _arguments()
    console = Console(width=120)
    chosen = [section for section in SECTIONS if not arguments.only or section.name in arguments.only]
    began = time.monotonic()

    def say(section: str, line: str) -> None:
        console.print(f"[{time.monotonic() - began:6.0f} s] {section}: {line}", markup=False, highlight=False)

    def report(section: Section, result: SectionResult) -> None:
        console.print(section_table(section, result))

    results = run_sections(
        chosen, quick=arguments.quick, shared_data=find_shared_data(), say=say, report=report, processes=arguments.jobs
    )
    found = as_json(chosen, results)
    met = len(found["targets"]) - sum(name in found["targets"] for name in found["missed"])
    console.print(f"{met} of {len(found['targets'])} targets met in {time.monotonic() - began:.0f} s")
    for name in found["missed"]:
        console.print(f"  missed: {name}", markup=False)
    print("VALIDATE " + json.dumps(found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.validation", description=__doc__)
    names = [section.name for section in SECTIONS]
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=names, help=f"of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="less of everything; figures are then only indications")
    parser.add_argument("--jobs", type=int, default=2, help="sections at a time (default 2)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
