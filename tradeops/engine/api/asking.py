"""Ask the engine for something and answer with what became of it.

REST routes, the desk's own routes and the command line all come through here: one command, one
wait, one answer, one way to treat a repeated key. Nothing here decides about an order.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse

from accounts.auth import Principal
from orders.models import Order
from orders.schemas import OrderOut
from orders.selectors import is_settled
from tradeops.domain.commands import CommandStatus, DomainCommand
from tradeops.domain.enums import OrderStatus, OrderType, Source
from tradeops.domain.errors import ErrorCode
from tradeops.journal import command_store
from tradeops.journal.command_store import Asker, Idempotency
from tradeops.journal.models import Command
from tradeops.journal.schemas import CommandAnswer, CommandOut
from tradeops.kit import sql
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.db import write_transaction
from tradeops.kit.http import (
    HTTP_STATUS,
    RETRY_AFTER_S,
    ApiError,
    json_response,
    problem,
    request_id_of,
)
from tradeops.observability.logs import log_order

DEFAULT_WAIT_S = 5.0
MAX_WAIT_S = 30.0
MAX_WAITING = 48  # of the 64 threads of a web process (tradeops.kit.asgi)
_seats = threading.BoundedSemaphore(MAX_WAITING)
_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_WAIT = re.compile(r"(?:^|,)\s*wait=(\d{1,4})\s*(?:,|$)")


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks, through which door, under which key, and for how long they wait.

    `route` (method and path) and `key` are what makes a repeated request the same one.
    """

    principal: Principal
    source: Source
    request_id: str
    route: str
    path: str
    key: str
    body_hash: str = ""
    wait_s: float = DEFAULT_WAIT_S


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, JSON-ready body and headers; `command` is the row behind it."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    command: Command | None = None

    def http(self) -> HttpResponse:
        """The answer as HTTP."""
        return json_response(self.body, status=self.status, headers=self.headers)


@dataclass(frozen=True, slots=True)
class Wish:
    """A command, for which account, and how its success reads.

    `is_order` answers with the order, as soon as it rests or is at its end (`may_rest` False:
    at its end only); `success` is the HTTP status then.
    """

    command: DomainCommand
    account_id: int
    account_name: str = ""
    is_order: bool = False
    may_rest: bool = True
    success: int = 200
    lives_s: float | None = None
    render: Callable[[Order, str], Mapping[str, Any]] = lambda order, name: OrderOut.of(
        order, name
    ).model_dump(mode="json")


def ask_of(
    request: HttpRequest, principal: Principal, *, body_hash: str, key: str | None = None
) -> Ask:
    """The ask of an API request; its key is the Idempotency-Key header, else `key`.

    Raises:
        ApiError: IDEMPOTENCY_KEY_REQUIRED without a key, VALIDATION_ERROR for an unusable one.
    """
    key = request.headers.get("Idempotency-Key") or key
    if key is None:
        raise ApiError(
            ErrorCode.IDEMPOTENCY_KEY_REQUIRED,
            "Send a new Idempotency-Key with each order, and the same one when you repeat it.",
        )
    if not is_key(key):
        raise ApiError(
            ErrorCode.VALIDATION_ERROR,
            "An Idempotency-Key is 1 to 128 visible ASCII characters.",
            errors=[{"pointer": "/header/Idempotency-Key", "code": "key", "detail": "Not a key."}],
        )
    wait = _WAIT.search(request.headers.get("Prefer", ""))
    return Ask(
        principal=principal,
        source=Source.API,
        request_id=request_id_of(request),
        route=f"{request.method} {request.path}"[:120],
        path=request.path,
        key=key,
        body_hash=body_hash,
        wait_s=min(float(wait[1]), MAX_WAIT_S) if wait else DEFAULT_WAIT_S,
    )


def is_key(text: str) -> bool:
    """Whether this can name a request: 1 to 128 visible ASCII characters."""
    return _KEY.fullmatch(text) is not None


def new_key() -> str:
    """A key for requests that may be repeated without one."""
    return uuid4().hex


def submit(ask: Ask, wish: Wish) -> Answer:
    """Enqueue, wait, answer. A repeated key answers what was answered, and asks for nothing.

    Raises:
        TradeOpsError: IDEMPOTENCY_CONFLICT for a key that was used for another request,
            IDEMPOTENCY_IN_FLIGHT while the first request has no outcome.
    """
    now = SYSTEM_CLOCK.now()
    command, is_new = command_store.enqueue(
        wish.command,
        account_id=wish.account_id,
        command_id=uuid4(),
        asker=Asker(ask.principal.name, ask.source, ask.request_id),
        now=now,
        idempotency=Idempotency(ask.key, ask.route, ask.body_hash),
        expires_at=None if wish.lives_s is None else now + timedelta(seconds=wish.lives_s),
    )
    if not is_new:
        return _replay(ask, wish, command)
    watch = _Watch(wish)
    with _seat() as may_wait:
        timeout_s = ask.wait_s if may_wait else 0.0
        command = command_store.wait(command.pk, timeout_s=timeout_s, done=watch.is_done)
    answer = _answer(ask, wish, command, watch.order)
    if wish.is_order and ask.source is not Source.CLI:
        _log(answer, command, watch.order)
    return _stored(wish, answer, watch.order)


