"""Leverage brackets of an account: asked once an hour, shared with processes that hold no key.

What is not known refuses nothing: the venue judges as well (-2027, -4028).
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import redis

from tradeops.engine.work import Work
from tradeops.exchange.errors import ExchangeError
from tradeops.exchange.reports import LeverageBracket
from tradeops.kit.redis_client import redis_client

logger = logging.getLogger(__name__)

GOOD_FOR = timedelta(hours=1)
ASK_AGAIN = timedelta(minutes=1)
Brackets = tuple[LeverageBracket, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    until: datetime
    by_symbol: dict[str, Brackets]


_known: dict[int, _Known] = {}


async def brackets_of(work: Work, symbol: str) -> Brackets:
    """Brackets of a symbol, at most an hour old; none when the venue did not tell."""
    now = work.clock.now()
    known = _known.get(work.account_id)
    if known is None or not timedelta(0) < known.until - now <= GOOD_FOR:
        known = _known[work.account_id] = await _asked(work, known, now)
    return known.by_symbol.get(symbol, ())


def forget_brackets() -> None:
    """Ask again at the next order (another venue, another run of a simulation)."""
    _known.clear()


async def _asked(work: Work, before: _Known | None, now: datetime) -> _Known:
    try:
        rows = await work.port().leverage_brackets()
    except ExchangeError as error:
        logger.warning("no leverage brackets for account %s: %s", work.account_id, error)
        return _Known(now + ASK_AGAIN, before.by_symbol if before else {})
    by_symbol: dict[str, Brackets] = {}
    for row in rows:
        by_symbol[row.symbol] = (*by_symbol.get(row.symbol, ()), row)
    _share(work.account_id, by_symbol)
    return _Known(now + GOOD_FOR, by_symbol)


def _key(account_id: int) -> str:
    return f"tradeops:brackets:{account_id}"


def _share(account_id: int, by_symbol: dict[str, Brackets]) -> None:
    fields = {symbol: _encoded(rows) for symbol, rows in by_symbol.items()}
    if not fields:
        return
    try:
        redis_client().hset(_key(account_id), mapping=fields)  # type: ignore[arg-type]  # str to str
    except redis.RedisError as error:
        logger.warning("brackets not shared: %s", type(error).__name__)


def shared_brackets(account_id: int, symbols: Sequence[str]) -> dict[str, Brackets]:
    """Brackets as a worker last heard them; symbols that nobody asked about are left out."""
    if not symbols:
        return {}
    try:
        texts = redis_client().hmget(_key(account_id), list(symbols))
    except redis.RedisError as error:
        logger.warning("brackets not read: %s", type(error).__name__)
        return {}
    return {
        symbol: _decoded(symbol, text)
        for symbol, text in zip(symbols, texts, strict=True)
        if text is not None
    }


def _encoded(rows: Brackets) -> str:
    return json.dumps(
        [
            [
                row.bracket,
                row.max_leverage,
                str(row.notional_floor),
                str(row.notional_cap),
                str(row.maintenance_rate),
                str(row.deduction),
            ]
            for row in rows
        ]
    )


def _decoded(symbol: str, text: str | bytes) -> Brackets:
    return tuple(
        LeverageBracket(
            symbol, number, leverage, Decimal(floor), Decimal(cap), Decimal(rate), Decimal(less)
        )
        for number, leverage, floor, cap, rate, less in json.loads(text)
    )
