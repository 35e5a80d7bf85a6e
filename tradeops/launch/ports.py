"""TCP ports of this machine."""

from __future__ import annotations

import socket

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
