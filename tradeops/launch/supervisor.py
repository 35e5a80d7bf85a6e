"""supervisord: its generated configuration, and the little that is asked of it while it runs."""

import ctypes
import hashlib
import http.client
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import xmlrpc.client
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from tradeops.launch.plan import Program

SOCKET_PATH_LIMIT = 100  # bytes; the kernel's own is 107
PR_SET_PDEATHSIG = 1


def socket_path(home: Path) -> Path:
    """Return where supervisord listens: in `home`, or below /tmp when that path is too long."""
    path = home / "supervisor.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"tradeops-{digest}.sock"


def write_config(home: Path, servers: Iterable[Program], rest: Iterable[Program]) -> Path:
    """Write `supervisord.conf` (mode 600) and return its path; `rest` waits to be started."""
    logs = home / "log"
    logs.mkdir(parents=True, exist_ok=True)
    parts = [
        "[supervisord]",
        "nodaemon=true",
        f"logfile={_escape(logs / 'supervisord.log')}",
        f"pidfile={_escape(home / 'supervisord.pid')}",
        f"childlogdir={_escape(logs)}",
        "loglevel=info",
        *(["user=root"] if os.geteuid() == 0 else []),  # says that root is meant
        "[unix_http_server]",
        f"file={_escape(socket_path(home))}",
        "chmod=0600",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for program in servers:
        parts += _section(program, logs, autostart=True)
    for program in rest:
        parts += _section(program, logs, autostart=False)
    config = home / "supervisord.conf"
    config.touch(mode=0o600)
    config.write_text("\n".join(parts) + "\n")
    return config


def _section(program: Program, logs: Path, *, autostart: bool) -> list[str]:
    environment = ",".join(f'{key}="{value}"' for key, value in environment_of(program).items())
    return [
        f"[program:{program.name}]",
        f"command={_escape(shlex.join(program.command))}",
        f"environment={_escape(environment)}",
        f"priority={program.priority}",
        f"autostart={str(autostart).lower()}",
        "autorestart=true",
        "startsecs=1",
        "startretries=1000000",  # backs off by itself; a crash loop is the alarms' business
        f"stopsignal={program.stop_signal}",
        f"stopwaitsecs={program.stop_wait_s}",
        "stopasgroup=true",
        "killasgroup=true",
        "redirect_stderr=true",
        f"stdout_logfile={_escape(logs / f'{program.name}.log')}",
        "stdout_logfile_maxbytes=10MB",
        "stdout_logfile_backups=3",
    ]


def environment_of(program: Program) -> dict[str, str]:
    """Return what a program's environment has beyond the launcher's."""
    # Each thread of a Python process would otherwise reserve an arena of its own.
    environment = {"MALLOC_ARENA_MAX": "2", "PYTHONUNBUFFERED": "1", **program.environment}
    if not program.opens_seals:
        environment |= {"SEAL_PRIVATE_KEYS": "", "SEAL_PRIVATE_KEYS_FILE": ""}
    return environment


def _escape(value: object) -> str:
    return str(value).replace("%", "%%")


def start(config: Path, environment: Mapping[str, str], root: Path) -> subprocess.Popen[bytes]:
    """Start supervisord in a session of its own, so that Ctrl-C reaches the launcher only.

    It ends with the launcher, however that ends.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(config)],
        cwd=root,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # Safe: the launcher has one thread.
        preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
    )


def end_with_parent() -> None:
    """Ask the kernel for SIGTERM when the parent dies: runs in the child, before its program."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over a Unix socket; supervisor's own transport loads half of supervisord."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        return _UnixConnection(self._path)


class Supervisor:
    """Asks a running supervisord; every method raises OSError when nobody answers."""

    def __init__(self, home: Path) -> None:
        transport = _UnixTransport(socket_path(home))
        self._transport = transport
        self._server = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)

    def pids(self) -> dict[str, int]:
        """Return the process id of every running program."""
        return {
            str(info["name"]): int(str(info["pid"]))
            for info in self._all()
            if info["statename"] in {"STARTING", "RUNNING"}
        }

    def failing(self) -> list[str]:
        """Return the names of programs that end as soon as they start."""
        return [str(info["name"]) for info in self._all() if info["statename"] in _FAILING]

    def start(self, name: str) -> None:
        """Start a program without waiting for it."""
        self._call("startProcess", name, False)  # noqa: FBT003 - do not wait

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def _all(self) -> list[dict[str, object]]:
        return cast("list[dict[str, object]]", self._call("getAllProcessInfo"))

    def _call(self, method: str, *arguments: Any) -> object:  # noqa: ANN401 - XML-RPC
        try:
            return getattr(self._server.supervisor, method)(*arguments)
        except (xmlrpc.client.Error, OSError) as error:
            self._transport.close()  # a half-read answer would confuse the next call
            message = f"supervisord does not answer: {error}"
            raise OSError(message) from error


_FAILING = frozenset({"BACKOFF", "EXITED", "FATAL"})
