"""`batterytwin up`: everything, in the foreground."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from batterytwin.errors import InvalidArgumentError
from twin_server.settings import ServerSettings, variable_of


def up(
    *,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where the database, keys, caches and logs live. [.batterytwin]")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address of the API. A public one needs TLS. [127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the API; 0 = any free one. [50051]")] = None,
    dashboard_port: Annotated[int | None, typer.Option(help="Port of the dashboard; 0 = any free one. [8501]")] = None,
    dashboard: Annotated[bool | None, typer.Option("--dashboard/--no-dashboard", help="Serve the dashboard.")] = None,
    simulator: Annotated[
        bool | None, typer.Option("--simulator/--no-simulator", help="Feed the fleet from the simulator.")
    ] = None,
    backfill_days: Annotated[
        int | None, typer.Option(help="Days of history that the first start fills; 0 = none. [90]")
    ] = None,
    speed: Annotated[float | None, typer.Option(help="Simulated seconds a second. [1]")] = None,
    twins_per_actor: Annotated[
        int | None,
        typer.Option(help="Twins in one Ray actor: 24 = one string, 1 = one battery. [as many actors as cores]"),
    ] = None,
    fleet_file: Annotated[Path | None, typer.Option(help="Inventory (TOML). [the fleet of 1,944]")] = None,
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM certificate chain for the API.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM private key for the API.")] = None,
) -> None:
    """Bring the live fleet up: database, twins, API, dashboard, simulated gateways.

    Runs in the foreground and prints where everything is; the first start also prints the admin password, once. Ctrl-C,
    SIGTERM or the end of its terminal (but for nohup) stops all of it. What was killed instead is cleaned up by the
    next start.

    Every option may also be set in the environment, for example BATTERYTWIN_PORT=50151. DATABASE_URL selects a
    PostgreSQL server instead of the embedded one. Two servers run side by side with different --data-dir and ports.
    """
    settings = make_settings(
        data_dir=data_dir,
        host=host,
        port=port,
        dashboard_port=dashboard_port,
        dashboard=dashboard,
        simulator=simulator,
        backfill_days=backfill_days,
        speed=speed,
        twins_per_actor=twins_per_actor,
        fleet_file=fleet_file,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
    )
    settings.check_exposure()
    # heavy, kept out of `batterytwin --help`
    from twin_server.bootstrap import run_server  # noqa: PLC0415
    from twin_server.event_loop import run_on_event_loop  # noqa: PLC0415

    raise typer.Exit(run_on_event_loop(run_server(settings)))


def make_settings(**options: Any) -> ServerSettings:
    """Settings from options (None = not given), the environment and the defaults, in this order.

    Raises:
        InvalidArgumentError: a value is out of range; the message names it.
    """
    try:
        return ServerSettings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        given = f"--{name.replace('_', '-')}" if options.get(name) is not None else variable_of(name)
        words = first["msg"].removeprefix("Value error, ")
        raise InvalidArgumentError(f"{given}: {words}", field=name) from None  # the cause holds the value, be it secret
