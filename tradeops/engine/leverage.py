"""Leverage at the venue: changed only when different, remembered five minutes (R0.4)."""

from positions.models import Position
from tradeops.domain.enums import Source
from tradeops.engine.ingest import ingest
from tradeops.engine.work import Work
from tradeops.market.cache import TtlCache

LEVERAGE_TTL_S = 300.0
_known: TtlCache[tuple[int, str], int] = TtlCache(LEVERAGE_TTL_S)


async def sync_leverage(work: Work, symbol: str, leverage: int) -> None:
    """Make the venue's leverage of `symbol` equal to `leverage`. Raises ExchangeError."""
    key = (work.account_id, symbol)
    recorded = _recorded(work.account_id, symbol)
    if _known.get(key) == leverage and recorded == {leverage}:
        return
    report = await work.port().set_leverage(symbol, leverage)
    _known.put(key, report.leverage)
    if recorded != {report.leverage}:
        ingest(
            work.account_id,
            [report],
            source=Source.REST,
            actor=work.command.principal,
            now=work.clock.now(),
        )


def _recorded(account_id: int, symbol: str) -> set[int | None]:
    rows = Position.objects.filter(account_id=account_id, symbol=symbol)
    return set(rows.values_list("leverage", flat=True))


def leverage_cache_counts() -> dict[str, int]:
    """Hits and misses of this process."""
    return _known.counts()
