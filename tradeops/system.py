"""`/system/limits`: what the venue still admits, as the workers that talk to it last heard."""

import json
from collections import defaultdict
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from accounts.selectors import accounts_of
from tradeops.kit.http import json_response, reader_of
from tradeops.kit.redis_client import redis_client
from tradeops.streams.domain.feed_health import FeedState
from tradeops.streams.models import DeadMan, FeedHealth
from tradeops.streams.services.vitals import rate_key

router = Router(tags=["system"])


class BudgetOut(Schema):
    """Used and admitted request weight and orders of one account; null while no worker told.

    `level` is OK, WARN, SLOW, STOP, or BLOCKED while the venue told us to stay away. `feed` is
    HEALTHY, DEGRADED (openings wait) or SAFE. `dead_man_symbols` have a countdown running at the
    venue; conditional orders are not assumed to be covered by it.
    """

    account: str
    used_weight_1m: int | None = None
    weight_limit_1m: int | None = None
    weight_left_1m: int | None = None
    order_count_10s: int | None = None
    order_count_1m: int | None = None
    clock_offset_ms: int | None = None
    level: str | None = None
    feed: str
    dead_man_symbols: list[str]


class BudgetList(Schema):
    """One entry for each active account of yours."""

    items: list[BudgetOut]


@router.get("/system/limits", response=BudgetList)
def system_limits(request: HttpRequest) -> HttpResponse:
    """Used venue weight, order counts, and the budget that is left."""
    rows = list(accounts_of(reader_of(request).account_ids).filter(is_active=True))
    ids = [row.pk for row in rows]
    words = rates(ids)
    feeds = dict(FeedHealth.objects.filter(pk__in=ids).values_list("pk", "state"))
    armed = _armed(ids)
    items = [
        _budget(
            row.name,
            words.get(row.pk, {}),
            feed=feeds.get(row.pk, FeedState.DEGRADED.value),
            armed=armed[row.pk],
        )
        for row in rows
    ]
    return json_response(BudgetList(items=items))


def _armed(account_ids: list[int]) -> dict[int, list[str]]:
    rows = DeadMan.objects.filter(account_id__in=account_ids).order_by("symbol")
    armed: dict[int, list[str]] = defaultdict(list)
    for account_id, symbol in rows.values_list("account_id", "symbol"):
        armed[account_id].append(symbol)
    return armed


def rates(account_ids: list[int]) -> dict[int, dict[str, Any]]:
    """What is known of each account's venue connection; silent ones are left out.

    Raises:
        RedisError: when it cannot be asked.
    """
    texts: Any = redis_client().mget([rate_key(pk) for pk in account_ids]) if account_ids else []
    pairs = zip(account_ids, texts, strict=True)
    return {account_id: json.loads(text) for account_id, text in pairs if text}


def _budget(account: str, word: dict[str, Any], *, feed: str, armed: list[str]) -> BudgetOut:
    used, limit = word.get("used_weight_1m"), word.get("weight_limit_1m")
    return BudgetOut(
        account=account,
        used_weight_1m=used,
        weight_limit_1m=limit,
        weight_left_1m=max(0, limit - used) if used is not None and limit is not None else None,
        order_count_10s=word.get("order_count_10s"),
        order_count_1m=word.get("order_count_1m"),
        clock_offset_ms=word.get("clock_offset_ms"),
        level=word.get("level"),
        feed=feed,
        dead_man_symbols=armed,
    )
