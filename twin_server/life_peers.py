"""What the peers of each battery say of how fast it ages: looked at with the whole fleet, told with every question."""

import time
from collections.abc import Callable, Hashable, Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.life_inputs import life_records
from actors.remaining_life import LifePopulation
from actors.remaining_life_peers import with_peers
from twin_server.routing import FleetMap

_LOOK_EVERY_S: Final = 3_600.0


class LifePeers:
    """Remembers what peers said when the fleet was last looked at as a whole.

    Batteries of one grid with one data sheet are a fleet; those of it at one location are a site.

    Args:
        fleet_map: which twin is which.
        population: of the model that is told now.
    """

    def __init__(self, fleet_map: FleetMap, population: Callable[[], LifePopulation]) -> None:
        self._map = fleet_map
        self._population = population
        self._looked_s = -_LOOK_EVERY_S
        self._looked_with: LifePopulation | None = None
        self._said = np.empty((0, 2))

    @property
    def is_due(self) -> bool:
        """Whether the fleet should be looked at: never yet, long ago, with another model, or it has grown."""
        late = time.monotonic() - self._looked_s >= _LOOK_EVERY_S
        return late or len(self._said) != len(self._map) or self._looked_with != self._population()

    def look(self, inputs: NDArray[np.float64]) -> None:
        """Looks at the whole fleet.

        Args:
            inputs: rows of `LifeInputs` in fleet order, `(n_twins, N_LIFE_INPUTS)`.
        """
        population = self._population()
        identities = [self._map.identities[ordinal] for ordinal in range(len(inputs))]
        fleets = [(one.location.grid_id, one.string.datasheet.model) for one in identities]
        sites = [
            (*fleet, int(location))
            for fleet, location in zip(fleets, self._map.location_of[: len(inputs)], strict=True)
        ]
        known = life_records(with_peers(inputs, population, _numbers(fleets), _numbers(sites)))
        self._said = np.stack([known["peer_ln_speed"], known["peer_ln_speed_sigma"]], axis=1)
        self._looked_s, self._looked_with = time.monotonic(), population

    def tell(self, ordinals: NDArray[np.int32], inputs: NDArray[np.float64]) -> None:
        """Puts what peers said into inputs of some batteries; those that nobody has looked at are left alone."""
        here = np.flatnonzero(ordinals < len(self._said))
        x, said = life_records(inputs), self._said[ordinals[here]]
        x["peer_ln_speed"][here], x["peer_ln_speed_sigma"][here] = said[:, 0], said[:, 1]


def _numbers(names: Iterable[Hashable]) -> NDArray[np.int64]:
    """A number for each name, alike for equal ones."""
    seen: dict[Hashable, int] = {}
    return np.array([seen.setdefault(name, len(seen)) for name in names], np.int64)
