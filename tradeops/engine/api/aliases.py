"""`/api/trade` and `/api/positions`: the seed clients' words for the same code."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from accounts.auth import Needs, Scope, account_for, readable_ids
from orders.models import Order
from orders.requests import TradeIn
from orders.selectors import average_price
from positions.schemas import PositionAlias
from positions.selectors import open_positions
from tradeops.domain.money import ZERO, plain
from tradeops.engine.api.asking import Wish, ask_of, new_key, submit
from tradeops.engine.api.orders import OPENING_LIVES_S
from tradeops.engine.api.routes import ORDER_QUOTA, Problem, principal_of
from tradeops.journal.schemas import CommandAnswer
from tradeops.kit.http import request_hash
from tradeops.market.cache import marks

router = Router(tags=["aliases"])


class TradeOut(Schema):
    """A placed order in the words of the seed clients."""

    success: bool
    orderId: str
    clientOrderId: str
    symbol: str
    side: str
    status: str
    executedQty: str
    avgPrice: str
    leverage: int | None
    commandId: str


def _trade_out(order: Order, _account_name: str) -> Mapping[str, Any]:
    return {
        "success": True,
        "orderId": order.venue_order_id,
        "clientOrderId": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side,
        "status": order.status,
        "executedQty": plain(order.filled_quantity),
        "avgPrice": plain(average_price(order) or ZERO),
        "leverage": order.leverage,
        "commandId": str(order.command_id),
    }


@router.post(
    "/trade",
    auth=Needs(Scope.TRADE),
    throttle=[ORDER_QUOTA],
    response={200: TradeOut, 202: CommandAnswer, 422: Problem},
)
def trade(request: HttpRequest, body: TradeIn) -> HttpResponse:
    """Buy or sell at the market; `amount` is margin in USDT, notional = amount x leverage.

    Without an Idempotency-Key the server makes one and says it in the answer's header of that
    name: repeating the request without it places another order.
    """
    principal = principal_of(request)
    account = account_for(principal, body.account)
    made = new_key()
    body_hash = request_hash(body.model_dump(mode="json"))
    ask = ask_of(request, principal, body_hash=body_hash, key=made)
    wish = Wish(
        command=body.command(),
        account_id=account.pk,
        account_name=account.name,
        is_order=True,
        lives_s=OPENING_LIVES_S,
        render=_trade_out,
    )
    response = submit(ask, wish).http()
    if ask.key == made:
        response["Idempotency-Key"] = made
    return response


@router.get("/positions", auth=Needs(Scope.READ), response=list[PositionAlias])
def positions(request: HttpRequest) -> list[PositionAlias]:
    """Open positions, normalised as the venue names them."""
    rows = open_positions(readable_ids(principal_of(request), None))
    prices = marks(sorted({row.symbol for row in rows}))
    return [
        PositionAlias.of(row, prices[row.symbol].mark_price if row.symbol in prices else None)
        for row in rows
    ]
