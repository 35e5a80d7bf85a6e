"""The adapter on a paper venue in this process, and the requests that the tests vary."""

from collections.abc import Coroutine
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from tests.support.paper_in_process import START, PaperInProcess
from tradeops.domain.enums import OrderType, Side, TimeInForce, WorkingType
from tradeops.exchange.errors import Rejected
from tradeops.exchange.port import OrderRequest
from tradeops.exchange.reports import OrderReport, StreamItem
from tradeops.kit.portal import drive

if TYPE_CHECKING:
    from tradeops.exchange.binance.adapter import BinanceUsdmAdapter

T = TypeVar("T")

LONG = OrderRequest("BTCUSDT", "ae-long", Side.BUY, OrderType.MARKET, Decimal("0.010"), START)
LIMIT = replace(
    LONG,
    client_order_id="ae-limit",
    order_type=OrderType.LIMIT,
    price=Decimal(59_000),
    time_in_force=TimeInForce.GTC,
)
STOP = replace(
    LONG,
    client_order_id="ae-stop",
    side=Side.SELL,
    order_type=OrderType.STOP_MARKET,
    reduce_only=True,
    trigger_price=Decimal(58_000),
    working_type=WorkingType.MARK_PRICE,
)


class Trader:
    """The adapter on the venue; `do` stamps requests and runs a call to its end."""

    def __init__(self) -> None:
        self.paper = PaperInProcess()
        self.port: BinanceUsdmAdapter = self.paper.adapter()

    def do(self, call: Coroutine[Any, Any, T]) -> T:
        return drive(call)

    def submit(self, request: OrderRequest) -> OrderReport:
        return drive(self.port.submit(replace(request, signed_at=self.paper.clock.now())))

    def stop_view(self, client_order_id: str = "ae-stop") -> OrderReport:
        return drive(self.port.order("BTCUSDT", client_order_id, conditional=True))

    def refused(self, request: OrderRequest) -> int:
        with pytest.raises(Rejected) as failure:
            self.submit(request)
        return failure.value.code


def of(items: list[StreamItem], client_order_id: str) -> list[OrderReport]:
    return [
        item
        for item in items
        if isinstance(item, OrderReport) and item.client_order_id == client_order_id
    ]
