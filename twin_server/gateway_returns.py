"""When gateways came back after a silence."""

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]


class GatewayReturns:
    """Follows the newest samples of locations.

    What a gateway says of its strings and batteries comes one after the other. When it has been away, the first sample
    makes all others look as if they alone had been silent for so long; their silence counts from this sample instead.
    """

    def __init__(self) -> None:
        self._newest_us = self._back_us = np.zeros(0, np.int64)

    def follow(self, newest_us: Times, start_us: int, limits_us: Times, is_feed: NDArray[np.bool_]) -> Times:
        """Takes in what has come since the last time.

        Args:
            newest_us: newest sample of each location, us since 1970 UTC, shape `(n_locations,)`.
            start_us: start of the server; a silence before it counts from there.
            limits_us: how long a silence is one, us, shape `(n_locations,)`.
            is_feed: locations whose clock stands still with them, so that they are never silent, `(n_locations,)`.

        Returns:
            Newest sample with which each came back, us since 1970 UTC, shape `(n_locations,)`; 0 = was never away.
        """
        before_us, back_us = np.zeros((2, len(newest_us)), np.int64)
        before_us[: len(self._newest_us)], back_us[: len(self._back_us)] = self._newest_us, self._back_us
        returns = ~is_feed & (newest_us - np.maximum(before_us, start_us) > limits_us)
        self._newest_us, self._back_us = newest_us.copy(), np.where(returns, newest_us, back_us)
        return self._back_us
