"""The scenarios that come with the product, a file each in `scenarios/`."""

from functools import cache
from importlib import resources

from batterytwin.errors import NotFoundError
from simulator.scenario import Scenario, parse_scenario


@cache
def scenario_library() -> dict[str, Scenario]:
    """All of them by name, in order of their names."""
    files = [file for file in (resources.files("simulator") / "scenarios").iterdir() if file.name.endswith(".toml")]
    found = [parse_scenario(file.read_text(encoding="utf-8")) for file in files]
    return {scenario.name: scenario for scenario in sorted(found, key=lambda scenario: scenario.name)}


def find_scenario(name: str) -> Scenario:
    """A scenario of the library.

    Raises:
        NotFoundError: there is none of this name.
    """
    library = scenario_library()
    if name not in library:
        raise NotFoundError(
            f"No scenario is called {name}; there are {', '.join(library)}.", field="scenario", value=name
        )
    return library[name]
