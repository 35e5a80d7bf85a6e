"""`/positions`: what is held, and how to close it."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from accounts.auth import Needs, Scope, account_for, readable_ids
from accounts.models import ExchangeAccount
from orders.schemas import AccountReference, AllowedSymbol, OrderOut, Symbol
from positions.schemas import (
    CloseIn,
    LeverageIn,
    MarginIn,
    MarginModeIn,
    PositionList,
    PositionOut,
)
from positions.selectors import open_positions
from tradeops.domain.commands import (
    ChangeIsolatedMargin,
    ClosePosition,
    SetLeverage,
    SetMarginMode,
)
from tradeops.domain.enums import MarginMode
from tradeops.engine.api.asking import Answer, Ask, Wish, ask_of, new_key, submit
from tradeops.engine.api.routes import (
    CONTROL_QUOTA,
    IDEMPOTENCY_HEADERS,
    ORDER_QUOTA,
    Problem,
    principal_of,
)
from tradeops.journal.schemas import CommandAnswer
from tradeops.kit.http import json_response, request_hash
from tradeops.market.cache import marks

router = Router(tags=["positions"])


def close_position(ask: Ask, account: ExchangeAccount, symbol: str, body: CloseIn) -> Answer:
    """Ask for the end, or a share of the end, of a position and wait for its order."""
    wish = Wish(
        command=ClosePosition(symbol, body.fraction, body.reason),
        account_id=account.pk,
        account_name=account.name,
        is_order=True,
        success=201,
    )
    return submit(ask, wish)


def set_leverage(ask: Ask, account: ExchangeAccount, symbol: str, leverage: int) -> Answer:
    """Ask for another leverage of a symbol."""
    return submit(ask, Wish(SetLeverage(symbol, leverage), account.pk, account.name))


def set_margin_mode(ask: Ask, account: ExchangeAccount, symbol: str, mode: MarginMode) -> Answer:
    """Ask for another margin mode of a symbol."""
    return submit(ask, Wish(SetMarginMode(symbol, mode), account.pk, account.name))


def change_margin(ask: Ask, account: ExchangeAccount, symbol: str, body: MarginIn) -> Answer:
    """Ask for more or less margin in an isolated position."""
    command = ChangeIsolatedMargin(symbol, body.signed_amount(), body.position_side)
    return submit(ask, Wish(command, account.pk, account.name))


@router.get("/positions", auth=Needs(Scope.READ), response=PositionList)
def list_positions(
    request: HttpRequest,
    account: Annotated[AccountReference | None, Query()] = None,
    symbol: Annotated[Symbol | None, Query()] = None,
) -> HttpResponse:
    """Open positions with their mark price and unrealised profit."""
    rows = open_positions(readable_ids(principal_of(request), account), symbol=symbol)
    prices = marks(sorted({row.symbol for row in rows}))
    items = [
        PositionOut.of(row, prices[row.symbol].mark_price if row.symbol in prices else None)
        for row in rows
    ]
    return json_response(PositionList(items=items))


@router.post(
    "/positions/{symbol}/close",
    auth=Needs(Scope.TRADE),
    throttle=[ORDER_QUOTA],
    response={201: OrderOut, 202: CommandAnswer, 404: Problem},
    openapi_extra=IDEMPOTENCY_HEADERS,
)
def close(request: HttpRequest, symbol: Annotated[Symbol, Path()], body: CloseIn) -> HttpResponse:
    """Close a position, or a fraction of it, at the market."""
    principal = principal_of(request)
    account = account_for(principal, body.account)
    ask = ask_of(request, principal, body_hash=request_hash(body.model_dump(mode="json")))
    return close_position(ask, account, symbol, body).http()


@router.post(
    "/positions/{symbol}/leverage",
    auth=Needs(Scope.TRADE),
    throttle=[CONTROL_QUOTA],
    response={200: CommandAnswer, 202: CommandAnswer, 422: Problem},
)
def leverage(
    request: HttpRequest, symbol: Annotated[AllowedSymbol, Path()], body: LeverageIn
) -> HttpResponse:
    """Set the leverage of a symbol; doing it twice changes nothing."""
    principal = principal_of(request)
    account = account_for(principal, body.account)
    body_hash = request_hash(body.model_dump(mode="json"))
    ask = ask_of(request, principal, body_hash=body_hash, key=new_key())
    return set_leverage(ask, account, symbol, body.leverage).http()


@router.post(
    "/positions/{symbol}/margin-type",
    auth=Needs(Scope.TRADE),
    throttle=[CONTROL_QUOTA],
    response={200: CommandAnswer, 202: CommandAnswer, 412: Problem},
)
def margin_type(
    request: HttpRequest, symbol: Annotated[AllowedSymbol, Path()], body: MarginModeIn
) -> HttpResponse:
    """Set cross or isolated margin of a symbol without position and open orders."""
    principal = principal_of(request)
    account = account_for(principal, body.account)
    body_hash = request_hash(body.model_dump(mode="json"))
    ask = ask_of(request, principal, body_hash=body_hash, key=new_key())
    return set_margin_mode(ask, account, symbol, body.margin_mode).http()


@router.post(
    "/positions/{symbol}/margin",
    auth=Needs(Scope.TRADE),
    throttle=[ORDER_QUOTA],
    response={200: CommandAnswer, 202: CommandAnswer, 404: Problem, 504: Problem},
    openapi_extra=IDEMPOTENCY_HEADERS,
)
def margin(request: HttpRequest, symbol: Annotated[Symbol, Path()], body: MarginIn) -> HttpResponse:
    """Add margin to an isolated position, or take some out. The key keeps it from moving twice."""
    principal = principal_of(request)
    account = account_for(principal, body.account)
    ask = ask_of(request, principal, body_hash=request_hash(body.model_dump(mode="json")))
    return change_margin(ask, account, symbol, body).http()
