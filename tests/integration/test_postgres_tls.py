"""A Postgres that speaks TLS only: the engine reaches it by ``sslmode=verify-full`` and refuses a stranger.

The packaged server is built without TLS, so this is tried with a server of the machine's, where there is one.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.errors import ServiceUnavailable
from engine.settings import mask_url
from engine.store.connection import connect

pytestmark = pytest.mark.integration
PASSWORD = "of-this-test-alone"


def programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


def certificate(
    subject: str, issuer: x509.Certificate | None, signer: ec.EllipticCurvePrivateKey, key: object
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name if issuer is None else issuer.subject)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )  # fmt: skip
    return builder.sign(signer, hashes.SHA256())


def write_certificates(home: Path) -> None:
    authority, other, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    root = certificate("An authority", None, authority, authority)
    pem = serialization.Encoding.PEM
    (home / "root.crt").write_bytes(root.public_bytes(pem))
    (home / "other.crt").write_bytes(certificate("Another", None, other, other).public_bytes(pem))
    (home / "server.crt").write_bytes(certificate("localhost", root, authority, own).public_bytes(pem))
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (home / "server.key").write_bytes(own.private_bytes(pem, form, none))
    (home / "server.key").chmod(0o600)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, Path]]:
    """A server that takes TLS connections only: its port, and the folder of its certificates."""
    there = programs()
    if there is None:
        pytest.skip("no Postgres of the machine's under /usr/lib/postgresql: the packaged one is built without TLS")
    home = Path(tempfile.mkdtemp(prefix="qenex-tls-"))
    home.chmod(0o755)
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    user = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    try:
        write_certificates(home)
        (home / "password").write_text(PASSWORD)
        if account is not None:
            for path in (home, *home.iterdir()):
                os.chown(path, account.pw_uid, account.pw_gid)
        plain = {"cwd": home, "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}, **user}
        made = subprocess.run(
            [there / "initdb", "-D", home / "data", "-U", "owner", "-N", f"--pwfile={home / 'password'}",
             "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"],
            capture_output=True, text=True, **plain,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        (home / "data" / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = {
            "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "ssl": "on", "fsync": "off",
            "ssl_cert_file": home / "server.crt", "ssl_key_file": home / "server.key",
        }  # fmt: skip
        command = [there / "postgres", "-D", home / "data", *(f"--{name}={value}" for name, value in options.items())]
        with (home / "log").open("wb") as log:
            running = subprocess.Popen(command, stdout=log, stderr=log, **plain)
        try:
            await_port(port, running, home / "log")
            yield port, home
        finally:
            running.terminate()
            running.wait(20)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def await_port(port: int, running: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        said = log.read_text()
        if "ready to accept connections" in said:
            return
        if "not supported by this build" in said:
            pytest.skip("the machine's Postgres is built without TLS")
        assert running.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.1)


def address(port: int, **options: object) -> str:
    asked = "&".join(f"{name}={value}" for name, value in options.items())
    return f"postgresql://owner:{PASSWORD}@localhost:{port}/postgres?{asked}"


def test_the_connection_is_encrypted_and_the_server_known(server: tuple[int, Path]) -> None:
    port, home = server
    url = address(port, sslmode="verify-full", sslrootcert=home / "root.crt")
    with connect(url, "owner") as connection:
        row = connection.execute("select ssl, version from pg_stat_ssl where pid = pg_backend_pid()").fetchone()
    assert row == (True, "TLSv1.3")
    assert PASSWORD not in mask_url(url)


def test_a_server_that_another_authority_signed_is_refused(server: tuple[int, Path]) -> None:
    port, home = server
    with pytest.raises(ServiceUnavailable, match="certificate verify failed"):
        connect(address(port, sslmode="verify-full", sslrootcert=home / "other.crt"), "owner")


def test_without_tls_the_server_lets_nobody_in(server: tuple[int, Path]) -> None:
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(address(server[0], sslmode="disable"))


def test_the_packaged_server_has_none(services: object) -> None:
    """When this fails, the local stack can be given TLS too."""
    url = services.postgres  # type: ignore[attr-defined]
    with pytest.raises(psycopg.OperationalError, match="does not support SSL"):
        psycopg.connect(f"{url}?sslmode=require")
