"""What a rebuild of many twins stores, and what it leaves alone."""

import psycopg

from actors.rebuilder import SnapshotCheck
from storage.instants import to_datetime
from tests.actors.test_rebuilder import END_US, hashes_after_restart
from tests.actors.test_replayer import Lived, lived, time_of
from twin_server.rebuild_job import RebuildJob, rebuild_all

__all__ = ["lived"]


def test_a_twin_that_rests_on_rows_no_longer_kept_stays_as_it_is(lived: Lived) -> None:
    hashes = hashes_after_restart(lived)
    with psycopg.connect(lived.url, autocommit=True) as connection:
        connection.execute("DELETE FROM reading WHERE sample_time < %s", [to_datetime(time_of(10))])
    job = RebuildJob(lived.url, lived.archive, END_US, keep=True)
    for done in rebuild_all(job, lived.specs, 1):
        assert (done.twin.check, done.kept) == (SnapshotCheck.BEGAN_EARLIER, False)
    assert hashes_after_restart(lived) == hashes
