"""What a power cut could take is told, and the embedded server gives it nothing to take."""

from pathlib import Path

import psycopg
import pytest

from batterytwin.errors import StoreUnavailableError
from storage.durability import durability_gaps
from storage.embedded import EmbeddedPostgres
from storage.migrate import migrate


def test_the_embedded_server_has_no_gap(reachable_tmp_path: Path) -> None:
    server = EmbeddedPostgres(reachable_tmp_path / "data")
    try:
        url = server.start()
        migrate(url)
        assert durability_gaps(url) == []
    finally:
        server.stop()


def test_every_gap_is_named(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE UNLOGGED TABLE forgetful (n int)")
    gaps = durability_gaps(f"{database_url}&options=-csynchronous_commit%3Doff")
    assert [gap.split()[0] for gap in gaps] == ["fsync", "synchronous_commit", "Table"]  # tests run without fsync
    assert "forgetful" in gaps[-1]


def test_an_absent_server_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError):
        durability_gaps(f"postgresql://nobody@/none?host={tmp_path}")
