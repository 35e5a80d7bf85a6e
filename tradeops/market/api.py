"""`/instruments`. The guard is the API's own: every route without one asks for the scope read."""

from typing import Annotated

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from tradeops.kit.http import json_response
from tradeops.market.models import Instrument
from tradeops.market.schemas import InstrumentList, InstrumentOut

router = Router(tags=["market"])


@router.get("/instruments", response=InstrumentList)
def list_instruments(
    request: HttpRequest,
    symbol: Annotated[str | None, Query(pattern=r"^[A-Z0-9_]{2,32}$")] = None,
) -> HttpResponse:
    """Contracts with their filters, and whether this desk trades them."""
    rows = Instrument.objects.order_by("venue", "symbol")
    if symbol is not None:
        rows = rows.filter(symbol=symbol)
    items = [
        InstrumentOut.of(row, is_allowed=row.symbol in settings.ALLOWED_SYMBOLS) for row in rows
    ]
    return json_response(InstrumentList(items=items))
