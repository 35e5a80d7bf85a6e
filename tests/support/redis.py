"""One embedded Redis for a test session, the same binary and configuration as `make run`."""

import secrets
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import redis as redis_client

from tradeops.launch import redis
from tradeops.launch.ports import free_port


@dataclass(slots=True)
class RedisServer:
    """A running server; `stop()` ends it."""

    url: str
    port: int
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End the server and wait for it."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_redis(folder: Path) -> RedisServer:
    """Start a server with its files in `folder` on a free port; raise when it does not answer."""
    password = secrets.token_urlsafe(16)
    port = free_port()
    config = redis.write_config(folder, port=port, password=password)
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(
            [redis.server_binary(), str(config)], stdout=log, stderr=subprocess.STDOUT
        )
    server = RedisServer(redis.url(port=port, password=password), port, process)
    wait_for_redis(server.url, process)
    return server


def wait_for_redis(url: str, process: subprocess.Popen[bytes], *, timeout_s: float = 10) -> None:
    """Return when the server answers PING; raise RuntimeError when it ends or stays silent."""
    deadline = time.monotonic() + timeout_s
    with redis_client.Redis.from_url(url) as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            try:
                client.ping()
            except redis_client.ConnectionError:
                time.sleep(0.02)
            else:
                return
    message = "The embedded Redis does not answer."
    raise RuntimeError(message)
