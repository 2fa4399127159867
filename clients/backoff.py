"""How long to wait before trying again."""

import random
from typing import Final

_SHORTEST_S: Final = 0.02  # a server that refuses at once must not be asked without end
_FIRST_S: Final = 0.2
_LONGEST_S: Final = 10.0


class Backoff:
    """Waiting times drawn at random between almost nothing and a limit that doubles from 0.2 s to 10 s.

    What the server asks for comes on top. The whole of the limit is random, because many clients lose one server in
    the same instant and are all asked to come back after the same time: they come spread over it.
    """

    def __init__(self) -> None:
        self._longest_s = _FIRST_S

    def next_s(self, retry_after_s: float | None = None) -> float:
        """Time to wait now, s; never less than what the server asked for."""
        delay_s = random.uniform(_SHORTEST_S, self._longest_s)  # noqa: S311 - spreads load, hides nothing
        self._longest_s = min(_LONGEST_S, self._longest_s * 2)
        return max(retry_after_s or 0.0, 0.0) + delay_s

    def reset(self) -> None:
        """Starts from the shortest limit again, after something went well."""
        self._longest_s = _FIRST_S
