"""Models of remaining life on Ray Serve: one deployment for the whole server, without Serve's HTTP proxy.

Needs a Ray that runs (`actors.ray_runtime.start_ray`). The replica is niced: it never takes time from twins.
"""

import asyncio
import importlib
import json
import logging
import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actors.niceness import stand_behind
from actors.ray_runtime import ray_folder
from batterytwin.errors import InvalidArgumentError, ScorerUnavailableError, TwinError
from ml.scoring import LifeScorer, ModelPair, PairScores, load_scorer

# Read when Serve is imported. A second event loop in the server makes each of its calls dearer by a third: gRPC wakes
# both loops for whatever comes.
os.environ.setdefault("RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP", "0")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Serve about its own use of other libraries
    from ray import serve
    from ray.exceptions import RayError
    from ray.serve.exceptions import RayServeException
    from ray.serve.handle import DeploymentHandle

_NAME: Final = "life"
_NICE: Final = 10
_MOST_TOGETHER: Final = 64
_WAIT_FOR_COMPANY_S: Final = 0.002
_LONGEST_ANSWER_S: Final = 20.0
_RETRY_S: Final = 2.0
_LONGEST_END_S: Final = 5.0


class _LifeDeployment:
    """One replica. What it needs is imported where it runs: who drives Serve loads no model."""

    def __init__(self, load: Callable[[str], LifeScorer], pair_file: str) -> None:
        stand_behind(_NICE)
        self._scoring = importlib.import_module("ml.scoring")
        self._scorer = self._scoring.PairScorer(load)
        self._failure = self.use(json.loads(Path(pair_file).read_text(encoding="utf-8")))

    def use(self, pair: dict[str, str]) -> str:
        """Loads models; returns why they cannot be used, and keeps the ones before then; "" = they are in use."""
        try:
            self._scorer.use(self._scoring.ModelPair(**pair))
        except InvalidArgumentError as error:
            return error.message
        self._failure = ""
        return ""

    @serve.batch(max_batch_size=_MOST_TOGETHER, batch_wait_timeout_s=_WAIT_FOR_COMPANY_S)
    async def score(self, questions: list[tuple[NDArray[np.float64], float]]) -> list[PairScores]:
        """Answers questions that came at the same time in one go for each assumption about the future."""
        if self._failure:  # since Serve has started it again: physics is not to speak in the name of a model
            raise ScorerUnavailableError(self._failure, retry_after_s=_RETRY_S)
        answers: dict[int, PairScores] = {}
        for warmer_k in {warmer_k for _, warmer_k in questions}:
            places = [place for place, question in enumerate(questions) if question[1] == warmer_k]
            parts = [questions[place][0] for place in places]
            together = self._scorer.score(np.concatenate(parts), warmer_k)
            sizes = [len(part) for part in parts]
            told = self._scoring.split_scores(together.told, sizes)
            none = [None] * len(places)
            shadow = none if together.shadow is None else self._scoring.split_scores(together.shadow, sizes)
            for place, one, other in zip(places, told, shadow, strict=True):
                answers[place] = PairScores(one, other)
        return [answers[place] for place in range(len(questions))]


class ServeScoring:
    """Models on Ray Serve; implements `ml.scoring.Scoring`. Serve starts when models are first asked for.

    Args:
        load: makes the scorer of a folder, in the replica; must be picklable.
    """

    def __init__(self, load: Callable[[str], LifeScorer] = load_scorer) -> None:
        self._load = load
        self._handle: DeploymentHandle[Any] | None = None
        self._started = False

    async def use(self, pair: ModelPair) -> None:
        """Starts the deployment, or lets the running one load other models; see `Scoring.use`.

        Serve would put another process in the place of the one that runs for the smallest change of `user_config`
        (measured with 2.60: five seconds without a model). So a switch is a call, and what a replica that Serve starts
        again has to load stands in a file.
        """
        logging.getLogger("ray.serve").setLevel(logging.ERROR)
        try:
            if self._handle is None:
                self._write(pair)
                self._handle = await asyncio.to_thread(self._deploy)
            failure = await asyncio.wait_for(self._handle.use.remote(asdict(pair)), _LONGEST_ANSWER_S)
        except (RayError, RayServeException, RuntimeError, TimeoutError) as error:
            self._handle = None
            raise _away(error) from error
        if failure:
            raise InvalidArgumentError(failure, field="version")
        self._write(pair)

    async def score(self, inputs: NDArray[np.float64], warmer_k: float = 0.0) -> PairScores:
        """Asks both models; see `Scoring.score`."""
        if self._handle is None:
            raise ScorerUnavailableError("The scorer has not started yet.", retry_after_s=_RETRY_S)
        question = (np.ascontiguousarray(inputs), warmer_k)
        try:
            answer: PairScores = await asyncio.wait_for(self._handle.score.remote(question), _LONGEST_ANSWER_S)
        except (RayError, RayServeException, TimeoutError) as error:
            raise _away(error) from error
        return answer

    async def close(self) -> None:
        """Ends Serve. It is not waited for where it no longer answers: with Ray it ends all the same."""
        self._handle = None
        if self._started:
            self._started = False
            with suppress(RayError, RayServeException, RuntimeError, TimeoutError):
                async with asyncio.timeout(_LONGEST_END_S):
                    await serve.shutdown_async()  # type: ignore[no-untyped-call] # of Ray's

    def _write(self, pair: ModelPair) -> None:
        _pair_file().write_text(json.dumps(asdict(pair)), encoding="utf-8")

    def _deploy(self) -> "DeploymentHandle[Any]":
        self._started = True
        serve.start(proxy_location="Disabled")
        as_deployment = serve.deployment(
            name=_NAME,
            num_replicas=1,
            ray_actor_options={"num_cpus": 0},
            max_ongoing_requests=4 * _MOST_TOGETHER,
            health_check_period_s=5.0,
            health_check_timeout_s=_LONGEST_ANSWER_S,
            graceful_shutdown_timeout_s=1.0,
        )
        application = as_deployment(_LifeDeployment).bind(self._load, str(_pair_file()))
        return serve.run(application, name=_NAME, route_prefix=None)


def _pair_file() -> Path:
    """Where a replica finds the models to load; it goes with the Ray that runs it."""
    return ray_folder() / "pair.json"


def _away(error: BaseException) -> ScorerUnavailableError:
    cause = getattr(error, "cause", None)  # what the replica has raised
    told = cause.message if isinstance(cause, TwinError) else str(error).strip()
    what = (told.splitlines() or [type(error).__name__])[0]
    return ScorerUnavailableError(
        f"The scorer of remaining lives does not answer: {what[:200]}", retry_after_s=_RETRY_S
    )
