"""The server's side of a process that computes one projection."""

import asyncio
import os
import pickle
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from batterytwin.errors import TwinError, UnavailableError
from storage.framed_child import FRAME, next_frame
from storage.projection_records import ProjectionOutcome
from twin_server.projection_job import ProjectionJob, ProjectionNews, Tell

_SILENCE_S: Final = 120.0
"""The process gives a sign of life every second; one that is silent so long is stuck."""


class ProjectionChild:
    """Computes projections, each in a process of its own.

    Args:
        url: database that holds the twins.
        archive: folder of sealed days.
    """

    def __init__(self, url: str, archive: Path) -> None:
        self._url = url
        self._archive = archive

    async def compute(self, request: bytes, tell: Tell) -> ProjectionOutcome:
        """Computes a projection; the process is killed when this is cancelled.

        Args:
            request: `batterytwin.v1.ProjectionRequest` with the defaults filled in.
            tell: told how far it has come, every second.

        Raises:
            UnavailableError: the process died or is stuck.
            TwinError: what the process says.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "twin_server.projection_worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
        )
        try:
            return await _exchange(process, pickle.dumps(ProjectionJob(self._url, self._archive, request)), tell)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            raise UnavailableError(
                "The process that computed it ended; ask again, for fewer members where memory is short."
            ) from error
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _exchange(process: asyncio.subprocess.Process, question: bytes, tell: Tell) -> ProjectionOutcome:
    if process.stdin is None or process.stdout is None:
        raise OSError("the process has no pipes")
    process.stdin.write(FRAME.pack(len(question)) + question)
    await process.stdin.drain()
    while True:
        async with asyncio.timeout(_SILENCE_S):
            answer = pickle.loads(await next_frame(process.stdout))  # noqa: S301 # from our own child
        if isinstance(answer, ProjectionNews):
            tell(answer)
        elif isinstance(answer, TwinError):
            raise answer
        else:
            outcome: ProjectionOutcome = answer
            return outcome
