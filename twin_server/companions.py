"""Processes beside the server that are clients of it: the simulated gateways and the dashboard."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path

import structlog

from twin_server.child_process import ChildProcess
from twin_server.instance import Instance
from twin_server.progress import StartReport

log = structlog.get_logger(__name__)

_RESTART_DELAY_S = 5.0


class Companions:
    """Starts companions, starts them again when they end by themselves, and stops them together."""

    def __init__(self, instance: Instance, log_dir: Path, report: StartReport) -> None:
        self._instance = instance
        self._log_dir = log_dir
        self._report = report
        self._running: dict[str, ChildProcess] = {}
        self._keepers: list[asyncio.Task[None]] = []

    async def start_simulator(
        self, make_arguments: Callable[[], Sequence[str]], tokens: Mapping[str, str], live: asyncio.Event
    ) -> None:
        """Starts the simulated gateways.

        Args:
            make_arguments: asked at each start, also when they are started again: time has gone on.
            tokens: of the gateways, by location.
            live: is set when they feed live samples.
        """
        secrets = (json.dumps({"tokens": dict(tokens)}) + "\n").encode()

        async def start() -> ChildProcess:
            arguments = make_arguments()
            child = await ChildProcess.start(
                "simulator",
                "simulator",
                arguments,
                log_path=self._log_dir / "simulator.log",
                stdin=secrets,
                read_output=True,
            )
            self._spawn(self._follow_simulator(child, live, tells_history="--backfill-days" in arguments))
            return child

        await self._keep("simulator", start)

    async def start_dashboard(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Starts the dashboard."""

        async def start() -> ChildProcess:
            return await ChildProcess.start(
                "dashboard",
                "streamlit_app",
                arguments,
                log_path=self._log_dir / "dashboard.log",
                environment=environment,
            )

        await self._keep("dashboard", start)

    async def stop(self, grace_s: float) -> None:
        """Ends them all."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(child.stop(grace_s) for child in self._running.values()))

    async def _keep(self, name: str, start: Callable[[], Awaitable[ChildProcess]]) -> None:
        self._adopt(await start())

        async def keep() -> None:
            while True:
                code = await self._running[name].wait()
                log.warning("companion_ended", companion=name, exit_code=code)
                self._report.warn(
                    f"the {name} ended (exit code {code}); starting it again. See {self._log_dir}/{name}.log"
                )
                await asyncio.sleep(_RESTART_DELAY_S)
                try:
                    self._adopt(await start())
                except OSError as error:  # no room, no memory: tried again
                    self._report.warn(f"the {name} cannot be started: {error}")

        self._spawn(keep())

    def _adopt(self, child: ChildProcess) -> None:
        self._running[child.name] = child
        self._instance.add_child(child.pid)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        self._keepers.append(asyncio.create_task(work))

    async def _follow_simulator(self, child: ChildProcess, live: asyncio.Event, *, tells_history: bool) -> None:
        told = 0.0
        async for line in child.output:
            try:
                event = json.loads(line)
            except ValueError:
                log.info("simulator_output", line=line.decode(errors="replace").rstrip())
                continue
            match event.get("event"):
                case "backfill" if tells_history and event["done"] >= told:
                    self._report.step(f"filling history: {100 * event['done']:.0f} %")
                    told = event["done"] + 0.25
                case "live":
                    live.set()
                case "error":
                    self._report.warn(f"simulator: {event.get('message', event)}")
