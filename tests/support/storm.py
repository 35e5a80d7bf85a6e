"""Many orders from several accounts at once, placed the way a careful client does it.

Every request has one idempotency key and is repeated under it until the answer is definite, through
connections that break and processes that die.
"""

import random
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.support.stack import Answer, Stack

SYMBOL = "BTCUSDT"
TICK = Decimal("0.1")
GIVE_UP_S = 90.0


@dataclass(frozen=True, slots=True)
class Placed:
    """One request and its definite end: an order id, or the code of the refusal."""

    account: str
    key: str
    body: dict[str, Any]
    order_id: str = ""
    code: str = ""
    latency_s: float = 0.0


@dataclass
class Trader(threading.Thread):
    """Places `count` orders for one account, about one every `pause_s`."""

    stack: Stack
    account: str
    count: int
    seed: int
    pause_s: float
    placed: list[Placed] = field(default_factory=list)
    error: Exception | None = None

    def __post_init__(self) -> None:
        super().__init__(name=f"trader-{self.account}-{self.seed}", daemon=True)
        self._random = random.Random(self.seed)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        try:
            for _ in range(self.count):
                self.placed.append(self._place(self._wish()))
                time.sleep(self.pause_s * self._random.uniform(0.5, 1.5))
        except Exception as error:  # noqa: BLE001 – told to the waiting test
            self.error = error

    def _wish(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "account": self.account,
            "symbol": SYMBOL,
            "side": self._random.choice(["BUY", "SELL"]),
        }
        if self._random.random() < 0.5:
            return {**body, "amount": str(self._random.randint(20, 80)), "leverage": 10}
        price = mark_price(self.stack) * (1 + Decimal(self._random.randint(-5, 5)) / 10_000)
        return {
            **body,
            "type": "LIMIT",
            "quantity": f"0.{self._random.randint(2, 9):03d}",
            "price": str(price.quantize(TICK)),
            "time_in_force": self._random.choice(["GTC", "GTC", "IOC"]),
        }

    def _place(self, body: dict[str, Any]) -> Placed:
        key = str(uuid.UUID(int=self._random.getrandbits(128)))
        started = time.monotonic()
        while time.monotonic() - started < GIVE_UP_S:
            answer = _try(self.stack, "POST", "/api/v1/orders", body, key)
            outcome = self._definite(answer)
            if outcome is not None:
                order_id, code = outcome
                return Placed(self.account, key, body, order_id, code, time.monotonic() - started)
            time.sleep(0.2)
        message = f"no definite answer for {body} within {GIVE_UP_S} s"
        raise AssertionError(message)

    def _definite(self, answer: Answer | None) -> tuple[str, str] | None:
        """(order id, refusal code), or None when it must be asked again."""
        if answer is None or (answer.status >= 500 and not _has_command(answer)):
            return None
        if answer.status in {200, 201}:
            return answer.json["id"], ""
        if answer.status == 202:
            return self._followed(answer.json["command"]["id"])
        code = answer.json["code"]
        if code == "IDEMPOTENCY_IN_FLIGHT" or (answer.status == 429 and not _has_command(answer)):
            return None
        return "", code

    def _followed(self, command_id: str) -> tuple[str, str] | None:
        answer = _try(self.stack, "GET", f"/api/v1/commands/{command_id}")
        if answer is None or answer.status != 200:
            return None
        if answer.json["status"] == "ACK":
            return command_id, ""
        if answer.json["status"] == "FAILED":
            return "", answer.json["code"]
        return None


def _has_command(answer: Answer) -> bool:
    """Whether the answer tells how a command ended; without one, nothing was enqueued."""
    return answer.json is not None and "command_id" in answer.json


def _try(
    stack: Stack, method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None
) -> Answer | None:
    try:
        return stack.api(method, path, body, key=key)
    except OSError:
        return None


def mark_price(stack: Stack) -> Decimal:
    """The venue's mark price now."""
    return Decimal(stack.paper("GET", f"/fapi/v1/premiumIndex?symbol={SYMBOL}")["markPrice"])


def trade(
    stack: Stack, accounts: Sequence[str], *, orders: int, seconds: float, seed: int
) -> list[Trader]:
    """Start two traders an account that together place `orders` in about `seconds`."""
    share = orders // (len(accounts) * 2)
    traders = [
        Trader(stack, account, share, seed + number, seconds / share)
        for number, account in enumerate([*accounts, *accounts])
    ]
    for trader in traders:
        trader.start()
    return traders


def outcome(traders: Sequence[Trader]) -> list[Placed]:
    """Wait for the traders and return everything that they placed."""
    for trader in traders:
        trader.join(GIVE_UP_S * 4)
        assert not trader.is_alive(), f"{trader.name} never ended"
    broken = [trader.error for trader in traders if trader.error is not None]
    assert not broken, broken
    return [placed for trader in traders for placed in trader.placed]
