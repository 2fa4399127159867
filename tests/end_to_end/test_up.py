"""The whole product as a user runs it: up, status, killed, up again, stopped."""

import re
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from batterytwin.errors import UnavailableError
from clients.channel import Tls
from clients.sync_client import TwinClient
from storage.embedded import EmbeddedPostgres
from tests.end_to_end.up_process import UpProcess, run_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

STATUS_FIELDS = {
    "twins_live": int,
    "twins_total": int,
    "readings_accepted": int,
    "oldest_age_s": float,
    "alerts_active": int,
    "version": str,
    "ready": bool,
}


@pytest.fixture(scope="module")
def certificate(reachable_module_path: Path) -> tuple[Path, Path] | None:
    """A certificate of this machine, and its key; None where there is no openssl to make it."""
    if shutil.which("openssl") is None:
        return None
    certificate, key = reachable_module_path / "server.pem", reachable_module_path / "server.key"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", *kind, *name, *files], check=True, capture_output=True)
    return certificate, key


@pytest.fixture(scope="module")
def up(reachable_module_path: Path) -> Iterator[UpProcess]:
    """A server with everything, for all tests of this file; one of them stops it."""
    folder = reachable_module_path / "one"
    folder.mkdir()
    with UpProcess(folder, "--speed", "30") as started:
        yield started


@pytest.fixture(scope="module")
def other(reachable_module_path: Path, certificate: tuple[Path, Path] | None) -> Iterator[UpProcess]:
    """A server with TLS beside it; the tests kill it, stop it, and start it again."""
    folder = reachable_module_path / "other"
    folder.mkdir()
    tls = ("--tls-certificate", str(certificate[0]), "--tls-key", str(certificate[1])) if certificate else ()
    with UpProcess(folder, "--no-dashboard", "--speed", "30", *tls) as started:
        yield started


def test_two_servers_stand_side_by_side_and_share_no_data_directory(up: UpProcess, other: UpProcess) -> None:
    up.wait_until_all_live()
    other.wait_until_all_live()
    refused = run_command("up", "--data-dir", up.data_dir, "--port", "0", check=False)
    assert refused.returncode == 1
    assert "already uses" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_one_command_brings_everything_up_and_one_signal_takes_it_down(up: UpProcess) -> None:
    status = up.wait_until_all_live()
    assert {name: type(status[name]) for name in STATUS_FIELDS} == STATUS_FIELDS
    assert status["twins_total"] == 72
    assert status["readings_accepted"] >= 72 * 48  # two days of hours, filled by the first start

    told = up.output.read_text()
    assert told.count("with password") == 1
    dashboard = next(line for line in told.splitlines() if "Dashboard" in line).split()[2]
    with urllib.request.urlopen(dashboard, timeout=10) as page:
        assert page.status == 200

    shown = run_command("twin", "BRK-U1-S01-B01", "--data-dir", up.data_dir).stdout
    assert "state of charge" in shown
    assert "alerts" in run_command("alerts", "--data-dir", up.data_dir).stdout
    unknown = run_command("twin", "NO-SUCH", "--data-dir", up.data_dir, check=False)
    assert unknown.returncode == 1
    assert "UNKNOWN_BATTERY" in unknown.stderr
    assert "Traceback" not in unknown.stderr

    jobs = up.wait_for_jobs()
    assert jobs >= {"partitions", "snapshots", "old lives", "old what-ifs", "archive", "lives"}
    told_status = up.status()
    assert told_status is not None
    assert told_status["failing_jobs"] == []

    family = up.family()
    assert len(family) > 5
    assert up.stop() == 0
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    assert "Traceback" not in up.output.read_text()


def test_with_tls_others_speak_tls_and_this_machine_needs_no_certificate(
    other: UpProcess, certificate: tuple[Path, Path] | None
) -> None:
    if certificate is None:
        pytest.skip("a certificate for this test needs openssl")
    other.wait_until_all_live()
    port = re.search(r"API\s+127\.0\.0\.1:(\d+)", other.output.read_text())
    assert port is not None
    with TwinClient(f"localhost:{port[1]}", tls=Tls(certificate[0])) as client:
        assert client.get_status().ready
    with TwinClient(f"localhost:{port[1]}") as client, pytest.raises(UnavailableError):
        client.get_status(deadline_s=3.0)


def test_what_was_killed_comes_back_with_everything_it_had_acknowledged(other: UpProcess) -> None:
    before = other.wait_until_all_live()
    assert sorted(file.name for file in (other.data_dir / "gateways").glob("*.buffer")) == ["BRK.buffer", "HKT.buffer"]
    other.kill()
    assert other.status() is None
    other.start_again()
    after = other.wait_until_all_live()
    assert after["readings_accepted"] >= before["readings_accepted"]
    assert other.output.read_text().count("with password") == 1


@pytest.mark.parametrize("terminate", [UpProcess.terminate_group, UpProcess.terminate_everything, UpProcess.hang_up])
def test_a_signal_for_more_than_the_server_is_an_orderly_stop(
    other: UpProcess, terminate: Callable[[UpProcess], None]
) -> None:
    if other.process.poll() is not None:
        other.start_again()
    twins = other.wait_until_all_live()["twins_total"]
    other.wait_for_readings(2 * twins)
    family = other.family()
    terminate(other)
    assert other.process.wait(timeout=60) == 0
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    assert not EmbeddedPostgres(other.data_dir).is_running()
    assert "Traceback" not in other.output.read_text()
    assert other.twins_with_final_snapshot() == twins


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("up", "--host", "0.0.0.0"), "needs TLS"),
        (("up", "--port", "70000"), "--port"),
        (("up", "--fleet-file", "no-such-file.toml"), "no-such-file.toml"),
        (("twin", "BRK-U1-S01-B01"), "No server runs"),
        (("backup", "no-such-folder/backup"), "does not exist"),
        (("restore", "no-such-backup"), "is no complete backup"),
        (("replay", "no-such-file.csv", "--map", "no-such-map.toml"), "no-such"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(arguments: tuple[str, ...], says: str, reachable_tmp_path: Path) -> None:
    answer = run_command(*arguments, "--data-dir", reachable_tmp_path / "data", check=False)
    assert answer.returncode != 0
    assert says in answer.stderr
    assert "Traceback" not in answer.stderr + answer.stdout
