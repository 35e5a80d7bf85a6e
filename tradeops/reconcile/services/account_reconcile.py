"""Compare one account with its venue and take over what the venue knows better.

Writes the journal through ingest, and nothing else but findings; never trades (F29). A read that
fails ends the run: what was healed until then stays, and no conclusion is drawn (F14).

Weight per account and minute with n symbols of interest, k of them lately traded, at the periods of
`tradeops.schedule` (binance.md §3, §5): orders 12n, strangers 80, positions 30 + 30k, balances 35,
settings 8; n = 5, k = 2: about 270 of the address's 2400. Degraded, each second: 2m + 5 for m held
symbols, and 5 for each symbol that moved.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Literal
from uuid import UUID

from django.conf import settings

from tradeops.domain.clock import Clock
from tradeops.engine.circuit import note_access_ok, note_access_refused
from tradeops.exchange.errors import ExchangeError, Unauthorized
from tradeops.exchange.port import ExchangePort
from tradeops.reconcile import selectors
from tradeops.reconcile.domain.sides import DriftKind
from tradeops.reconcile.services import reconcile_notes
from tradeops.reconcile.services.comparison import Comparison, Pause
from tradeops.reconcile.services.findings import (
    Findings,
    ReconcileResult,
    write_down,
    write_failure,
)
from tradeops.reconcile.services.money_compare import (
    compare_balances,
    compare_wallets,
    open_wallets,
    read_income,
)
from tradeops.reconcile.services.order_compare import compare_orders
from tradeops.reconcile.services.position_compare import compare_positions, compare_settings

Scope = Literal[
    "orders", "strangers", "positions", "balances", "income", "settings", "degraded", "all"
]

SCHEDULE = "schedule"
RECONNECT = "reconnect"
PAGE = 1000
NARROW_UP_TO = 20  # symbols: two lists of each weigh 2, the two lists of all weigh 80
_ORDERS = frozenset({DriftKind.ORDER, DriftKind.ORDER_MISSING})
# Whatever the account holds, these asked the venue with its key: access is proven.
_ALWAYS_SIGNED = frozenset({"strangers", "positions", "balances", "all"})
_KINDS: dict[Scope, frozenset[DriftKind]] = {
    "orders": _ORDERS,
    "strangers": _ORDERS,
    "positions": frozenset({DriftKind.POSITION}),
    "balances": frozenset({DriftKind.BALANCE, DriftKind.WALLET}),
    "income": frozenset({DriftKind.WALLET}),
    "settings": frozenset({DriftKind.POSITION_MODE}),
    "degraded": _ORDERS | {DriftKind.POSITION},
    "all": frozenset(DriftKind),
}


async def account_reconcile(
    port: ExchangePort,
    account_id: int,
    *,
    scope: Scope,
    trigger: str,
    clock: Clock,
    ids: Callable[[], UUID],
    pause: Pause,
    page: int = PAGE,
) -> ReconcileResult:
    """Run one comparison to its end; a venue that does not answer gives a result with `error`.

    `trigger` is `SCHEDULE`, `RECONNECT` or who asked. `pause` waits between single queries (F90).

    Source: reliability.md §4 "Reconcile", F13, F14, F24, F28, F90.
    """
    run_id, started_at = ids(), clock.now()
    run = Comparison(port, account_id, clock, pause, page)
    if scope == "degraded" and port.rate_state().level != "OK":
        # With many accounts degraded at once these looks would take what the periods, and the
        # questions about orders on their way, need to reach the venue at all.
        return ReconcileResult(run_id, account_id, scope, trigger, started_at, started_at)
    symbols = _symbols(account_id, scope)
    error = ""
    try:
        await compare(run, scope, symbols)
    except ExchangeError as failure:
        error = f"{type(failure).__name__}: {failure}"
        if isinstance(failure, Unauthorized):
            note_access_refused(account_id, failure.message, now=clock.now())
    result = ReconcileResult(
        run_id,
        account_id,
        scope,
        trigger,
        started_at,
        clock.now(),
        healed=run.healed,
        error=error,
        unread=frozenset(run.unread),
    )
    if error:
        write_failure(result)
        return result
    if scope in _ALWAYS_SIGNED:
        note_access_ok(account_id, now=clock.now())
    findings = Findings(_KINDS[scope], run.mismatches, run.undecided, symbols)
    result = write_down(result, findings, asked_for=trigger not in {SCHEDULE, RECONNECT})
    reconcile_notes.remember(account_id, result.finished_at)
    return result


async def compare(run: Comparison, scope: Scope, symbols: Collection[str] | None) -> None:
    """Everything that the scope compares, into `run`; raises ExchangeError where a read fails."""
    for step in _steps(run, scope, symbols):
        await step()


def _steps(
    run: Comparison, scope: Scope, symbols: Collection[str] | None
) -> list[Callable[[], Awaitable[None]]]:
    """What a scope compares, in order."""
    orders = (lambda: compare_orders(run, symbols), {"orders", "strangers", "degraded", "all"})
    positions = (
        lambda: compare_positions(run, everything=scope == "all", only_moved=scope == "degraded"),
        {"positions", "degraded", "all"},
    )
    steps: list[tuple[Callable[[], Awaitable[None]], set[str]]] = [
        (lambda: open_wallets(run), {"balances", "income", "all"}),
        orders,
        positions,
        (lambda: compare_settings(run), {"settings", "all"}),
        (lambda: compare_balances(run), {"balances", "all"}),
        (lambda: read_income(run), {"balances", "income", "all"}),
        (lambda: compare_wallets(run), {"balances", "income", "all"}),
    ]
    return [step for step, scopes in steps if scope in scopes]


def _symbols(account_id: int, scope: Scope) -> Collection[str] | None:
    """The symbols that the scope's order lists are read for; None for the lists of all."""
    if scope == "degraded":
        return selectors.held_symbols(account_id)
    if scope != "orders":
        return None
    symbols = selectors.held_symbols(account_id) | set(settings.ALLOWED_SYMBOLS)
    return symbols if len(symbols) <= NARROW_UP_TO else None
