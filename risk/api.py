"""`/limits`: reads. A change asks the engine, which stands above: `tradeops.engine.api.limits`."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from risk.models import RiskLimit
from risk.schemas import LimitList, LimitOut
from risk.selectors import limits_of
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.kit.http import json_response, reader_of

router = Router(tags=["limits"])


@router.get("/limits", response=LimitList)
def list_limits(request: HttpRequest) -> HttpResponse:
    """Limits that bind your accounts."""
    rows = limits_of(reader_of(request).account_ids)
    return json_response(LimitList(items=[LimitOut.of(row) for row in rows]))


@router.get("/limits/{int:limit_id}", response=LimitOut)
def get_limit(request: HttpRequest, limit_id: int) -> HttpResponse:
    """One limit; its ETag goes into If-Match of a change."""
    row = own_limit(reader_of(request).account_ids, limit_id)
    return json_response(LimitOut.of(row), headers={"ETag": etag(row)})


def own_limit(account_ids: frozenset[int] | None, limit_id: int) -> RiskLimit:
    """A limit that binds these accounts.

    Raises:
        TradeOpsError: NOT_FOUND otherwise.
    """
    row = limits_of(account_ids).filter(pk=limit_id).first()
    if row is None:
        raise TradeOpsError(ErrorCode.NOT_FOUND, "There is no such limit for you.")
    return row


def etag(row: RiskLimit) -> str:
    """The version of a limit as an entity tag."""
    return f'"{row.version}"'
