"""Certificates that can be used, and what is said of those that cannot."""

import shutil
import subprocess
from pathlib import Path

import grpc
import pytest

from batterytwin.errors import InvalidArgumentError
from twin_server.tls import load_server_credentials

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates for this test need openssl")


def _make_pair(folder: Path, name: str, *encryption: str) -> tuple[Path, Path]:
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    files = ["-out", str(certificate), "-keyout", str(key)]
    subprocess.run(
        ["openssl", "req", "-x509", "-days", "2", *subject, *curve, *files, *(encryption or ["-nodes"])],
        check=True,
        capture_output=True,
    )
    return certificate, key


async def test_a_server_with_a_certificate_speaks_tls(tmp_path: Path) -> None:
    certificate, key = _make_pair(tmp_path, "server")
    server = grpc.aio.server()
    port = server.add_secure_port("127.0.0.1:0", load_server_credentials(certificate, key))
    await server.start()
    try:
        trusted = grpc.ssl_channel_credentials(certificate.read_bytes())
        async with grpc.aio.secure_channel(
            f"127.0.0.1:{port}", trusted, [("grpc.ssl_target_name_override", "localhost")]
        ) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as answered:
                await channel.unary_unary("/x.Y/Z")(b"", timeout=20)  # type: ignore[arg-type]  # bytes go as they are
        assert answered.value.code() is grpc.StatusCode.UNIMPLEMENTED
    finally:
        await server.stop(None)


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    certificate, key = _make_pair(tmp_path, "server")
    _, other_key = _make_pair(tmp_path, "other")
    _, locked_key = _make_pair(tmp_path, "locked", "-passout", "pass:x")
    garbage = tmp_path / "garbage.pem"
    garbage.write_bytes(b"\x00garbage")
    for bad_certificate, bad_key, named in (
        (tmp_path / "absent.pem", key, "absent.pem"),
        (certificate, tmp_path / "absent.key", "absent.key"),
        (certificate, other_key, "other.key"),
        (certificate, locked_key, "locked.key"),
        (garbage, key, "garbage.pem"),
        (certificate, garbage, "garbage.pem"),
    ):
        with pytest.raises(InvalidArgumentError, match=named):
            load_server_credentials(bad_certificate, bad_key)
