"""Settings of a server: command-line options beat environment variables (`BATTERYTWIN_*`), which beat the defaults."""

import difflib
import ipaddress
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from batterytwin.errors import InvalidArgumentError
from batterytwin.life_plan import ReplacementPrices

_PREFIX: Final = "BATTERYTWIN_"
_OTHERS: Final = ("BATTERYTWIN_GATEWAY_TOKEN", "BATTERYTWIN_GATEWAY_TOKENS", "BATTERYTWIN_JWT_SECRET")
"""Variables that are read elsewhere."""


class ServerSettings(BaseSettings):
    """Everything that can be chosen about one server. Secrets are masked wherever settings are printed."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, frozen=True, extra="ignore", env_ignore_empty=True, allow_inf_nan=False
    )

    data_dir: Path = Field(
        default=Path(".batterytwin"), description="embedded database, keys, caches, logs, gateway buffers"
    )
    host: str = Field(default="127.0.0.1", description="address of the API; a public one needs TLS")
    port: int = Field(default=50051, ge=0, le=65535, description="port of the API; 0 = any free one")
    dashboard_port: int = Field(default=8501, ge=0, le=65535)
    database_url: SecretStr | None = Field(
        default=None, validation_alias="DATABASE_URL", description="a PostgreSQL server; none = the embedded one"
    )
    database_wait_s: float = Field(
        default=60.0, ge=0, description="how long a start waits for a PostgreSQL server that is away"
    )
    timescale: bool = Field(default=True, description="use TimescaleDB where the PostgreSQL server has it")
    access_token: SecretStr | None = Field(default=None, description="for commands that ask another server")
    fleet_file: Path | None = Field(default=None, description="inventory; none = the fleet of 1,944")
    twins_per_actor: int | None = Field(default=None, ge=1, description="none = as many shards as cores")
    in_process: bool = Field(default=False, description="run the shards in the server's process, without Ray")
    backfill_days: int = Field(default=90, ge=0, le=3_650, description="history the first start fills; 0 = none")
    speed: float = Field(default=1.0, gt=0, le=100_000, description="simulated seconds a second")
    dashboard: bool = True
    simulator: bool = True
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    max_message_bytes: int = Field(default=4 * 1024 * 1024, ge=64 * 1024)
    max_waiting_rows: int = Field(default=400_000, ge=1_000, description="rows waiting per shard before back-off")
    max_concurrent_calls: int = Field(default=512, ge=8)
    stream_credit: int = Field(default=16, ge=1, description="unacknowledged batches a gateway stream may have")
    snapshot_interval_s: float = Field(default=300.0, gt=0, description="longer = longer restores, less writing")
    drain_timeout_s: float = Field(default=5.0, gt=0)
    max_drill_h: float = Field(default=8.0, gt=0, le=720, description="real time after which a drill ends by itself, h")
    archive_dir: Path | None = Field(default=None, description="sealed history; none = `archive` in the data directory")
    hot_days: int = Field(
        default=7, ge=1, description="days of history that stay in the database before they are sealed or compressed"
    )
    raw_days: int = Field(default=730, ge=30, description="days that readings are kept")
    hour_days: int = Field(default=3_653, ge=365, description="days that hourly aggregates are kept")
    life_fresh_s: float = Field(default=3_600.0, gt=0, description="age up to which a predicted life is told again")
    scorer_wait_s: float = Field(
        default=60.0, ge=0, description="the scorer of lives starts behind the first live twin, or after so long"
    )
    hourly_life_days: int = Field(default=30, ge=2, description="days that predicted lives are kept hourly, then daily")
    life_days: int = Field(default=3_653, ge=365, description="days that predicted lives are kept")
    what_if_days: int = Field(default=730, ge=1, description="days that drills and projections are kept when over")
    plan_risk: float = Field(
        default=0.10, ge=0.01, le=0.5, description="chance of an end of life before the replacement that is taken"
    )
    price_currency: str = Field(default="THB", min_length=1, max_length=8)
    price_block: float = Field(default=9_500.0, ge=0, description="one block")
    price_labour_hour: float = Field(default=600.0, ge=0, description="one hour of one technician")
    price_visit: float = Field(default=18_000.0, ge=0, description="one visit of a crew to a site")
    single_block_hours: float = Field(default=1.5, gt=0, description="work to exchange one block among others, h")
    string_block_hours: float = Field(default=0.6, gt=0, description="work for each block of a whole string, h")

    @field_validator("data_dir", "archive_dir")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().resolve()

    @field_validator("database_url")
    @classmethod
    def _readable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            from psycopg import Error, conninfo  # noqa: PLC0415  # kept out of `batterytwin --help`

            try:
                conninfo.conninfo_to_dict(value.get_secret_value())
            except Error:  # its words would hold the password
                raise ValueError("Input should be a URL like postgresql://user:password@host:5432/database") from None
        return value

    @property
    def replacement_prices(self) -> ReplacementPrices:
        """Prices that plans and projections reckon with."""
        return ReplacementPrices(
            currency=self.price_currency,
            block=self.price_block,
            labour_hour=self.price_labour_hour,
            single_block_hours=self.single_block_hours,
            string_block_hours=self.string_block_hours,
            visit=self.price_visit,
        )

    def check_exposure(self) -> None:
        """Refuses to serve other machines without encryption.

        Raises:
            InvalidArgumentError: `host` is not loopback and there is no certificate with key.
        """
        if self.tls_certificate and self.tls_key:
            return
        if self.tls_certificate or self.tls_key:
            raise InvalidArgumentError("TLS needs both a certificate and its key.", field="tls_certificate")
        if not _is_loopback(self.host):
            raise InvalidArgumentError(
                f"{self.host} can be reached from other machines, so it needs TLS: "
                "give --tls-certificate and --tls-key, or keep --host 127.0.0.1.",
                field="host",
                value=self.host,
            )


def variable_of(field: str) -> str:
    """Environment variable of a setting."""
    alias = ServerSettings.model_fields[field].validation_alias if field in ServerSettings.model_fields else field
    return str(alias or f"{_PREFIX}{field.upper()}")


def unknown_variables(environment: Iterable[str]) -> list[str]:
    """Variables that look like settings and are none, each with the one that may have been meant, for people."""
    known = [*map(variable_of, ServerSettings.model_fields), *_OTHERS]
    found = []
    for name in sorted(environment):
        if name.upper().startswith(_PREFIX) and name.upper() not in known:
            meant = difflib.get_close_matches(name.upper(), known, 1)
            found.append(f"{name} is no setting" + (f"; {meant[0]} is" if meant else ""))
    return found


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
