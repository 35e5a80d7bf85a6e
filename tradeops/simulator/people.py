"""Who asks: operators and programs through the product, and somebody with the venue's own app."""

from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from django.db import Error as DatabaseError

from orders.models import OPEN_STATUSES, Order
from tradeops.domain.clock import Clock
from tradeops.domain.commands import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    ClosePosition,
    DomainCommand,
    PauseEngine,
    PlaceOrder,
    RunReconcile,
    SetEngineMode,
    SetLeverage,
)
from tradeops.domain.enums import (
    EngineState,
    OrderType,
    Side,
    Source,
    TimeInForce,
    WorkingType,
)
from tradeops.domain.errors import TradeOpsError
from tradeops.exchange.paper.execution import place
from tradeops.exchange.paper.orders import NewOrder
from tradeops.journal.command_store import Asker, Idempotency, enqueue
from tradeops.simulator.schedule import Schedule
from tradeops.simulator.venue import SYMBOLS, SimVenue

_TICK = {"BTCUSDT": Decimal("0.1"), "ETHUSDT": Decimal("0.01")}
_TRIES = 4
_CLOSED_US = 6_000_000


@dataclass(slots=True)
class Client:
    """Sends commands at random moments; repeats a request that it had no answer to, same key."""

    schedule: Schedule
    clock: Clock
    venue: SimVenue
    account_id: int
    name: str
    pace_s: float
    may_halt: bool = True
    is_open: bool = True
    asked: list[UUID] = field(default_factory=list)
    _closed_since_us: int = 0

    def run(self) -> None:
        """Until told to stop."""
        while self.is_open:
            self.schedule.pause(self.schedule.rng.expovariate(1 / self.pace_s))
            if self.is_open:
                self._ask(self._wish())

    def _ask(self, command: DomainCommand) -> None:
        rng = self.schedule.rng
        command_id = UUID(int=rng.getrandbits(128), version=4)
        key = f"{rng.getrandbits(64):016x}"
        copies = 2 if rng.random() < 0.15 else 1  # a double click (F75)
        for _ in range(copies):
            self._send(command, command_id, key)
            command_id = UUID(int=rng.getrandbits(128), version=4)

    def _send(self, command: DomainCommand, command_id: UUID, key: str) -> None:
        for _ in range(_TRIES):
            try:
                row, is_new = enqueue(
                    command,
                    account_id=self.account_id,
                    command_id=command_id,
                    asker=Asker(self.name, Source.API),
                    now=self.clock.now(),
                    idempotency=Idempotency(key, "/sim", key),
                )
            except (DatabaseError, TradeOpsError):
                self.schedule.pause(0.5)
            else:
                if is_new:
                    self.asked.append(row.pk)
                return

    def _wish(self) -> DomainCommand:
        rng = self.schedule.rng
        if self._closed_since_us and self.schedule.at_us - self._closed_since_us > _CLOSED_US:
            self._closed_since_us = 0
            return SetEngineMode("account", EngineState.RUNNING, "simulated")
        return rng.choices(
            [self._market, self._limit, self._stop, self._cancel, self._amend, self._close,
             self._cancel_all, self._leverage, self._reconcile, self._engine],
            [30, 22, 10, 14, 8, 10, 3, 3, 1, 2],
        )[0]()  # fmt: skip

    def _symbol(self) -> str:
        return self.schedule.rng.choice(SYMBOLS)

    def _price(self, symbol: str, factor: float) -> Decimal:
        price = self.venue.core.mark(symbol) * Decimal(str(round(factor, 4)))
        return price // _TICK[symbol] * _TICK[symbol]

    def _market(self) -> PlaceOrder:
        return PlaceOrder(
            symbol=self._symbol(),
            side=self.schedule.rng.choice([Side.BUY, Side.SELL]),
            notional=Decimal(self.schedule.rng.randint(150, 2000)),
            leverage=self.schedule.rng.choice([None, 5, 10]),
        )

    def _limit(self) -> PlaceOrder:
        rng, symbol = self.schedule.rng, self._symbol()
        side = rng.choice([Side.BUY, Side.SELL])
        away = rng.uniform(-0.002, 0.006) * -side.sign
        force = rng.choice([None, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.GTX])
        return PlaceOrder(
            symbol=symbol,
            side=side,
            order_type=OrderType.LIMIT,
            notional=Decimal(rng.randint(150, 1500)),
            price=self._price(symbol, 1 + away),
            time_in_force=force,
        )

    def _stop(self) -> PlaceOrder:
        rng, symbol = self.schedule.rng, self._symbol()
        side = rng.choice([Side.BUY, Side.SELL])
        return PlaceOrder(
            symbol=symbol,
            side=side,
            order_type=OrderType.STOP_MARKET,
            notional=Decimal(rng.randint(150, 1500)),
            trigger_price=self._price(symbol, 1 + 0.003 * side.sign),
            working_type=rng.choice([WorkingType.MARK_PRICE, WorkingType.CONTRACT_PRICE]),
        )

    def _open_orders(self) -> list[Order]:
        rows = Order.objects.filter(account_id=self.account_id, status__in=OPEN_STATUSES)
        return list(rows.order_by("submitted_at", "pk"))

    def _cancel(self) -> DomainCommand:
        found = self._open_orders()
        return CancelOrder(self.schedule.rng.choice(found).pk) if found else self._market()

    def _amend(self) -> DomainCommand:
        found = [
            row for row in self._open_orders() if row.order_type == OrderType.LIMIT and row.price
        ]
        if not found:
            return self._limit()
        row = self.schedule.rng.choice(found)
        return AmendOrder(row.pk, row.symbol, row.quantity, row.price + _TICK[row.symbol] * 3)

    def _close(self) -> ClosePosition:
        fraction = self.schedule.rng.choice([Decimal("0.5"), Decimal(1)])
        return ClosePosition(self._symbol(), fraction, "simulated")

    def _cancel_all(self) -> CancelAll:
        return CancelAll(self.schedule.rng.choice(["", *SYMBOLS]))

    def _leverage(self) -> SetLeverage:
        return SetLeverage(self._symbol(), self.schedule.rng.randint(3, 20))

    def _reconcile(self) -> RunReconcile:
        return RunReconcile("simulated")

    def _engine(self) -> DomainCommand:
        if not self.may_halt:
            return self._market()
        self._closed_since_us = self._closed_since_us or self.schedule.at_us
        return self.schedule.rng.choice(
            [
                SetEngineMode("account", EngineState.HALTED, "simulated"),
                PauseEngine("account", "simulated"),
            ]
        )


def trade_by_hand(venue: SimVenue, account: str) -> str:
    """An order from the venue's own app (F31); returns its symbol."""
    rng = venue.schedule.rng
    symbol = rng.choice(SYMBOLS)
    spec = venue.core.spec(symbol)
    wanted = NewOrder(
        symbol=symbol,
        side=rng.choice(["BUY", "SELL"]),
        order_type="MARKET",
        quantity=max(spec.min_qty, spec.step_size) * rng.randint(5, 9),
        client_order_id=f"web_{rng.getrandbits(48):012x}",
    )
    place(venue.core, venue.core.members[account], wanted, venue.now_ms())
    venue.flush()
    return symbol
