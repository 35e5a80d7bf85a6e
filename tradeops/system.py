"""`/system/limits`: what the venue still admits, as the workers that talk to it last heard."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from accounts.selectors import accounts_of
from tradeops.kit.http import json_response, reader_of
from tradeops.kit.redis_client import redis_client
from tradeops.streams.services.vitals import rate_key

router = Router(tags=["system"])


class BudgetOut(Schema):
    """Used and admitted request weight and orders of one account; null while no worker told."""

    account: str
    used_weight_1m: int | None = None
    weight_limit_1m: int | None = None
    weight_left_1m: int | None = None
    order_count_10s: int | None = None
    order_count_1m: int | None = None
    clock_offset_ms: int | None = None


class BudgetList(Schema):
    """One entry for each active account of yours."""

    items: list[BudgetOut]


@router.get("/system/limits", response=BudgetList)
def system_limits(request: HttpRequest) -> HttpResponse:
    """Used venue weight, order counts, and the budget that is left."""
    rows = list(accounts_of(reader_of(request).account_ids).filter(is_active=True))
    words = rates([row.pk for row in rows])
    items = [_budget(row.name, words.get(row.pk, {})) for row in rows]
    return json_response(BudgetList(items=items))


def rates(account_ids: list[int]) -> dict[int, dict[str, Any]]:
    """What is known of each account's venue connection; silent ones are left out.

    Raises:
        RedisError: when it cannot be asked.
    """
    texts: Any = redis_client().mget([rate_key(pk) for pk in account_ids]) if account_ids else []
    pairs = zip(account_ids, texts, strict=True)
    return {account_id: json.loads(text) for account_id, text in pairs if text}


def _budget(account: str, word: dict[str, Any]) -> BudgetOut:
    used, limit = word.get("used_weight_1m"), word.get("weight_limit_1m")
    return BudgetOut(
        account=account,
        used_weight_1m=used,
        weight_limit_1m=limit,
        weight_left_1m=max(0, limit - used) if used is not None and limit is not None else None,
        order_count_10s=word.get("order_count_10s"),
        order_count_1m=word.get("order_count_1m"),
        clock_offset_ms=word.get("clock_offset_ms"),
    )
