"""Starts the keeper of the archive in a process of its own, niced, and hears what it did."""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

import structlog

from batterytwin.errors import StoreUnavailableError
from storage.archive_settings import ArchiveSettings
from storage.framed_child import stop_signals_held_back

_LONGEST_S: Final = 3_600.0

_log = structlog.get_logger(__name__)


async def run_archive_keeper(url: str, folder: Path, settings: ArchiveSettings) -> Mapping[str, int]:
    """Does one round of `storage.archive_keeper`; returns what it did, as counts by name.

    Raises:
        StoreUnavailableError: it could not do all, and says why; the other steps are done.
    """
    with stop_signals_held_back():
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "storage.archive_keeper"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    # on its input, because everyone on the machine can read command lines
    asked = json.dumps({"url": url, "folder": str(folder), "settings": asdict(settings)}) + "\n"
    try:
        async with asyncio.timeout(_LONGEST_S):
            told, _ = await process.communicate(asked.encode())
        answer = json.loads(told)
    except (ValueError, TimeoutError) as error:
        raise StoreUnavailableError("The keeper of the archive ended without an answer.", retry_after_s=60.0) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if "error" in answer:
        raise StoreUnavailableError(f"The archive cannot be looked after now: {answer['error']}", retry_after_s=60.0)
    failures = answer.pop("failures")
    done: dict[str, int] = {name: int(count) for name, count in answer.items()}
    if any(done.values()):
        _log.info("archive", **done)
    if failures:
        raise StoreUnavailableError(
            f"The archive cannot be looked after as a whole now: {'; '.join(failures)}", retry_after_s=60.0
        )
    return done
