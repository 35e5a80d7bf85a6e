"""Compare wallets, the wallet equation and the position mode with the venue. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from accounts.domain.wallet import WalletEquation
from tradeops.domain.enums import PositionMode
from tradeops.domain.money import ZERO, plain
from tradeops.exchange.reports import BalanceReport, PositionReport
from tradeops.reconcile.domain.sides import DriftKind, LocalBalance, Mismatch, is_active


@dataclass(frozen=True, slots=True)
class BalanceDiff:
    """`heals` go to ingest; `mismatches` are older at the venue than here and stayed so."""

    heals: tuple[BalanceReport, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()

    @property
    def differs(self) -> bool:
        return bool(self.heals or self.mismatches)


def diff_balances(
    local: Sequence[LocalBalance], venue: Sequence[BalanceReport], *, now: datetime
) -> BalanceDiff:
    """Compare wallets. The venue's figure is taken over when it is not older than ours.

    An asset that the venue does not list says nothing (F14); one that it lists at zero and that
    was never held here is no difference. A wallet that is said to be empty all of a sudden is
    believed only when it is said often enough: its report is the remedy of a mismatch.
    """
    here = {row.asset: row for row in local}
    heals: list[BalanceReport] = []
    mismatches: list[Mismatch] = []
    for report in venue:
        row = here.get(report.asset)
        ours: Decimal = row.wallet_balance if row else ZERO
        if report.wallet_balance == ours:
            continue
        if row is None or report.updated_at >= row.updated_at:
            if row is not None and ours > 0 >= report.wallet_balance:
                mismatches.append(balance_mismatch(row, report, remedy=report))
            else:
                heals.append(report)
        elif not is_active(row.updated_at, now):
            mismatches.append(balance_mismatch(row, report))
    return BalanceDiff(tuple(heals), tuple(mismatches))


def balance_mismatch(
    row: LocalBalance, report: BalanceReport, *, remedy: BalanceReport | None = None
) -> Mismatch:
    """Both figures of a wallet as text."""
    return Mismatch(
        DriftKind.BALANCE,
        report.asset,
        {"wallet_balance": plain(row.wallet_balance)},
        {"wallet_balance": plain(report.wallet_balance)},
        local_at=row.updated_at,
        remedy=remedy,
    )


def diff_position_mode(local: PositionMode, venue: PositionMode) -> Mismatch | None:
    """Hedge or one-way: an order that is right in one is refused or wrong in the other (F74)."""
    if local is venue:
        return None
    here, there = {"position_mode": local.value}, {"position_mode": venue.value}
    return Mismatch(DriftKind.POSITION_MODE, "position_mode", here, there)


def is_absurd(report: BalanceReport | PositionReport) -> bool:
    """Whether a figure is no number: a read that says so is as good as one that failed (F14)."""
    figures = (
        (report.wallet_balance,)
        if isinstance(report, BalanceReport)
        else (report.quantity, report.entry_price)
    )
    return not all(figure.is_finite() for figure in figures)


def wallet_mismatch(equation: WalletEquation, at: datetime) -> Mismatch | None:
    """The wallet equation as a disagreement (I4); `at` is when a flow was last booked."""
    if not equation.difference:
        return None
    return Mismatch(
        DriftKind.WALLET,
        equation.asset,
        {
            "expected": plain(equation.expected),
            "opening": plain(equation.opening or ZERO),
            "realized_pnl": plain(equation.realized_pnl),
            "commission": plain(equation.commission),
            "funding": plain(equation.funding),
            "other": plain(equation.other),
        },
        {"wallet_balance": plain(equation.wallet)},
        local_at=at,
    )
