"""The server's way to twins of the past: a process that replays them."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from actors.fleet import TwinSpec
from batterytwin.errors import TwinError
from storage.framed_child import FramedChild
from storage.past_store import Moment

if TYPE_CHECKING:
    from actors.replayer import PastTwin

_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class PastSettings:
    """Where the past is: database and archive."""

    url: str
    archive: Path | None


@dataclass(frozen=True, slots=True)
class PastQuestion:
    """Which twin, and when."""

    spec: TwinSpec
    moment: Moment


class PastTwins:
    """Asks for twins as they were.

    Args:
        settings: where the past is.
    """

    def __init__(self, settings: PastSettings) -> None:
        self._child = FramedChild(
            "twin_server.past_worker",
            part_count=1,
            timeout_s=_TIMEOUT_S,
            name="The replay of the past",
            greeting=pickle.dumps(settings),
        )

    async def begin(self) -> None:
        """Starts the process, so that the first question need not wait for it."""
        await self._child.begin()

    async def twin_at(self, spec: TwinSpec, moment: Moment) -> "PastTwin":
        """The twin of a battery at a moment.

        Raises:
            StoreUnavailableError: the database is away, or the replay takes too long.
        """
        (answer,) = await self._child.ask(pickle.dumps(PastQuestion(spec, moment)))
        content = pickle.loads(answer)  # noqa: S301 # from our own child
        if isinstance(content, TwinError):
            raise content
        past: PastTwin = content
        return past

    async def close(self) -> None:
        """Ends the process. Repeating it changes nothing."""
        await self._child.close()
