"""Runs sections, each in a process of its own, two at a time."""

import multiprocessing
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

from tests.validation.section import Context, Section, measure
from tests.validation.target import SectionResult

_SPAWN = multiprocessing.get_context("spawn")  # a fork would inherit threads of numba and of this runner

Say = Callable[[str, str], None]
"""Prints a line of progress of a section: (section, line)."""
Report = Callable[[Section, SectionResult], None]


def run_sections(
    sections: Sequence[Section], *, quick: bool, shared_data: Path | None, say: Say, report: Report, processes: int = 2
) -> dict[str, SectionResult]:
    """Runs every section; those that run alone come last. `report` is called as each ends."""
    results: dict[str, SectionResult] = {}
    lock = threading.Lock()

    def run(section: Section) -> None:
        began = time.monotonic()
        values, reason = _in_process(section, quick, shared_data, lambda line: say(section.name, line))
        result = SectionResult(values, reason, seconds=time.monotonic() - began)
        with lock:
            results[section.name] = result
            report(section, result)

    ready = []
    for section in sections:
        if section.needs_shared and shared_data is None:
            results[section.name] = SectionResult(reason="measured data are not beside this checkout", not_run=True)
            report(section, results[section.name])
        else:
            ready.append(section)
    for alone, workers in ((False, processes), (True, 1)):
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(run, [section for section in ready if section.alone is alone]))
    return results


def _in_process(
    section: Section, quick: bool, shared_data: Path | None, say: Callable[[str], None]
) -> tuple[Mapping[str, float], str]:
    """Figures of a section run in a process of its own, or the reason why there are none."""
    receiver, sender = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=_work, args=(sender, section, quick, shared_data), name=section.name, daemon=False)
    process.start()
    sender.close()
    ends_at = time.monotonic() + section.limit_s
    try:
        while receiver.poll(max(ends_at - time.monotonic(), 0.0)):
            kind, content = receiver.recv()
            if kind == "line":
                say(content)
            elif kind == "values":
                return content, ""
            else:
                return {}, content
    except EOFError:
        process.join(10.0)
        return {}, f"its process ended with code {process.exitcode}"
    else:
        return {}, f"it took longer than {section.limit_s:g} s"
    finally:
        process.join(2.0)
        if process.is_alive():
            process.kill()
            process.join()
        receiver.close()


def _work(sender: Connection, section: Section, quick: bool, shared_data: Path | None) -> None:
    """Runs a section and sends its progress and its end."""
    try:
        context = Context(quick, shared_data, lambda line: sender.send(("line", line)))
        sender.send(("values", {name: float(value) for name, value in measure(section, context).items()}))
    except Exception as error:  # noqa: BLE001  # whatever it is, the figures are missing and that is what counts
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        sender.send(("error", f"{type(error).__name__}: {error} ({where})"))
    finally:
        sender.close()
