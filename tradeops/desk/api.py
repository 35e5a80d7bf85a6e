"""What the desk page asks for. The same functions as the REST API, through the desk's own door."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Path, Query
from ninja.errors import HttpError, Throttled, ValidationError

from accounts.auth import Scope, account_for
from orders.requests import OrderIn
from orders.schemas import AccountReference, Symbol
from positions.schemas import CloseIn
from tradeops.api import invalid, not_found, over_quota, refused, too_large, unreadable
from tradeops.desk.guard import OperatorSession
from tradeops.desk.snapshot import account_snapshot
from tradeops.domain.enums import Source
from tradeops.domain.errors import TradeOpsError
from tradeops.engine.api.asking import Ask, ask_of, new_key
from tradeops.engine.api.control import ControlIn, Verb, control
from tradeops.engine.api.orders import cancel_order, own_order, place_order
from tradeops.engine.api.positions import close_position
from tradeops.engine.api.routes import CONTROL_QUOTA, ORDER_QUOTA, principal_of
from tradeops.engine.preview import preview_order
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.fields import Line, RequestSchema
from tradeops.kit.http import json_response, request_hash
from tradeops.kit.json_body import StrictParser

desk_api = NinjaAPI(
    urls_namespace="desk-api",
    auth=OperatorSession(Scope.READ),
    docs_url=None,
    openapi_url=None,
    parser=StrictParser(),
)
_HANDLERS: dict[type[Exception], Any] = {
    TradeOpsError: refused,
    ValidationError: invalid,
    HttpError: unreadable,
    Throttled: over_quota,
    RequestDataTooBig: too_large,
    Http404: not_found,
}
for kind, handler in _HANDLERS.items():
    desk_api.add_exception_handler(kind, handler)


class CancelIn(RequestSchema):
    """Cancel one order."""

    reason: Line = ""


def _ask(request: HttpRequest, body: RequestSchema, *, key: str | None = None) -> Ask:
    body_hash = request_hash(body.model_dump(mode="json"))
    ask = ask_of(request, principal_of(request), body_hash=body_hash, key=key)
    return replace(ask, source=Source.DESK)


@desk_api.get("/snapshot")
def snapshot(
    request: HttpRequest, account: Annotated[AccountReference | None, Query()] = None
) -> HttpResponse:
    """What the websocket's snapshot says, for a page whose link is down."""
    return json_response(account_snapshot(account_for(principal_of(request), account).pk))


@desk_api.post("/orders", auth=OperatorSession(Scope.TRADE), throttle=[ORDER_QUOTA])
def create_order(request: HttpRequest, body: OrderIn) -> HttpResponse:
    """Place an order; the key names the operator's confirmation (F75)."""
    account = account_for(principal_of(request), body.account)
    return place_order(_ask(request, body), account, body).http()


@desk_api.post("/orders/preview", auth=OperatorSession(Scope.TRADE))
def preview(request: HttpRequest, body: OrderIn) -> HttpResponse:
    """What would become of an order; nothing is written."""
    account = account_for(principal_of(request), body.account)
    found = preview_order(account_id=account.pk, command=body.command(), now=SYSTEM_CLOCK.now())
    return json_response(found)


@desk_api.post(
    "/orders/{uuid:order_id}/cancel",
    auth=OperatorSession(Scope.CANCEL),
    throttle=[CONTROL_QUOTA],
)
def cancel(request: HttpRequest, order_id: UUID, body: CancelIn) -> HttpResponse:
    """Cancel an order."""
    order = own_order(principal_of(request), order_id)
    return cancel_order(_ask(request, body, key=new_key()), order, reason=body.reason).http()


@desk_api.post(
    "/positions/{symbol}/close", auth=OperatorSession(Scope.TRADE), throttle=[ORDER_QUOTA]
)
def close(request: HttpRequest, symbol: Annotated[Symbol, Path()], body: CloseIn) -> HttpResponse:
    """Close a position, or a fraction of it, at the market."""
    account = account_for(principal_of(request), body.account)
    return close_position(_ask(request, body), account, symbol, body).http()


@desk_api.post("/engine/{verb}", auth=OperatorSession(Scope.RISK), throttle=[CONTROL_QUOTA])
def engine(request: HttpRequest, verb: Verb, body: ControlIn) -> HttpResponse:
    """Pause, resume, halt, reconcile."""
    return control(_ask(request, body, key=new_key()), verb, body).http()
