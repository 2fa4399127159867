"""What a gateway sends, in which order: at once, again, or much later."""

from collections.abc import Iterator

import numpy as np

from batterytwin.readings import ReadingBatch
from simulator.monitors import Monitors, Observation


class Outbox:
    """Turns samples into batches as the faults of one site's gateway would have it; without faults, one batch each.

    Args:
        monitors: monitors of the fleet.
    """

    def __init__(self, monitors: Monitors) -> None:
        self._monitors = monitors
        self._held: list[tuple[int, ReadingBatch]] = []

    def batches(self, observation: Observation) -> Iterator[ReadingBatch]:
        """Batches to send now: the samples that arrive, those that arrive again, those held before that are due."""
        lost, delay_us, repeated, _ = observation.fates
        late = (delay_us > 0) & ~lost
        at_once = ~lost & ~late
        if at_once.any():
            yield self._monitors.batch(observation, at_once)
        again = repeated & ~lost
        if again.any():
            yield self._monitors.batch(observation, again)
        time_us = observation.truth.visits.time_us
        for visit in np.flatnonzero(late):
            alone = np.zeros(len(late), dtype=np.bool_)
            alone[visit] = True
            self._held.append((int(time_us[visit] + delay_us[visit]), self._monitors.batch(observation, alone)))
        now_us = int(time_us.max())
        due = sorted((held for held in self._held if held[0] <= now_us), key=lambda held: held[0])
        self._held = [held for held in self._held if held[0] > now_us]
        yield from (batch for _, batch in due)
