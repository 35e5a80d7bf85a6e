"""Open an account's venue connection: the only place where keys are read (workers only).

`open_exchange` serves the streams worker, which has a loop of its own. `blocking_port` serves
Celery tasks and commands: connections stay open on the portal's loop for the life of the process.
"""

import atexit
import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.conf import settings

from accounts.models import Credential, ExchangeAccount
from accounts.services.credential_seal import open_credential
from tradeops.domain.enums import Environment, MarginMode, PositionMode, PositionSide, Venue
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.domain.instrument import InstrumentSpec
from tradeops.exchange.errors import Ambiguous
from tradeops.exchange.port import (
    AmendRequest,
    ExchangePort,
    MarketStream,
    OrderRequest,
    RateState,
    UserStream,
)
from tradeops.exchange.registry import open_port
from tradeops.exchange.reports import (
    BalanceReport,
    FillReport,
    IncomeReport,
    LeverageBracket,
    LeverageReport,
    MarkPriceReport,
    OrderReport,
    PositionReport,
)
from tradeops.kit import sql
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.db import in_transaction
from tradeops.kit.portal import drive, portal
from tradeops.kit.redis_client import quick_redis_client

T = TypeVar("T")

# Adapters have time limits of their own; this one keeps a worker thread from hanging for ever.
CALL_LIMIT_S = 30.0


def open_exchange(account: ExchangeAccount) -> ExchangePort:
    """A port of the account's venue, not yet connected: the caller awaits `open()` and `close()`.

    Raises:
        TradeOpsError: ACCOUNT_UNAVAILABLE without a current credential.
        SealError: when this process cannot read it.
    """
    return _port(account, current_credential(account.pk))


def current_credential(account_id: int) -> Credential:
    """The credential in use.

    Raises:
        TradeOpsError: ACCOUNT_UNAVAILABLE when there is none.
    """
    found = sql.fetch(Credential, "account_id = %s AND is_current = %s", [account_id, True])
    if not found:
        raise TradeOpsError(
            ErrorCode.ACCOUNT_UNAVAILABLE, f"Account {account_id} has no venue key."
        )
    return found[0]


def _port(account: ExchangeAccount, credential: Credential) -> ExchangePort:
    return open_port(
        venue=Venue(account.venue),
        environment=Environment(settings.TRADEOPS_ENV),
        credentials=open_credential(credential),
        paper_url=settings.PAPER_URL,
        clock=SYSTEM_CLOCK,
        in_transaction=in_transaction,
        redis=quick_redis_client(),
    )


