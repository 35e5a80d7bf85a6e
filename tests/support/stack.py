"""The whole product as processes, for tests that kill, restart and look from outside.

The same programs, commands and environment as `make run`, started one by one instead of by the
supervisor, so that a test decides who lives. Everything is in one folder; nothing is shared with
the session's own Redis and database.
"""

import http.client
import json
import os
import secrets
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tradeops.launch import env_file
from tradeops.launch.health import is_ready
from tradeops.launch.plan import Plan, plan_of, processes, servers
from tradeops.launch.ports import free_port, port_answers
from tradeops.launch.supervisor import environment_of

ROOT = Path(__file__).resolve().parents[2]
READY_S = 120.0
STOP_S = 25.0
OWN_NAMES = ("TRADEOPS_", "DATABASE_", "REDIS_", "SEAL_", "SECRET_KEY", "AUTH_TOKEN", "BINANCE_")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of the web process; `json` is None for an empty or other body."""

    status: int
    headers: Mapping[str, str]
    json: Any
    text: str


class Stack:
    """Every process of a paper deployment in `folder`. Use as a context manager, or start/stop.

    `paper_arguments` are further words for the paper venue (`--tape`, `--weight-limit` ...);
    `environment` adds settings. On the PostgreSQL leg it makes a database of its own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        paper_arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self._server_url = os.environ.get("DATABASE_URL")
        dotenv = folder / ".env"
        settings = {
            "TRADEOPS_HOME": str(folder),
            "TRADEOPS_DOTENV": str(dotenv),
            "TRADEOPS_PORT": str(free_port()),
            "TRADEOPS_PAPER_PORT": str(free_port()),
            "TRADEOPS_REDIS_PORT": str(free_port()),
            "DJANGO_SETTINGS_MODULE": "tradeops.settings.dev",
            **(environment or {}),
        }
        if self._server_url:
            settings["DATABASE_URL"] = _new_database(self._server_url)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log").mkdir(exist_ok=True)
        self.settings = {**env_file.complete(dotenv, settings, database=""), **settings}
        self.plan: Plan = plan_of(
            ROOT, folder, self.settings, paper_arguments=tuple(paper_arguments)
        )
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith(OWN_NAMES)
        } | settings
        self._programs = {p.name: p for p in [*servers(self.plan), *processes(self.plan)]}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        """Return where the web process answers."""
        return self.plan.web_url

    @property
    def auth_token(self) -> str:
        """Return the bearer token of the API."""
        return self.settings["AUTH_TOKEN"]

    @property
    def redis_url(self) -> str:
        """Return the URL of this stack's Redis."""
        return f"redis://:{self.plan.redis_password}@127.0.0.1:{self.plan.redis_port}/0"

    @property
    def pids(self) -> dict[str, int]:
        """Return the process id of every program that runs."""
        return {name: p.pid for name, p in self._running.items() if p.poll() is None}

    def start(self) -> Self:
        """Start everything and return when the desk is ready."""
        for program in servers(self.plan):
            self.restart(program.name)
        self.manage("bootstrap")
        for program in processes(self.plan):
            self.restart(program.name)
        self.wait_until(self.ready, "the desk is ready", timeout_s=READY_S)
        return self

    def stop(self) -> None:
        """End everything in reverse order, as the supervisor does; drop the database."""
        for name in reversed(self._programs):  # a server that was restarted still goes last
            self.terminate(name)
        if self._server_url:
            _drop_database(self._server_url, self.settings["DATABASE_URL"])

    def kill(self, name: str) -> None:
        """End a program with SIGKILL, as a crash would."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def terminate(self, name: str) -> None:
        """End a program as an operator would; SIGKILL when it does not listen."""
        process = self._running.pop(name, None)
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def restart(self, name: str) -> None:
        """Start a program that does not run; a server is waited for until it answers."""
        program = self._programs[name]
        with (self.folder / "log" / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                program.command,
                cwd=ROOT,
                env={**self._environment, **environment_of(program)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        port = {"redis": self.plan.redis_port, "paper": self.plan.paper_port}.get(name)
        if port is not None:
            self.wait_until(lambda: port_answers(("127.0.0.1", port)), f"{name} answers")

    def manage(self, *arguments: str) -> str:
        """Run `manage.py` in this deployment and return what it printed; raise when it fails."""
        done = self._manage(*arguments)
        if done.returncode != 0:
            message = f"manage.py {' '.join(arguments)} ended with {done.returncode}: {done.stderr}"
            raise RuntimeError(message)
        return done.stdout

    def doctor(self) -> tuple[int, str]:
        """Exit code of `manage.py doctor`, and what it printed."""
        done = self._manage("doctor")
        return done.returncode, done.stdout

    def _manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def api(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request to the web process.

        `token` None: the deployment's own, "": none. `key` None: a fresh Idempotency-Key for
        everything but reads, "": none.
        """
        bearer = self.auth_token if token is None else token
        sent = {"Content-Type": "application/json", **(headers or {})}
        if bearer:
            sent["Authorization"] = f"Bearer {bearer}"
        if method not in {"GET", "HEAD"} and key != "":
            sent["Idempotency-Key"] = key or str(uuid.uuid4())
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        return _request(self.plan.port, method, path, text, sent)

    def paper(self, method: str, path: str, body: Any = None) -> Any:
        """Call one of the paper venue's own routes (`/paper/...`) and return its JSON."""
        assert self.plan.paper_port is not None
        text = None if body is None else json.dumps(body)
        answer = _request(
            self.plan.paper_port, method, path, text, {"Content-Type": "application/json"}
        )
        assert answer.status < 400, answer.text
        return answer.json

    def truth(self, account: str) -> dict[str, Any]:
        """Return the venue's own books of one account."""
        (books,) = self.paper("GET", f"/paper/truth?account={account}")["accounts"]
        return dict(books)

    def ready(self) -> bool:
        """Return whether orders work and every account is connected and known."""
        return is_ready(self.plan.host, self.plan.port)

    def healthy(self) -> bool:
        """Return whether `/healthz` says 200: orders can be asked for."""
        try:
            return self.api("GET", "/healthz", token="").status == http.HTTPStatus.OK
        except OSError:
            return False

    def wait_until(self, is_so: Callable[[], Any], what: str, *, timeout_s: float = 30.0) -> Any:
        """Return the first true value of `is_so`; raise with the logs' ends when it stays false."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if value := is_so():
                return value
            time.sleep(0.05)
        message = f"not within {timeout_s} s: {what}\n{self.log_ends()}"
        raise AssertionError(message)

    def log_ends(self, lines: int = 15) -> str:
        """Return the last lines of every log, for a failure's message."""
        parts = []
        for path in sorted((self.folder / "log").glob("*.log")):
            end = path.read_text(errors="replace").splitlines()[-lines:]
            parts.append("\n".join([f"--- {path.name}", *end]))
        return "\n".join(parts)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _request(
    port: int, method: str, path: str, text: str | None, headers: Mapping[str, str]
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, text, dict(headers))
        reply = connection.getresponse()
        content = reply.read().decode()
    except http.client.HTTPException as error:  # it died while it answered
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()
    is_json = "json" in (reply.getheader("Content-Type") or "")
    parsed = json.loads(content) if is_json and content else None
    return Answer(reply.status, dict(reply.getheaders()), parsed, content)


def _new_database(server_url: str) -> str:
    name = f"stack_{secrets.token_hex(6)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def _drop_database(server_url: str, url: str) -> None:
    name = urlsplit(url).path.strip("/")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
