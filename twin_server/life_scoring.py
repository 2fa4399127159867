"""The scorer as the server sees it: started behind the twins, watched, and done without while it is away."""

import asyncio
from contextlib import suppress
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from batterytwin.errors import InvalidArgumentError, TwinError, UnavailableError
from ml.scoring import LocalScoring, ModelPair, PairScores, Scoring

_FIRST_RETRY_S: Final = 1.0
_LONGEST_RETRY_S: Final = 60.0
_WATCH_S: Final = 10.0

_log = structlog.get_logger(__name__)


class LifeScoring:
    """Asks the scorer where there is one, and physics alone where there is none.

    Args:
        place: where models are asked.

    Attributes:
        pair: models that should be asked.
        reason: why physics alone answers, for people; "" = it does not.
    """

    def __init__(self, place: Scoring) -> None:
        self._place = place
        self._alone = LocalScoring()
        self._in_use: ModelPair | None = None
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()  # what is used last is what was wanted last
        self.pair = ModelPair()
        self.reason = "the scorer of remaining lives is starting"

    @property
    def is_up(self) -> bool:
        """Whether the models that should be asked are."""
        return not self.reason

    async def use(self, pair: ModelPair) -> None:
        """Switches to other models; returns when they answer, or raises and leaves everything as it was.

        Raises:
            InvalidArgumentError: a model cannot be loaded.
            UnavailableError: the scorer is away; nothing has changed.
        """
        async with self._turn:
            try:
                await self._use(pair)
            except BaseException:
                self._wake.set()  # the place may have switched all the same: it is told again what to use
                raise
            self.pair = pair

    async def _use(self, pair: ModelPair) -> None:
        self._in_use = None
        await self._place.use(pair)
        self._in_use, self.reason = pair, ""

    def want(self, pair: ModelPair) -> None:
        """Says which models to ask, as soon as the scorer is there."""
        self.pair = pair
        self._wake.set()

    async def score(self, inputs: NDArray[np.float64], warmer_k: float = 0.0) -> tuple[PairScores, bool]:
        """Remaining lives, and whether the models had their say."""
        if self.is_up:
            try:
                return await self._place.score(inputs, warmer_k), True
            except UnavailableError as error:
                self._lose(error)
                self._wake.set()
        return await self._alone.score(inputs, warmer_k), False

    async def run(self) -> None:
        """Starts the scorer and, whenever it is lost, tries again with growing pauses; until cancelled."""
        pause_s = _FIRST_RETRY_S
        while True:
            self._wake.clear()
            async with self._turn:
                if not self.is_up or self._in_use != self.pair:
                    try:
                        await self._use(self.pair)
                        pause_s = _FIRST_RETRY_S
                        _log.info("remaining lives are scored", told=self.pair.told, shadow=self.pair.shadow)
                    except TwinError as error:
                        self._lose(error)
                        pause_s = min(2.0 * pause_s, _LONGEST_RETRY_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _WATCH_S if self.is_up else pause_s)

    async def close(self) -> None:
        """Ends the scorer."""
        await self._place.close()
        await self._alone.close()

    def _lose(self, error: TwinError) -> None:
        reason = f"remaining lives rest on physics alone: {error.message}"
        if reason != self.reason:
            _log.warning("no scorer", reason=error.message, model_refused=isinstance(error, InvalidArgumentError))
        self.reason, self._in_use = reason, None
