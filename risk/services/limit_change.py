"""Create or change one risk limit."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError

from accounts.models import ExchangeAccount
from risk.models import LimitMetric, RiskLimit
from tradeops.domain.enums import Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.domain.events import ConfigChanged
from tradeops.domain.money import plain
from tradeops.journal.event_store import Draft, Origin, append
from tradeops.journal.models import SYSTEM_ACCOUNT_ID
from tradeops.kit.db import write_transaction

CREATE_FIELDS = frozenset({"account_id", "symbol", "metric", "value", "is_enabled"})
CHANGE_FIELDS = frozenset({"value", "is_enabled"})
MAX_VALUE = Decimal(10) ** 12
_AMOUNT = re.compile(r"[0-9]{1,13}(\.[0-9]{1,8}0*)?")
_SYMBOL = re.compile(r"[A-Z0-9]{2,32}")


def change_limit(
    *,
    limit_id: int | None,
    changes: Mapping[str, Any],
    actor: str,
    source: Source,
    reason: str,
    now: datetime,
    expected_version: int | None = None,
) -> RiskLimit:
    """Apply `changes` to a limit, or create one when `limit_id` is None; journals ConfigChanged.

    A new limit takes `metric` and `value` (USDT, > 0), and may take `account_id` (None: all
    accounts), `symbol` ("": all symbols) and `is_enabled`. Of an existing one only `value` and
    `is_enabled` change; its scope is its identity. Nothing is written when nothing changes.

    Raises:
        TradeOpsError: VALIDATION_ERROR (`details` names the field), NOT_FOUND, or
            PRECONDITION_FAILED when the limit is no longer at `expected_version`.

    Source: requirements R1.3; the row and its event share one transaction (D3).
    """
    wanted = validated(changes, CREATE_FIELDS if limit_id is None else CHANGE_FIELDS)
    old: dict[str, Any] = {}
    try:
        with write_transaction():
            if limit_id is None:
                limit = _created(wanted, actor, now)
            else:
                limit, old = _changed(limit_id, wanted, actor, now, expected_version)
            new = _as_json(limit)
            if new != old:
                event = ConfigChanged(
                    "risk_limit", str(limit.pk), limit.version, old=old, new=new, reason=reason
                )
                chain = limit.account_id or SYSTEM_ACCOUNT_ID
                append(chain, [Draft(event, now)], Origin(actor, source, now))
    except IntegrityError as error:
        raise _invalid("metric", "This scope has such a limit already.") from error
    return limit


def validated(changes: Mapping[str, Any], admitted: frozenset[str]) -> dict[str, Any]:
    """The changes with their types, checked field by field; only `admitted` ones may be named.

    Raises:
        TradeOpsError: VALIDATION_ERROR; `details["field"]` names the first that does not fit.
    """
    for name in changes:
        if name not in admitted:
            raise _invalid(name, f"{name} cannot be set here.")
    wanted = dict(changes)
    if "value" in wanted:
        wanted["value"] = _amount(wanted["value"])
    if "metric" in wanted and wanted["metric"] not in LimitMetric.values:
        raise _invalid("metric", f"The metric is one of {', '.join(LimitMetric.values)}.")
    if "is_enabled" in wanted and not isinstance(wanted["is_enabled"], bool):
        raise _invalid("is_enabled", "is_enabled is true or false.")
    symbol = wanted.get("symbol", "")
    if symbol != "" and not (isinstance(symbol, str) and _SYMBOL.fullmatch(symbol)):
        raise _invalid("symbol", "A symbol is upper-case letters and digits, such as BTCUSDT.")
    return wanted


def _created(wanted: dict[str, Any], actor: str, now: datetime) -> RiskLimit:
    for name in ("metric", "value"):
        if name not in wanted:
            raise _invalid(name, f"A new limit needs {name}.")
    account_id = wanted.get("account_id")
    if account_id is not None and not ExchangeAccount.objects.filter(pk=account_id).exists():
        raise _invalid("account_id", "There is no such account.")
    return RiskLimit.objects.create(**wanted, updated_at=now, updated_by=actor)


def _changed(
    limit_id: int, wanted: dict[str, Any], actor: str, now: datetime, expected: int | None
) -> tuple[RiskLimit, dict[str, Any]]:
    limit = RiskLimit.objects.select_for_update().filter(pk=limit_id).first()
    if limit is None:
        raise TradeOpsError(ErrorCode.NOT_FOUND, f"There is no limit {limit_id}.")
    if expected is not None and limit.version != expected:
        raise TradeOpsError(
            ErrorCode.PRECONDITION_FAILED,
            f"The limit is at version {limit.version}, not {expected}: somebody changed it.",
            details={"version": str(limit.version)},
        )
    old = _as_json(limit)
    for name, value in wanted.items():
        setattr(limit, name, value)
    if _as_json(limit) != old:
        limit.version += 1
        limit.updated_at = now
        limit.updated_by = actor
        limit.save()
    return limit, old


def _amount(value: Decimal | str) -> Decimal:
    # Decimal() itself takes exponents, underscores and digits of every script (F86).
    text = value if isinstance(value, str) else format(value, "f")
    if not _AMOUNT.fullmatch(text) or not 0 < Decimal(text) <= MAX_VALUE:
        raise _invalid(
            "value", "The value is above 0, at most 1000000000000 USDT, with up to 8 decimals."
        )
    return Decimal(text)


def _invalid(name: str, detail: str) -> TradeOpsError:
    return TradeOpsError(ErrorCode.VALIDATION_ERROR, detail, details={"field": name})


def _as_json(limit: RiskLimit) -> dict[str, Any]:
    return {
        "account_id": limit.account_id,
        "symbol": limit.symbol,
        "metric": str(limit.metric),
        "value": plain(limit.value),
        "is_enabled": limit.is_enabled,
    }