@contextmanager
def _seat() -> Iterator[bool]:
    """Whether this request may wait: a venue that hangs must not take every thread from readers."""
    is_free = _seats.acquire(blocking=False)
    try:
        yield is_free
    finally:
        if is_free:
            _seats.release()


class _Watch:
    """Looks whether a command's outcome can be told, and keeps the order that it saw."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self.order: Order | None = None

    def is_done(self, command: Command) -> bool:
        if command.status == CommandStatus.FAILED:
            return True
        if command.status != CommandStatus.ACK:
            return False
        if not self._wish.is_order:
            return True
        self.order = sql.by_pk(Order, _order_id(command))
        if self.order is None:
            return True
        return is_settled(self.order) or (self._wish.may_rest and _rests(self.order))


def _order_id(command: Command) -> str:
    """A cancel names its order; any other command's order has the command's id."""
    return str(command.payload.get("order_id") or command.pk)


def _rests(order: Order) -> bool:
    return (
        order.order_type != OrderType.MARKET
        and order.status in (OrderStatus.ACKNOWLEDGED, OrderStatus.PARTIALLY_FILLED)
        and order.filled_quantity == order.venue_filled_quantity
    )


def _replay(ask: Ask, wish: Wish, command: Command) -> Answer:
    watch = _Watch(wish)
    if command.response_status is not None:
        answer = _kept(command)
    elif command.is_terminal and watch.is_done(command):
        answer = _stored(wish, _answer(ask, wish, command, watch.order), watch.order)
    else:
        raise ApiError(
            ErrorCode.IDEMPOTENCY_IN_FLIGHT,
            "The first request under this key has no outcome yet.",
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )
    return replace(answer, headers={**answer.headers, "Idempotent-Replayed": "true"})


def _kept(command: Command) -> Answer:
    return Answer(command.response_status or 0, command.response_body or {}, {}, command)


def _answer(ask: Ask, wish: Wish, command: Command, order: Order | None) -> Answer:
    if command.status == CommandStatus.FAILED:
        return refusal(command, ask.path)
    if command.status != CommandStatus.ACK:
        code = ErrorCode.OUTCOME_UNKNOWN.value if command.outcome_unknown else ""
        body = CommandAnswer(command=CommandOut.of(command), code=code).model_dump(mode="json")
        return Answer(202, body, {"Location": f"/api/v1/commands/{command.pk}"}, command)
    if order is not None:
        return Answer(wish.success, wish.render(order, wish.account_name), {}, command)
    body = CommandAnswer(command=CommandOut.of(command)).model_dump(mode="json")
    return Answer(wish.success, body, {}, command)


def refusal(command: Command, path: str) -> Answer:
    """A failed command as a problem, with its gates' verdicts and the venue's own words."""
    code = ErrorCode(command.code) if command.code in set(ErrorCode) else ErrorCode.INTERNAL_ERROR
    body = problem(
        code=code,
        detail=command.detail,
        instance=path,
        request_id=command.request_id,
        exchange=(command.exchange_code, command.detail) if command.exchange_code else None,
    )
    body |= {"command_id": str(command.pk), "gates": command.verdicts}
    headers = {"Retry-After": str(RETRY_AFTER_S)} if code is ErrorCode.RATE_LIMITED else {}
    return Answer(HTTP_STATUS[code], body, headers, command)


def _stored(wish: Wish, answer: Answer, order: Order | None) -> Answer:
    """Keep an answer that its rows may not give again; who comes second gives the first one's.

    Failed commands and settled orders never change (I12), so their answers are made anew, which
    spares market orders a transaction. An order that could rest looks different at every moment.
    """
    if order is None or answer.command is None:
        return answer
    if is_settled(order) and (order.order_type == OrderType.MARKET or not wish.may_rest):
        return answer
    with write_transaction():
        rows = Command.objects.filter(pk=answer.command.pk)
        is_first = rows.filter(response_status=None).update(
            response_status=answer.status, response_body=dict(answer.body)
        )
    return answer if is_first else _kept(rows.get())


def _log(answer: Answer, command: Command, order: Order | None) -> None:
    log_order(
        command_id=str(command.pk),
        symbol=command.symbol,
        side=order.side if order else str(command.payload.get("side") or ""),
        quantity=str(order.quantity) if order else "",
        status=order.status if order else command.code or command.status,
    )
