"""The product's analysis of strings, fed with the frames of the fault campaign."""

from collections.abc import Sequence

import numpy as np

from actors.string_analysis import StringFleet
from actors.string_frame import StringSheets
from batterytwin.diagnosis import FaultClass
from tests.validation.fault_score import Said
from tests.validation.fault_worlds import FaultWorld, Window

_CLASSES = {int(fault) for fault in FaultClass}


class Listener:
    """Hears what the analysis says of the strings of some worlds, which run side by side.

    Args:
        worlds: whose strings they are, in the order of the windows that will be joined.

    Attributes:
        said: what was said of the strings of each world, in order of time.
        frames: frames taken in so far, of all strings.
    """

    def __init__(self, worlds: Sequence[FaultWorld]) -> None:
        sheets, site_of = [], []
        self._world_of: list[tuple[int, int]] = []
        for number, world in enumerate(worlds):
            for site, location in enumerate(world.inventory.locations):
                for string in location.strings():
                    sheets.append((string.datasheet, len(string.batteries)))
                    # rooms of different worlds are different rooms
                    site_of.append(number * len(world.inventory.locations) + site)
                    self._world_of.append((number, sum(1 for world, _ in self._world_of if world == number)))
        self._fleet = StringFleet(StringSheets.of(sheets), np.array(site_of, dtype=np.int32))
        self._places = self._fleet.sheets.present.shape[1]
        self._seen = np.zeros(len(site_of), dtype=np.int64)
        self.said: list[list[Said]] = [[] for _ in worlds]
        self.frames = 0

    def hear(self, window: Window) -> None:
        """Takes in a window of all worlds, see `fault_worlds.joined`."""
        for strings, frame in window.rounds():
            findings = self._fleet.take(strings, frame)
            self.frames += len(strings)
            for row, condition, place in zip(
                findings.row[findings.raised],
                findings.condition[findings.raised],
                findings.place[findings.raised],
                strict=True,
            ):
                if int(condition) in _CLASSES:
                    string = int(strings[row])
                    world, number = self._world_of[string]
                    positions = () if int(place) >= self._places else (int(place),)
                    fault = FaultClass(int(condition))
                    moment_s = float(frame.time_us[row]) * 1e-6
                    self.said[world].append(Said(number, fault, positions, moment_s, int(self._seen[string])))
            self._seen[strings] += 1
