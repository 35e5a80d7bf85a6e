"""The paper venue as a process, forked from a warm one instead of started."""

import http.client
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from tradeops.exchange.paper.__main__ import main
from tradeops.launch.ports import free_port

START_S = 15.0
NO_LIMITS = ("--weight-limit", "100000000", "--order-limit-10s", "100000",
             "--order-limit-1m", "1000000")  # fmt: skip


class ForkedVenue:
    """`python -m tradeops.exchange.paper` without the start of an interpreter."""

    def __init__(self, folder: Path, state: Path | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / "venue.log"
        self._words = ["--port", str(self.port), "--seed", "7", *NO_LIMITS]
        if state is not None:
            self._words += ["--state", str(state)]
        self._pid = 0

    def start(self) -> None:
        """Fork, and wait until it answers."""
        self._pid = os.fork()
        if self._pid == 0:
            self._serve()
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            try:
                self.request("GET", "/paper/health")
            except OSError:
                time.sleep(0.005)
            else:
                return
        message = f"the paper venue does not answer:\n{self._log.read_text()}"
        raise RuntimeError(message)

    def _serve(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # until the venue sets its own
        descriptor = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(descriptor, stream.fileno())
        code = 1
        try:
            code = main(self._words)
        finally:
            os._exit(code)

    def stop(self, number: int = signal.SIGKILL) -> None:
        """End the process; SIGTERM lets it save its books."""
        os.kill(self._pid, number)
        os.waitpid(self._pid, 0)

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call one of the control routes and return its JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            content = reply.read().decode()
        finally:
            connection.close()
        if reply.status != http.HTTPStatus.OK:
            message = f"{method} {path}: {reply.status} {content}"
            raise RuntimeError(message)
        return json.loads(content)

    def fault(self, **fault: Any) -> None:
        """Switch a fault on."""
        self.request("POST", "/paper/faults", fault)

    def set_price(self, symbol: str, price: str) -> None:
        """Move a symbol's book and mark price, and hold them there."""
        self.request("POST", "/paper/price", {"symbol": symbol, "price": price})

    def truth(self, account: str) -> dict[str, Any]:
        """The venue's own books of one account."""
        (books,) = self.request("GET", f"/paper/truth?account={account}")["accounts"]
        return dict(books)
