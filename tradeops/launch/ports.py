"""TCP ports of this machine."""

import socket
from pathlib import Path

from tradeops.launch.failure import LaunchError


def free_port() -> int:
    """Return a loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require_free(host: str, port: int, *, name: str, setting: str) -> None:
    """Raise LaunchError, naming what wants the port and the setting that moves it, when taken."""
    with socket.socket() as probe:
        # As the servers do: a port that only waits out old connections is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = (
                f"Port {port} for the {name} cannot be used ({error.strerror}): "
                f"stop what listens there, or set {setting} in .env to another port."
            )
            raise LaunchError(message) from error


def pick_port(preferred: int) -> int:
    """Return `preferred` when it is free on loopback now, else a free port."""
    try:
        require_free("127.0.0.1", preferred, name="", setting="")
    except LaunchError:
        return free_port()
    return preferred


def port_answers(address: tuple[str, int] | Path) -> bool:
    """Return whether somebody accepts a connection at a TCP address or a Unix socket."""
    family = socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(2)
        return client.connect_ex(str(address) if isinstance(address, Path) else address) == 0
