"""`/engine`: pause, resume, halt, reconcile, rebuild. Stopping is easier than starting."""

from enum import StrEnum
from typing import Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from accounts.auth import Needs, Principal, Scope, account_for
from orders.schemas import AccountReference, Symbol
from tradeops.domain.commands import (
    DomainCommand,
    PauseEngine,
    RebuildProjection,
    ResumeEngine,
    RunReconcile,
    SetEngineMode,
)
from tradeops.domain.enums import EngineState
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.engine.api.asking import Answer, Ask, Wish, ask_of, new_key, submit
from tradeops.engine.api.routes import CONTROL_QUOTA, principal_of
from tradeops.journal.models import SYSTEM_ACCOUNT_ID
from tradeops.journal.schemas import CommandAnswer
from tradeops.kit.fields import Line, RequestSchema
from tradeops.kit.http import request_hash

router = Router(tags=["engine"])


class Verb(StrEnum):
    """What the engine can be told."""

    PAUSE = "pause"
    RESUME = "resume"
    HALT = "halt"
    RECONCILE = "reconcile"
    REBUILD = "rebuild"


class ControlIn(RequestSchema):
    """How far it goes: the desk (`all`), one account, or one symbol of an account.

    `circuit` names a symbol whose openings are held back after three refusals; it is for resume.
    """

    scope: Literal["all", "account", "symbol", "circuit"] = "account"
    account: AccountReference | None = None
    symbol: Symbol | None = None
    reason: Line = ""

    @model_validator(mode="after")
    def _consistent(self) -> "ControlIn":
        if (self.scope in {"symbol", "circuit"}) != (self.symbol is not None):
            detail = "The scopes symbol and circuit name a symbol, no other does."
            raise PydanticCustomError("scope", detail)
        if self.scope == "all" and self.account is not None:
            raise PydanticCustomError("scope", "The scope all names no account.")
        return self


def control(ask: Ask, verb: Verb, body: ControlIn) -> Answer:
    """Tell the engine.

    Raises:
        TradeOpsError: VALIDATION_ERROR where the verb needs a reason or has no such scope,
            FORBIDDEN for the whole desk without right to every account, NOT_FOUND for an account.
    """
    if verb is Verb.RESUME and not body.reason:
        raise TradeOpsError(ErrorCode.VALIDATION_ERROR, "Starting again needs a reason.")
    if verb is not Verb.RESUME and body.scope == "circuit":
        raise TradeOpsError(ErrorCode.VALIDATION_ERROR, "A circuit can only be resumed.")
    return submit(ask, Wish(_command(verb, body), _account_id(ask.principal, verb, body)))


def _command(verb: Verb, body: ControlIn) -> DomainCommand:
    symbol = body.symbol or ""
    if verb is Verb.PAUSE:
        return PauseEngine(body.scope, body.reason, symbol)
    if verb is Verb.RESUME:
        return ResumeEngine(body.scope, body.reason, symbol)
    if verb is Verb.HALT:
        return SetEngineMode(body.scope, EngineState.HALTED, body.reason, symbol)
    if verb is Verb.RECONCILE:
        return RunReconcile(body.reason)
    return RebuildProjection(apply=False, reason=body.reason)


def _account_id(principal: Principal, verb: Verb, body: ControlIn) -> int:
    whole_desk = verb is Verb.REBUILD or (body.scope == "all" and verb is not Verb.RECONCILE)
    if whole_desk:
        if principal.account_ids is not None:
            raise TradeOpsError(ErrorCode.FORBIDDEN, "You do not hold every account of the desk.")
        return SYSTEM_ACCOUNT_ID
    if verb is Verb.RECONCILE and body.scope != "account":
        raise TradeOpsError(ErrorCode.VALIDATION_ERROR, "Reconciling takes one account at a time.")
    return account_for(principal, body.account).pk


@router.post(
    "/engine/{verb}",
    auth=Needs(Scope.RISK),
    throttle=[CONTROL_QUOTA],
    response={200: CommandAnswer, 202: CommandAnswer},
)
def engine(request: HttpRequest, verb: Verb, body: ControlIn) -> HttpResponse:
    """Pause, resume or halt openings, reconcile with the venue, or check the projections."""
    principal = principal_of(request)
    body_hash = request_hash(body.model_dump(mode="json"))
    ask = ask_of(request, principal, body_hash=body_hash, key=new_key())
    return control(ask, verb, body).http()
