"""The paper venue as a process of its own, for tests that reach it over the wire."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
_START_S = 20.0
_STOP_S = 10.0
_POLL_S = 0.02


class PaperServer:
    """`python -m tradeops.exchange.paper` on a free port; `start` again keeps the port.

    Accounts are the venue's defaults: API key `paper-<name>-key`, secret `paper-<name>-secret` for
    the names main, second and stranger. `options` are further command-line words.
    """

    def __init__(
        self,
        *,
        tape: Path | None = None,
        speed: str | None = None,
        seed: int = 7,
        state: Path | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.port = _free_port()
        self.host = "127.0.0.1"
        self._options = ["--host", self.host, "--port", str(self.port), "--seed", str(seed)]
        if tape is not None:
            self._options += ["--tape", str(tape)]
        if speed is not None:
            self._options += ["--speed", speed]
        if state is not None:
            self._options += ["--state", str(state)]
        self._options += options
        self._log = Path(tempfile.gettempdir()) / f"paper-{os.getpid()}-{self.port}.log"
        self._ended_with = ""
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> Self:
        """Start the process and wait until it answers; its output goes into the error if not."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TRADEOPS_PAPER_")}
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tradeops.exchange.paper", *self._options],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the paper venue did not start:\n{self.output()}")
            time.sleep(_POLL_S)
        return self

    def stop(self) -> int:
        """Ask the process to end (it saves its state, if told to) and return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise RuntimeError(f"the paper venue ignored SIGTERM:\n{self.output()}") from error
        self._keep_output()
        return code

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(_STOP_S)
        self._keep_output()

    def output(self) -> str:
        """What the process printed so far, or until its end."""
        return self._log.read_text() if self._log.exists() else self._ended_with

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call a route outside Binance's own and return its JSON; any status but 2xx raises."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            content = reply.read().decode()
        finally:
            connection.close()
        if reply.status // 100 != 2:
            raise RuntimeError(f"{method} {path}: {reply.status} {content}")
        return json.loads(content)

    def truth(self, account: str | None = None) -> dict[str, Any]:
        """The venue's own books: `{"accounts": [...]}`, or one account's entry by name."""
        if account is None:
            books: dict[str, Any] = self.request("GET", "/paper/truth")
            return books
        accounts = self.request("GET", f"/paper/truth?account={account}")["accounts"]
        entry: dict[str, Any] = next(item for item in accounts if item["name"] == account)
        return entry

    def fault(self, **fault: Any) -> Any:
        """Turn a fault on: kind, and match, count, rate, ms, until as it needs."""
        return self.request("POST", "/paper/faults", fault)

    def clear_faults(self) -> None:
        self.request("DELETE", "/paper/faults")

    def set_price(self, symbol: str, price: str) -> None:
        """Move a symbol's book and mark price."""
        self.request("POST", "/paper/price", {"symbol": symbol, "price": price})

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
        self._keep_output()

    def _keep_output(self) -> None:
        self._ended_with = self.output()
        self._log.unlink(missing_ok=True)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=2)
        try:
            connection.request("GET", "/fapi/v1/ping")
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
