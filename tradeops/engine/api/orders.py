"""`/orders` and `/fills`."""

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from accounts.auth import Needs, Principal, Scope, account_for, readable_ids
from accounts.models import ExchangeAccount
from orders.domain.validation import leaves
from orders.models import Order
from orders.requests import AmendIn, CancelAllFilter, CancelFilter, OrderIn, TradeIn
from orders.schemas import (
    FillFilter,
    FillOut,
    FillPage,
    OrderDetailOut,
    OrderFilter,
    OrderOut,
    OrderPage,
    TimelineOut,
)
from orders.selectors import fills_of, order_of, orders_of
from tradeops.domain.commands import AmendOrder, CancelAll, CancelOrder
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.engine.api.asking import Answer, Ask, Wish, ask_of, new_key, submit
from tradeops.engine.api.routes import (
    CONTROL_QUOTA,
    IDEMPOTENCY_HEADERS,
    ORDER_OR_PREVIEW_QUOTA,
    ORDER_QUOTA,
    Problem,
    principal_of,
)
from tradeops.engine.preview import preview_order
from tradeops.journal.schemas import CommandAnswer
from tradeops.journal.selectors import events_of_command
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.http import json_response, request_hash
from tradeops.kit.paging import page

router = Router(tags=["orders"])
# An opening that waited longer is not what its asker sees any more (F80); a way out stays one.
OPENING_LIVES_S = 10.0


def place_order(ask: Ask, account: ExchangeAccount, body: OrderIn | TradeIn) -> Answer:
    """Ask for an order and wait until it rests, is at its end or is refused."""
    command = body.command()
    wish = Wish(
        command=command,
        account_id=account.pk,
        account_name=account.name,
        is_order=True,
        success=201,
        lives_s=None if leaves(command) else OPENING_LIVES_S,
    )
    return submit(ask, wish)


def amend_order(ask: Ask, order: Order, body: AmendIn) -> Answer:
    """Ask for another quantity or price of a resting order; what is not given stays.

    Raises:
        TradeOpsError: VALIDATION_ERROR for an order that has no price to change.
    """
    price = body.price or order.price
    if price is None:
        raise TradeOpsError(ErrorCode.VALIDATION_ERROR, "Only a LIMIT order can be amended.")
    quantity = body.quantity or order.quantity
    wish = Wish(
        command=AmendOrder(order.pk, order.symbol, quantity, price, body.reason),
        account_id=order.account_id,
        account_name=order.account.name,
        is_order=True,
        lives_s=None if order.reduce_only else OPENING_LIVES_S,
    )
    return submit(ask, wish)


def cancel_order(ask: Ask, order: Order, *, reason: str = "") -> Answer:
    """Ask for the end of an order and wait for it."""
    wish = Wish(
        command=CancelOrder(order.pk, reason),
        account_id=order.account_id,
        account_name=order.account.name,
        is_order=True,
        may_rest=False,
    )
    return submit(ask, wish)


def cancel_all(ask: Ask, account: ExchangeAccount, symbol: str, *, reason: str = "") -> Answer:
    """Ask for the end of everything that rests or waits for a symbol, or of all ("")."""
    return submit(ask, Wish(CancelAll(symbol, reason), account.pk, account.name))


def own_order(principal: Principal, order_id: UUID) -> Order:
    """An order of the principal's accounts.

    Raises:
        TradeOpsError: NOT_FOUND, for a foreign one as well (F89).
    """
    order = order_of(principal.account_ids, order_id)
    if order is None:
        raise TradeOpsError(ErrorCode.NOT_FOUND, "There is no such order for you.")
    return order


@router.post(
    "/orders",
    auth=Needs(Scope.TRADE),
    throttle=[ORDER_OR_PREVIEW_QUOTA],
    response={201: OrderOut, 202: CommandAnswer, 422: Problem},
    openapi_extra=IDEMPOTENCY_HEADERS,
)
def create_order(
    request: HttpRequest,
    body: OrderIn,
    is_preview: Annotated[bool, Query(alias="validate")] = False,  # noqa: FBT002 - from the query
) -> HttpResponse:
    """Place an order, or with `validate=true` say what would become of it and write nothing."""
    principal = principal_of(request)
    account = account_for(principal, body.account)
    if is_preview:
        found = preview_order(account_id=account.pk, command=body.command(), now=SYSTEM_CLOCK.now())
        return json_response(found)
    ask = ask_of(request, principal, body_hash=request_hash(body.model_dump(mode="json")))
    return place_order(ask, account, body).http()


