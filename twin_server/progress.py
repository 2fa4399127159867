"""What `batterytwin up` tells the person who started it."""

import sys
import time

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.panel import Panel

from twin_server.settings import ServerSettings


class _Terminal(Console):
    """A console that leaves it to its user what becomes of a broken pipe; the library would end the process."""

    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704 # called where it is handled


class StartReport:
    """One line a step, with the seconds since the start.

    Where nobody can read any more (a closed pipe or terminal, a full disk), it falls silent: whoever keeps something
    running tells of it first, and must go on.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or _Terminal(file=sys.stdout, highlight=False, soft_wrap=True)
        self._began = time.monotonic()

    def step(self, text: str) -> None:
        """Tells of a step that is done, or of one that takes a while."""
        self._print(f"[dim]{time.monotonic() - self._began:6.1f} s[/dim]  {escape(text)}")

    def warn(self, text: str) -> None:
        """Tells of something that is not as it should be but does not stop the start."""
        self._print(f"[dim]{time.monotonic() - self._began:6.1f} s[/dim]  [yellow]{escape(text)}[/yellow]")

    def ready(self, settings: ServerSettings, target: str, dashboard_url: str, first_password: str | None) -> None:
        """Prints where everything is, and the first admin password the only time it is known."""
        lines = [f"API        {target}  (gRPC{', TLS' if settings.tls_certificate else ''})"]
        if dashboard_url:
            lines.append(f"Dashboard  {dashboard_url}")
        lines.append(f"Data       {settings.data_dir}")
        if first_password:
            lines.append("")
            lines.append(f"Log in as  admin  with password  {first_password}")
            lines.append("This password is shown once. Change it in the dashboard's account menu.")
        lines.append("")
        lines.append("Ctrl-C stops everything. In another terminal: batterytwin status")
        self._print(Panel(escape("\n".join(lines)), title="batterytwin is up", expand=False))

    def _print(self, text: RenderableType) -> None:
        try:
            self._console.print(text)
        except OSError:
            self._console.quiet = True
