"""One embedded PostgreSQL for a test session."""

import secrets
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tradeops.launch import postgres
from tradeops.launch.ports import free_port


@dataclass(slots=True)
class PostgresServer:
    """A running server; `stop()` ends it."""

    url: str
    process: subprocess.Popen[bytes]
    folder: Path
    command: list[str]

    def stop(self) -> None:
        """End the server at once and wait for it."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(20)

    def restarted(self) -> "PostgresServer":
        """Return the same server with the same data, started again; stop it first."""
        return _run(self.url, self.folder, self.command)


def start_postgres(folder: Path) -> PostgresServer:
    """Start a server without fsync, its files in `folder`; raise when it does not answer."""
    folder.mkdir(parents=True)
    for path in (folder, folder.parent):
        path.chmod(0o711)  # as root the server runs as nobody, who must get to its data
    password = secrets.token_urlsafe(16)
    port = free_port()
    binaries = postgres.prepare(folder, password)
    command = postgres.server_command(folder, binaries, port=port, durable=False)
    return _run(postgres.url(port=port, password=password), folder, command)


def _run(url: str, folder: Path, command: list[str]) -> PostgresServer:
    with (folder / "postgres.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd="/")
    server = PostgresServer(url, process, folder, command)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            psycopg.connect(server.url).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return server
    message = f"The embedded PostgreSQL does not answer:\n{(folder / 'postgres.log').read_text()}"
    raise RuntimeError(message)