@router.get("/orders", auth=Needs(Scope.READ), response=OrderPage)
def list_orders(request: HttpRequest, asked: Query[OrderFilter]) -> HttpResponse:
    """Orders, newest first; `since` <= submitted_at < `until`."""
    rows = orders_of(
        readable_ids(principal_of(request), asked.account),
        status=[item.value for item in asked.status],
        symbol=asked.symbol,
        since=asked.since,
        until=asked.until,
    )
    found, following = page(rows, time_field="submitted_at", cursor=asked.cursor, limit=asked.limit)
    items = [OrderOut.of(order, order.account.name) for order in found]
    return json_response(OrderPage(items=items, next=following))


@router.get("/orders/{uuid:order_id}", auth=Needs(Scope.READ), response=OrderDetailOut)
def get_order(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """One order with its fills, each gate's verdict, and its events."""
    order = own_order(principal_of(request), order_id)
    fills = list(order.fills.order_by("traded_at", "trade_id"))
    events = [
        TimelineOut(
            seq=event.seq,
            type=event.type,
            actor=event.actor,
            source=event.source,
            data=event.payload,
            occurred_at=event.occurred_at,
        )
        for event in events_of_command(order.pk)
    ]
    return json_response(OrderDetailOut.detailed(order, order.account.name, fills, events))


@router.patch(
    "/orders/{uuid:order_id}",
    auth=Needs(Scope.TRADE),
    throttle=[ORDER_QUOTA],
    response={200: OrderOut, 202: CommandAnswer, 412: Problem, 422: Problem},
    openapi_extra=IDEMPOTENCY_HEADERS,
)
def patch_order(request: HttpRequest, order_id: UUID, body: AmendIn) -> HttpResponse:
    """Amend a resting LIMIT order. It goes to the end of the queue at its price."""
    principal = principal_of(request)
    order = own_order(principal, order_id)
    ask = ask_of(request, principal, body_hash=request_hash(body.model_dump(mode="json")))
    return amend_order(ask, order, body).http()


@router.delete(
    "/orders/{uuid:order_id}",
    auth=Needs(Scope.CANCEL),
    throttle=[CONTROL_QUOTA],
    response={200: OrderOut, 202: CommandAnswer, 409: Problem},
)
def delete_order(request: HttpRequest, order_id: UUID, asked: Query[CancelFilter]) -> HttpResponse:
    """Cancel an order. Its key is optional: cancelling twice is cancelling once."""
    principal = principal_of(request)
    order = own_order(principal, order_id)
    ask = ask_of(request, principal, body_hash="", key=new_key())
    return cancel_order(ask, order, reason=asked.reason).http()


@router.delete(
    "/orders",
    auth=Needs(Scope.CANCEL),
    throttle=[CONTROL_QUOTA],
    response={200: CommandAnswer, 202: CommandAnswer},
)
def delete_orders(request: HttpRequest, asked: Query[CancelAllFilter]) -> HttpResponse:
    """Cancel everything that rests or waits: of a symbol, or of a whole account."""
    principal = principal_of(request)
    account = account_for(principal, asked.account)
    symbol = asked.symbol or ""
    body_hash = request_hash({"account": account.pk, "symbol": symbol})
    ask = ask_of(request, principal, body_hash=body_hash, key=new_key())
    return cancel_all(ask, account, symbol, reason=asked.reason).http()


@router.get("/fills", auth=Needs(Scope.READ), response=FillPage)
def list_fills(request: HttpRequest, asked: Query[FillFilter]) -> HttpResponse:
    """Fills, newest first; `since` <= traded_at < `until`."""
    rows = fills_of(
        readable_ids(principal_of(request), asked.account),
        symbol=asked.symbol,
        order_id=asked.order_id,
        since=asked.since,
        until=asked.until,
    )
    found, following = page(rows, time_field="traded_at", cursor=asked.cursor, limit=asked.limit)
    items = [FillOut.of(fill, fill.account.name) for fill in found]
    return json_response(FillPage(items=items, next=following))
