"""Brings a whole server up with the `batterytwin` command given as first argument, and asks it how it is.

Uses only the standard library, so that it runs in any environment that has the wheel.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_TIMEOUT_S = 400.0


def main() -> int:
    """Returns 0 when all twins live and the server stops cleanly."""
    command = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="bt-smoke-") as folder:
        Path(folder).chmod(0o755)  # as root, the database runs as a user of its own, who has to get in
        data_dir = Path(folder) / "data"
        log_path = Path(folder) / "up.log"
        with log_path.open("wb") as log:
            server = subprocess.Popen(
                [command, "up", "--data-dir", data_dir, "--port", "0", "--no-dashboard", "--backfill-days", "0"],
                stdout=log,
                stderr=log,
            )
        try:
            status = _wait_until_all_live(command, data_dir, server)
        finally:
            server.send_signal(signal.SIGTERM)
            code = server.wait(timeout=30)
        if status is None or code != 0:
            sys.stderr.write(log_path.read_text(errors="replace"))
            return 1
        sys.stdout.write(f"  {status['twins_live']} of {status['twins_total']} twins live, stopped cleanly\n")
        return 0


def _wait_until_all_live(command: str, data_dir: Path, server: "subprocess.Popen[bytes]") -> dict[str, int] | None:
    began = time.monotonic()
    while time.monotonic() - began < _TIMEOUT_S and server.poll() is None:
        answer = subprocess.run(
            [command, "status", "--json", "--data-dir", data_dir], capture_output=True, check=False, text=True
        )
        if answer.returncode == 0:
            status: dict[str, int] = json.loads(answer.stdout)
            if status["ready"] and status["twins_live"] == status["twins_total"]:
                return status
        time.sleep(4.0)  # each question is a process that starts, on the processors on which kernels are compiled
    return None


if __name__ == "__main__":
    sys.exit(main())
