"""`/drifts`: both sides with the evidence, and what a person decides about them."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from accounts.auth import Needs, Principal, Scope, readable_ids
from tradeops.domain.commands import ResolveDrift
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.engine.api.asking import Answer, Ask, Wish, ask_of, submit
from tradeops.engine.api.routes import CONTROL_QUOTA, principal_of
from tradeops.journal.schemas import CommandAnswer
from tradeops.kit.http import json_response, request_hash
from tradeops.kit.paging import page
from tradeops.reconcile.domain.sides import DriftKind, symbol_of
from tradeops.reconcile.models import Drift
from tradeops.reconcile.schemas import DecisionIn, DriftFilter, DriftOut, DriftPage
from tradeops.reconcile.selectors import drifts_of

router = Router(tags=["drifts"])


def drift_for(principal: Principal, drift_id: UUID) -> Drift:
    """One drift of the principal's accounts.

    Raises:
        TradeOpsError: NOT_FOUND for one that is not there or not theirs (F89).
    """
    found = drifts_of(principal.account_ids).filter(pk=drift_id).first()
    if found is None:
        raise TradeOpsError(ErrorCode.NOT_FOUND, "There is no such drift for you.")
    return found


def decide(ask: Ask, drift: Drift, body: DecisionIn) -> Answer:
    """Ask for a decision to be carried out."""
    symbol = symbol_of(DriftKind(drift.kind), drift.subject)
    command = ResolveDrift(drift.pk, body.decision, body.reason, symbol)
    return submit(ask, Wish(command, drift.account_id))


@router.get("/drifts", response=DriftPage)
def list_drifts(request: HttpRequest, asked: Query[DriftFilter]) -> HttpResponse:
    """Where this side and the venue differ, the newest sighting first."""
    rows = drifts_of(readable_ids(principal_of(request), asked.account))
    rows = rows.filter(status__in=asked.status.statuses)
    found, following = page(rows, time_field="last_seen_at", cursor=asked.cursor, limit=asked.limit)
    return json_response(DriftPage(items=[DriftOut.of(row) for row in found], next=following))


@router.get("/drifts/{uuid:drift_id}", response=DriftOut)
def get_drift(request: HttpRequest, drift_id: UUID) -> HttpResponse:
    """Both sides, and what was read when."""
    return json_response(DriftOut.of(drift_for(principal_of(request), drift_id)))


@router.post(
    "/drifts/{uuid:drift_id}/resolve",
    auth=Needs(Scope.RISK),
    throttle=[CONTROL_QUOTA],
    response={200: CommandAnswer, 202: CommandAnswer},
)
def resolve(request: HttpRequest, drift_id: UUID, body: DecisionIn) -> HttpResponse:
    """Adopt, ignore, flatten or rebuild, with a reason; needs an Idempotency-Key."""
    principal = principal_of(request)
    drift = drift_for(principal, drift_id)
    ask = ask_of(request, principal, body_hash=request_hash(body.model_dump(mode="json")))
    return decide(ask, drift, body).http()
