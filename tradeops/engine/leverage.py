"""Leverage at the venue: changed only when different, remembered five minutes (R0.4)."""

from positions.models import Position
from tradeops.domain.enums import Source
from tradeops.engine.ingest import ingest
from tradeops.engine.work import Work
from tradeops.kit import sql
from tradeops.market.cache import TtlCache

LEVERAGE_TTL_S = 300.0
_known: TtlCache[tuple[int, str], int] = TtlCache(LEVERAGE_TTL_S)


def leverage_stands(account_id: int, symbol: str, leverage: int) -> bool:
    """Whether the venue is known to have this leverage: then nothing needs to be asked or set."""
    if _known.get((account_id, symbol)) != leverage:
        return False
    return _recorded(account_id, symbol) == {leverage}


async def sync_leverage(work: Work, symbol: str, leverage: int) -> None:
    """Make the venue's leverage of `symbol` equal to `leverage`. Raises ExchangeError."""
    if leverage_stands(work.account_id, symbol, leverage):
        return
    port = work.port()
    work.fence()
    report = await port.set_leverage(symbol, leverage)
    _known.put((work.account_id, symbol), report.leverage)
    if _recorded(work.account_id, symbol) != {report.leverage}:
        ingest(
            work.account_id,
            [report],
            source=Source.REST,
            actor=work.command.principal,
            now=work.clock.now(),
        )


class LeverageMoved(Exception):
    """Somebody else set another leverage meanwhile."""


def require_leverage(account_id: int, symbol: str, leverage: int) -> None:
    """Raise LeverageMoved unless the journal says so. Only under the account lock does it last."""
    if _recorded(account_id, symbol) != {leverage}:
        raise LeverageMoved(symbol)


def _recorded(account_id: int, symbol: str) -> set[int | None]:
    rows = sql.fetch(Position, "account_id = %s AND symbol = %s", [account_id, symbol])
    return {row.leverage for row in rows}


def leverage_cache_counts() -> dict[str, int]:
    """Hits and misses of this process."""
    return _known.counts()
