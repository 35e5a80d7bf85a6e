"""`/accounts`, `/balances`, and how to get a token or a ticket."""

from typing import Annotated

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from accounts.auth import (
    JWT_LIFETIME,
    TICKET_LIFETIME_S,
    Needs,
    Principal,
    Scope,
    issue_jwt,
    issue_ticket,
    readable_ids,
)
from accounts.schemas import (
    AccountList,
    AccountOut,
    BalanceList,
    BalanceOut,
    LoginIn,
    TicketOut,
    TokenOut,
)
from accounts.selectors import accounts_of, balances_of
from tradeops.domain.errors import ErrorCode
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.http import ApiError, json_response

router = Router()


def _asker(request: HttpRequest) -> Principal:
    principal: Principal = request.auth  # type: ignore[attr-defined]  # set by the guard
    return principal


@router.get("/accounts", response=AccountList, tags=["accounts"])
def list_accounts(request: HttpRequest) -> HttpResponse:
    """The accounts that you may see."""
    rows = accounts_of(_asker(request).account_ids)
    return json_response(AccountList(items=[AccountOut.of(row) for row in rows]))


@router.get("/balances", response=BalanceList, tags=["accounts"])
def list_balances(
    request: HttpRequest,
    account: Annotated[str | None, Query(pattern=r"^[a-zA-Z0-9_-]{1,40}$")] = None,
) -> HttpResponse:
    """Wallet balances, asset by asset."""
    rows = balances_of(readable_ids(_asker(request), account))
    return json_response(BalanceList(items=[BalanceOut.of(row) for row in rows]))


@router.post("/auth/token", auth=None, response=TokenOut, tags=["auth"])
def create_token(request: HttpRequest, body: LoginIn) -> HttpResponse:
    """A bearer token for 15 minutes, for an operator's name and password."""
    user = authenticate(request, username=body.username, password=body.password)
    if getattr(request, "axes_locked_out", False):
        request.axes_locked_out = False  # type: ignore[attr-defined]  # or its page replaces this
        wait_s = int(settings.AXES_COOLOFF_TIME.total_seconds())
        raise ApiError(
            ErrorCode.RATE_LIMITED,
            "Too many wrong passwords: this name is locked from your address for a while.",
            headers={"Retry-After": str(wait_s)},
        )
    if not isinstance(user, User):
        raise ApiError(
            ErrorCode.UNAUTHENTICATED,
            "Name or password is wrong.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    token = issue_jwt(user, now=SYSTEM_CLOCK.now())
    expires_in = int(JWT_LIFETIME.total_seconds())
    return json_response(TokenOut(access_token=token, expires_in=expires_in))


@router.post("/ws-ticket", auth=Needs(Scope.READ), response={201: TicketOut}, tags=["auth"])
def create_ticket(request: HttpRequest) -> HttpResponse:
    """A ticket for one websocket connection."""
    ticket = TicketOut(ticket=issue_ticket(_asker(request)), expires_in=TICKET_LIFETIME_S)
    return json_response(ticket, status=201)
