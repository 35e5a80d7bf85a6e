"""`/limits`. One limit is served above, where it can be changed: `tradeops.engine.api.limits`."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from risk.schemas import LimitList, LimitOut
from risk.selectors import limits_of
from tradeops.kit.http import json_response, reader_of

router = Router(tags=["limits"])


@router.get("/limits", response=LimitList)
def list_limits(request: HttpRequest) -> HttpResponse:
    """Limits that bind your accounts."""
    rows = limits_of(reader_of(request).account_ids)
    return json_response(LimitList(items=[LimitOut.of(row) for row in rows]))
