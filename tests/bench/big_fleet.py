"""Fleets of any size: the product's own sites again and again under other names."""

import json
import tomllib
from importlib import resources
from itertools import count
from pathlib import Path
from typing import Any


def write_fleet(path: Path, batteries: int) -> None:
    """Writes a fleet file with so many batteries, a multiple of 24: whole sites, and the last one cut to fit.

    The first 1,944 are the product's fleet, names included; sites after them are called `X9`, `X10`, ...
    """
    fleet = tomllib.loads((resources.files("batterytwin") / "data" / "fleet.toml").read_text(encoding="utf-8"))
    sites, left = fleet.pop("location"), batteries // int(fleet["blocks_per_string"])
    lines = [f"{name} = {json.dumps(value)}" for name, value in fleet.items()]
    for number in count():
        if not left:
            break
        site = sites[number % len(sites)]
        site_id = site["id"] if number < len(sites) else f"X{number}"
        systems, left = _cut(site["systems"], left)
        lines += ["", "[[location]]", f'id = "{site_id}"', f'name = "{site["name"]} {number}"']
        lines += [f"{name} = {json.dumps(site[name])}" for name in ("region", "latitude_deg", "longitude_deg")]
        tables = ", ".join("{ " + ", ".join(f"{k} = {json.dumps(v)}" for k, v in s.items()) + " }" for s in systems)
        lines.append(f"systems = [{tables}]")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cut(systems: list[dict[str, Any]], strings: int) -> tuple[list[dict[str, Any]], int]:
    """Systems of a site with so many strings at most; and the strings that are left for other sites."""
    kept = []
    for system in systems:
        used = min(strings, int(system["strings"]))
        strings -= used
        if used:
            kept.append({**system, "strings": used})
    return kept, strings
