"""What a power cut could take is told. That the embedded server gives it nothing to take: `test_embedded`."""

from pathlib import Path

import psycopg
import pytest

from batterytwin.errors import StoreUnavailableError
from storage.durability import durability_gaps


def test_every_gap_is_named(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE UNLOGGED TABLE forgetful (n int)")
    gaps = durability_gaps(f"{database_url}&options=-csynchronous_commit%3Doff")
    assert [gap.split()[0] for gap in gaps] == ["fsync", "synchronous_commit", "Table"]  # tests run without fsync
    assert "forgetful" in gaps[-1]


def test_an_absent_server_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError):
        durability_gaps(f"postgresql://nobody@/none?host={tmp_path}")
