"""People at the desk: each places, changes and ends orders, one request after the other.

Whoever gets no definite answer asks again under the same key, as a careful client does. What the
desk itself holds back (a hold, a quarantine, an expired opening) is an answer like any other.
"""

import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.support.stack import Answer, Stack
from tradeops.exchange.paper.instruments import INSTRUMENTS

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
SPECS = {spec.symbol: spec for spec in INSTRUMENTS if spec.symbol in SYMBOLS}
GIVE_UP_S = 60.0
ASK_AGAIN_S = 0.2
LEVERAGE = 10
# How often each thing is done.
WISHES = {"market": 30, "limit": 28, "stop": 12, "cancel": 12, "amend": 10, "close": 8}
RESTING_KEPT = 30


@dataclass(frozen=True, slots=True)
class Asked:
    """One request and its end: HTTP status, the error's code, the command if it became one."""

    action: str
    status: int
    code: str = ""
    command_id: str = ""


@dataclass
class Hand(threading.Thread):
    """One person with one account, who asks for something about every `pause_s`."""

    stack: Stack
    account: str
    seed: int
    pause_s: float
    ends_at: float
    asked: list[Asked] = field(default_factory=list)
    error: Exception | None = None

    def __post_init__(self) -> None:
        super().__init__(name=f"hand-{self.account}-{self.seed}", daemon=True)
        self._random = random.Random(self.seed)
        self._resting: deque[tuple[str, str]] = deque(maxlen=RESTING_KEPT)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        due = time.monotonic() + self.pause_s * self._random.random()
        try:
            while due < self.ends_at:
                time.sleep(max(0.0, due - time.monotonic()))
                self._act()
                # A slow answer does not make the desk slower: what is due is due.
                due += self.pause_s * self._random.uniform(0.5, 1.5)
        except Exception as error:  # noqa: BLE001 – told to the waiting test
            self.error = error

    def _act(self) -> None:
        action = self._random.choices([*WISHES], [*WISHES.values()])[0]
        symbol = self._random.choice(SYMBOLS)
        if action in ("cancel", "amend") and not self._resting:
            action = "limit"
        if action == "market":
            self._place(action, {"symbol": symbol, "notional": str(self._random.randint(60, 250))})
        elif action == "limit":
            self._place(action, self._limit_wish(symbol))
        elif action == "stop":
            self._place(action, self._stop_wish(symbol))
        elif action == "cancel":
            order_id, _ = self._resting.popleft()
            self._ask(action, "DELETE", f"/api/v1/orders/{order_id}")
        elif action == "amend":
            order_id, symbol = self._random.choice(self._resting)
            body = {"price": self._price(symbol, self._random.randint(-30, 30))}
            self._ask(action, "PATCH", f"/api/v1/orders/{order_id}", body)
        else:
            body = {"account": self.account, "reason": "soak"}
            self._ask(action, "POST", f"/api/v1/positions/{symbol}/close", body)

    def _place(self, action: str, wish: Mapping[str, Any]) -> None:
        body = {
            "account": self.account,
            "side": self._random.choice(("BUY", "SELL")),
            "leverage": LEVERAGE,
            **wish,
        }
        answer = self._ask(action, "POST", "/api/v1/orders", body)
        if answer is None or answer.status != 201 or body.get("type") != "LIMIT":
            return
        if answer.json.get("status") in ("ACKNOWLEDGED", "PARTIALLY_FILLED"):
            self._resting.append((answer.json["id"], answer.json["symbol"]))

    def _limit_wish(self, symbol: str) -> dict[str, Any]:
        return {
            "symbol": symbol,
            "type": "LIMIT",
            "quantity": self._quantity(symbol),
            "price": self._price(symbol, self._random.randint(-15, 15)),
            "time_in_force": self._random.choice(("GTC", "GTC", "GTC", "IOC", "GTX", "FOK")),
        }

    def _stop_wish(self, symbol: str) -> dict[str, Any]:
        kind = self._random.choice(("STOP_MARKET", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"))
        wish: dict[str, Any] = {
            "symbol": symbol,
            "type": kind,
            "quantity": self._quantity(symbol),
            "side": self._random.choice(("BUY", "SELL")),
        }
        if kind == "TRAILING_STOP_MARKET":
            return wish | {"callback_rate": "0.1"}
        rises = (wish["side"] == "BUY") == (kind == "STOP_MARKET")
        away = self._random.randint(5, 60)
        wish["trigger_price"] = self._price(symbol, away if rises else -away)
        return wish | {"working_type": self._random.choice(("MARK_PRICE", "CONTRACT_PRICE"))}

    def _price(self, symbol: str, offset_bp: int) -> str:
        """The mark price moved by some hundredths of a percent, on the tick."""
        mark = Decimal(self.stack.paper("GET", "/paper/health")["marks"][symbol])
        tick = SPECS[symbol].tick_size
        wanted = mark * (1 + Decimal(offset_bp) / 10_000)
        return str((wanted // tick * tick).quantize(tick))

    def _quantity(self, symbol: str) -> str:
        """Between 60 and 200 USDT in whole steps."""
        spec = SPECS[symbol]
        notional = max(Decimal(self._random.randint(60, 200)), spec.min_notional * 2)
        steps = notional / spec.start_price // spec.step_size + 1
        return str((steps * spec.step_size).quantize(spec.step_size))

    def _ask(
        self, action: str, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Answer | None:
        """Ask until the answer is definite; None when it never was."""
        key = str(uuid.UUID(int=self._random.getrandbits(128)))
        started = time.monotonic()
        while time.monotonic() - started < GIVE_UP_S:
            answer = self._try(method, path, body, key)
            if answer is not None and _is_definite(answer):
                told = answer.json if isinstance(answer.json, dict) else {}
                command = told.get("command") or {}
                found = command.get("id") or told.get("command_id") or told.get("id") or ""
                self.asked.append(Asked(action, answer.status, told.get("code", ""), found))
                return answer
            time.sleep(ASK_AGAIN_S)
        self.asked.append(Asked(action, 0, "NO_ANSWER"))
        return None

    def _try(
        self, method: str, path: str, body: Mapping[str, Any] | None, key: str
    ) -> Answer | None:
        try:
            return self.stack.api(method, path, body, key=key)
        except OSError:
            return None


def _is_definite(answer: Answer) -> bool:
    """False when the same request must be asked again under its key."""
    told = answer.json if isinstance(answer.json, dict) else {}
    if "command" in told or "command_id" in told or answer.status < 300:
        return True
    if told.get("code") == "IDEMPOTENCY_IN_FLIGHT":
        return False
    return answer.status < 500 and answer.status != 429


def at_work(
    stack: Stack, accounts: tuple[str, ...], *, rate: float, seconds: float, seed: int
) -> list[Hand]:
    """Start people who together ask for `rate` things a second, for so long."""
    count = max(len(accounts) * 2, round(rate * 4))
    ends_at = time.monotonic() + seconds
    hands = [
        Hand(stack, accounts[n % len(accounts)], seed * 1_000 + n, count / rate, ends_at)
        for n in range(count)
    ]
    for hand in hands:
        hand.start()
    return hands


def all_asked(hands: list[Hand], within_s: float) -> list[Asked]:
    """Wait until everybody is done; what they asked for."""
    deadline = time.monotonic() + within_s
    for hand in hands:
        hand.join(max(0.0, deadline - time.monotonic()))
        if hand.is_alive():
            message = f"{hand.name} never ended"
            raise AssertionError(message)
        if hand.error is not None:
            raise hand.error
    return [asked for hand in hands for asked in hand.asked]