class BlockingPort:
    """An `ExchangePort` whose coroutines finish without suspending (see `kit.portal.drive`).

    Each call runs on the portal's loop while the calling thread waits. The transaction guard is
    asked here as well: the adapter runs on another thread, which sees none of our connections.
    """

    def __init__(self, port: ExchangePort) -> None:
        self._port = port

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        if in_transaction():
            coroutine.close()
            message = "a venue call inside a database transaction"
            raise RuntimeError(message)
        future = portal().start(coroutine)
        try:
            return future.result(CALL_LIMIT_S)
        except (TimeoutError, CancelledError) as error:
            future.cancel()
            message = f"no answer within {CALL_LIMIT_S:.0f} s"
            raise Ambiguous(message) from error

    async def open(self) -> None:
        self._run(self._port.open())

    async def close(self) -> None:
        self._run(self._port.close())

    async def server_time_offset_ms(self) -> int:
        return self._run(self._port.server_time_offset_ms())

    def clock_offset_ms(self) -> int:
        return self._port.clock_offset_ms()

    def rate_state(self) -> RateState:
        return self._port.rate_state()

    async def instruments(self) -> Sequence[InstrumentSpec]:
        return self._run(self._port.instruments())

    async def mark_price(self, symbol: str) -> MarkPriceReport:
        return self._run(self._port.mark_price(symbol))

    async def submit(self, request: OrderRequest) -> OrderReport:
        return self._run(self._port.submit(request))

    async def amend(self, request: AmendRequest) -> OrderReport:
        return self._run(self._port.amend(request))

    async def cancel(
        self, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        return self._run(self._port.cancel(symbol, client_order_id, conditional=conditional))

    async def cancel_by_venue_id(
        self, symbol: str, venue_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        return self._run(
            self._port.cancel_by_venue_id(symbol, venue_order_id, conditional=conditional)
        )

    async def cancel_all(self, symbol: str) -> None:
        self._run(self._port.cancel_all(symbol))

    async def cancel_all_conditional(self, symbol: str) -> None:
        self._run(self._port.cancel_all_conditional(symbol))

    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        return self._run(self._port.order(symbol, client_order_id, conditional=conditional))

    async def order_by_venue_id(
        self, symbol: str, venue_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        return self._run(
            self._port.order_by_venue_id(symbol, venue_order_id, conditional=conditional)
        )

    async def open_orders(self, symbol: str | None = None) -> Sequence[OrderReport]:
        return self._run(self._port.open_orders(symbol))

    async def open_conditional_orders(self, symbol: str | None = None) -> Sequence[OrderReport]:
        return self._run(self._port.open_conditional_orders(symbol))

    async def fills(
        self,
        symbol: str,
        *,
        from_trade_id: str | None = None,
        since: datetime | None = None,
        limit: int = 1000,
    ) -> Sequence[FillReport]:
        return self._run(
            self._port.fills(symbol, from_trade_id=from_trade_id, since=since, limit=limit)
        )

    async def positions(self) -> Sequence[PositionReport]:
        return self._run(self._port.positions())

    async def balances(self) -> Sequence[BalanceReport]:
        return self._run(self._port.balances())

    async def leverages(self) -> Sequence[LeverageReport]:
        return self._run(self._port.leverages())

    async def set_leverage(self, symbol: str, leverage: int) -> LeverageReport:
        return self._run(self._port.set_leverage(symbol, leverage))

    async def set_margin_mode(self, symbol: str, mode: MarginMode) -> None:
        self._run(self._port.set_margin_mode(symbol, mode))

    async def change_isolated_margin(
        self, symbol: str, amount: Decimal, position_side: PositionSide = PositionSide.BOTH
    ) -> None:
        self._run(self._port.change_isolated_margin(symbol, amount, position_side))

    async def position_mode(self) -> PositionMode:
        return self._run(self._port.position_mode())

    async def leverage_brackets(self) -> Sequence[LeverageBracket]:
        return self._run(self._port.leverage_brackets())

    async def adl_quantiles(self) -> Mapping[tuple[str, PositionSide], int]:
        return self._run(self._port.adl_quantiles())

    async def income(self, *, since: datetime, limit: int = 1000) -> Sequence[IncomeReport]:
        return self._run(self._port.income(since=since, limit=limit))

    async def arm_dead_man(self, symbol: str, countdown_ms: int) -> None:
        self._run(self._port.arm_dead_man(symbol, countdown_ms))

    def user_stream(self) -> UserStream:
        raise NotImplementedError(_NO_STREAM)

    def mark_stream(self, symbols: Sequence[str]) -> MarketStream:
        raise NotImplementedError(_NO_STREAM)


_NO_STREAM = "streams need a loop of their own: use open_exchange"


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    credential_id: int = 0
    port: BlockingPort | None = None


_slots: dict[int, _Slot] = {}
_slots_lock = threading.Lock()


def blocking_port(account_id: int) -> BlockingPort:
    """The open port of this process for the account; opened anew when its credential changed.

    Costs one small query. Must not be called inside a transaction.

    Raises:
        TradeOpsError: ACCOUNT_UNAVAILABLE without a current credential.
        SealError: when this process cannot read it.
        ExchangeError: the venue did not answer while opening; the next call tries again.
    """
    credential = current_credential(account_id)
    with _slots_lock:
        slot = _slots.setdefault(account_id, _Slot())
    with slot.lock:
        if slot.port is not None and slot.credential_id == credential.pk:
            return slot.port
        fresh = BlockingPort(_port(credential.account, credential))
        try:
            drive(fresh.open())
        except BaseException:
            drive(fresh.close())
            raise
        stale, slot.port, slot.credential_id = slot.port, fresh, credential.pk
    if stale is not None:
        drive(stale.close())
    return fresh


def close_ports() -> None:
    """Release the connections of this process; runs at its end, the next use opens them anew."""
    with _slots_lock:
        slots = list(_slots.values())
    for slot in slots:
        with slot.lock:
            port, slot.port = slot.port, None
        if port is not None:
            drive(port.close())


atexit.register(close_ports)
