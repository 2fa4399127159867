"""The models that are asked now: the one that is told and, beside it, a shadow; in this process or in another."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from batterytwin.life import LifeScores
from ml.physics_alone import PhysicsScorer

_log = structlog.get_logger(__name__)


class LifeScorer(Protocol):
    """What scoring needs of a model; see `ml.scorer.Scorer`."""

    def score(self, inputs: NDArray[np.float64], *, warmer_k: float = 0.0) -> LifeScores:
        """Remaining life of batteries."""


@dataclass(frozen=True, slots=True)
class ModelPair:
    """Folders of models.

    Attributes:
        told: of the one that is told; "" = physics alone.
        shadow: of the one beside it; "" = none.
    """

    told: str = ""
    shadow: str = ""


@dataclass(frozen=True, slots=True)
class PairScores:
    """Answers of both models.

    Attributes:
        told: of the one that is told.
        shadow: of the one beside it; None = there is none.
    """

    told: LifeScores
    shadow: LifeScores | None = None


class Scoring(Protocol):
    """A place where models are asked."""

    async def use(self, pair: ModelPair) -> None:
        """Loads models, while the ones before still answer.

        Raises:
            InvalidArgumentError: a folder holds no model that can be used.
            UnavailableError: the place does not answer.
        """

    async def score(self, inputs: NDArray[np.float64], warmer_k: float = 0.0) -> PairScores:
        """Asks both models; `inputs` as for `LifeScorer.score`.

        Raises:
            UnavailableError: the place does not answer.
        """

    async def close(self) -> None:
        """Ends it. Repeating it changes nothing."""


def load_scorer(folder: str) -> LifeScorer:
    """Scorer of the model in a folder; "" = physics alone.

    Raises:
        InvalidArgumentError: the folder holds no model that can be used.
    """
    if not folder:
        return PhysicsScorer()
    from ml.artefact import load_model  # noqa: PLC0415 # CatBoost, which the server's process can spare
    from ml.scorer import Scorer  # noqa: PLC0415 # likewise

    return Scorer(load_model(Path(folder)))


class PairScorer:
    """Both models in this process. One thread at a time.

    Args:
        load: makes the scorer of a folder.
    """

    def __init__(self, load: Callable[[str], LifeScorer] = load_scorer) -> None:
        self._load = load
        self._pair: ModelPair | None = None
        self._told: LifeScorer | None = None
        self._shadow: LifeScorer | None = None

    def use(self, pair: ModelPair) -> None:
        """Loads models; where one cannot be loaded, the ones before stay."""
        if pair == self._pair:
            return
        told = self._load(pair.told)
        self._shadow = self._load(pair.shadow) if pair.shadow else None
        self._told, self._pair = told, pair

    def score(self, inputs: NDArray[np.float64], warmer_k: float) -> PairScores:
        """Asks both; the shadow is not asked what would be if it were warmer, and its troubles are its own."""
        if self._told is None:
            self.use(ModelPair())
        assert self._told is not None
        told, shadow = self._told.score(inputs, warmer_k=warmer_k), None
        if self._shadow is not None and not warmer_k:
            try:
                shadow = self._shadow.score(inputs)
            except Exception:  # noqa: BLE001 # what is told must not rest on it
                _log.exception("the shadow cannot answer")
        return PairScores(told, shadow)


class LocalScoring:
    """Models in a thread of this process; implements `Scoring`.

    Args:
        load: makes the scorer of a folder.
    """

    def __init__(self, load: Callable[[str], LifeScorer] = load_scorer) -> None:
        self._scorer = PairScorer(load)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="life")

    async def use(self, pair: ModelPair) -> None:
        """Loads models."""
        await self._run(self._scorer.use, pair)

    async def score(self, inputs: NDArray[np.float64], warmer_k: float = 0.0) -> PairScores:
        """Asks both models."""
        answer: PairScores = await self._run(self._scorer.score, inputs, warmer_k)
        return answer

    async def close(self) -> None:
        """Ends the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[..., Any], *arguments: object) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


def split_scores(scores: LifeScores, sizes: Sequence[int]) -> list[LifeScores]:
    """Divides answers that were asked for together."""
    edges = np.cumsum([0, *sizes])
    columns = {field.name: getattr(scores, field.name) for field in fields(scores)}
    version = columns.pop("model_version")
    return [
        LifeScores(model_version=version, **{name: column[begin:end] for name, column in columns.items()})
        for begin, end in itertools.pairwise(edges)
    ]
