"""What a handler gets, and how it ends a command."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import ExchangeAccount
from tradeops.domain.clock import Clock
from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import Source
from tradeops.domain.errors import ErrorCode
from tradeops.engine.circuit import judge_refusal
from tradeops.engine.ledger import AccountLedger, account_ledger
from tradeops.exchange.errors import (
    ExchangeError,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
)
from tradeops.exchange.port import ExchangePort
from tradeops.journal.command_store import Claim, LostClaim, completed
from tradeops.journal.command_store import fence as fence_claim
from tradeops.journal.event_store import Origin
from tradeops.journal.models import Command
from tradeops.kit import sql

PortOf = Callable[[int], ExchangePort]


@dataclass(frozen=True, slots=True)
class Work:
    """One claimed command with the tools to carry it out."""

    held: Claim
    clock: Clock
    port_of: PortOf

    @property
    def command(self) -> Command:
        return self.held.command

    @property
    def account_id(self) -> int:
        return self.command.account_id

    def account(self) -> ExchangeAccount:
        """The account; raises ExchangeAccount.DoesNotExist for the desk itself."""
        account = sql.by_pk(ExchangeAccount, self.account_id)
        if account is None:
            raise ExchangeAccount.DoesNotExist(self.account_id)
        return account

    def port(self) -> ExchangePort:
        return self.port_of(self.account_id)

    def fence(self) -> None:
        """Raise LostClaim unless the command is still this worker's, as of the open transaction.

        To be called before a venue call that changes something while the command is NEW, and
        before writing what follows from the command and not from a report (I11).
        """
        fence_claim(self.held)

    def origin(self, now: datetime) -> Origin:
        """Events of this command: acted by the asker, caused by the command."""
        command = self.command
        return Origin(command.principal, Source(command.source), now, command.pk, command.pk)


def finish(
    ledger: AccountLedger,
    command: Command,
    status: CommandStatus,
    *,
    now: datetime,
    code: str = "",
    detail: str = "",
    exchange_code: int = 0,
    result: dict[str, Any] | None = None,
    verdicts: list[dict[str, Any]] | None = None,
    next_query_at: datetime | None = None,
) -> bool:
    """Make a command terminal inside an open ledger; False when it was already, or is not ours.

    `next_query_at` puts it on the watch list (`engine.lost`).
    """
    draft = completed(
        command,
        status,
        now=now,
        code=code,
        detail=detail,
        exchange_code=exchange_code,
        result=result,
        verdicts=verdicts,
        next_query_at=next_query_at,
    )
    if draft is None:
        return False
    ledger.emit(draft)
    if exchange_code:
        judge_refusal(ledger, command, exchange_code, detail)
    return True


def conclude(
    ledger: AccountLedger,
    work: Work,
    status: CommandStatus,
    *,
    code: str = "",
    detail: str = "",
    result: dict[str, Any] | None = None,
    verdicts: list[dict[str, Any]] | None = None,
) -> None:
    """`finish` what this worker has just done in the same transaction, or undo that, too.

    Raises:
        LostClaim: another worker has claimed or ended the command.
    """
    ended = finish(
        ledger,
        work.command,
        status,
        now=ledger.origin.now,
        code=code,
        detail=detail,
        result=result,
        verdicts=verdicts,
    )
    if not ended:
        raise LostClaim(str(work.command.pk))


def acknowledge(work: Work, result: dict[str, Any] | None = None) -> None:
    """End the command well, in a transaction of its own or the caller's. Raises LostClaim."""
    with account_ledger(work.account_id, work.origin(work.clock.now())) as ledger:
        conclude(ledger, work, CommandStatus.ACK, result=result)


def fail(work: Work, code: ErrorCode, detail: str, *, exchange_code: int = 0) -> None:
    """End the command with a refusal, in a transaction of its own."""
    now = work.clock.now()
    with account_ledger(work.account_id, work.origin(now)) as ledger:
        finish(
            ledger,
            work.command,
            CommandStatus.FAILED,
            now=now,
            code=code,
            detail=detail,
            exchange_code=exchange_code,
        )


def code_of(error: ExchangeError) -> ErrorCode:
    """Our code for a venue error that proves that nothing was done."""
    if isinstance(error, Throttled):
        return ErrorCode.RATE_LIMITED
    if isinstance(error, Unauthorized):
        return ErrorCode.ACCOUNT_UNAVAILABLE
    if isinstance(error, Unavailable):
        return ErrorCode.VENUE_UNAVAILABLE
    if isinstance(error, Rejected):
        return _VENUE_CODES.get(error.code, ErrorCode.VENUE_REJECTED)
    return ErrorCode.OUTCOME_UNKNOWN


# Refusals of the venue that have a name of their own here (binance.md §7).
_VENUE_CODES = {
    -2018: ErrorCode.INSUFFICIENT_BALANCE,
    -2019: ErrorCode.INSUFFICIENT_BALANCE,
    -2021: ErrorCode.PRICE_OUT_OF_RANGE,  # a stop that would trigger at once
    -2027: ErrorCode.LEVERAGE_OUT_OF_RANGE,  # the position would leave its bracket
    -4051: ErrorCode.INSUFFICIENT_BALANCE,
    -4061: ErrorCode.POSITION_MODE,
    -4130: ErrorCode.STOP_EXISTS,
    -4164: ErrorCode.MIN_NOTIONAL_VIOLATION,
    -4028: ErrorCode.LEVERAGE_OUT_OF_RANGE,
    -1111: ErrorCode.PRECISION_VIOLATION,
    -4003: ErrorCode.MIN_QTY_VIOLATION,
}
