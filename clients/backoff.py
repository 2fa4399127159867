"""How long to wait before trying again."""

import random
from typing import Final

_FIRST_S: Final = 0.2
_LONGEST_S: Final = 10.0


class Backoff:
    """Waiting times that double from 0.2 s to 10 s, each shortened at random by up to half.

    The random part keeps many clients that lost one server from coming back in the same instant.
    """

    def __init__(self) -> None:
        self._longest_s = _FIRST_S

    def next_s(self, retry_after_s: float | None = None) -> float:
        """Time to wait now, s; never less than what the server asked for."""
        delay_s = self._longest_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, hides nothing
        self._longest_s = min(_LONGEST_S, self._longest_s * 2)
        return max(retry_after_s or 0.0, delay_s)

    def reset(self) -> None:
        """Starts from the shortest time again, after something went well."""
        self._longest_s = _FIRST_S
