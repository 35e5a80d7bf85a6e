"""Journal → Position rows."""

from datetime import datetime

from orders.models import Fill
from positions.domain.accounting import Execution, Leg, book, book_all
from positions.models import Adjustment, Position
from tradeops.domain.enums import PositionSide, Side
from tradeops.domain.events import PositionAdjusted, PositionChanged, TradeExecuted
from tradeops.domain.money import ZERO
from tradeops.journal.event_store import Stored
from tradeops.kit.rows import Rows

MODELS = (Position, Adjustment)


def position_id(account_id: int, symbol: str, position_side: PositionSide) -> str:
    """Row id of a leg: `1:BTCUSDT:BOTH`."""
    return f"{account_id}:{symbol}:{position_side}"


def apply(stored: Stored, rows: Rows) -> None:
    """Bring the rows to where the event says; must run after the orders' projection."""
    event = stored.event
    if isinstance(event, TradeExecuted):
        _executed(stored.account_id, event, rows)
    elif isinstance(event, PositionChanged):
        _changed(stored.account_id, event, rows)
    elif isinstance(event, PositionAdjusted):
        _adjusted(stored.account_id, event, rows)


def _executed(account_id: int, event: TradeExecuted, rows: Rows) -> None:
    position = _leg_row(account_id, event.symbol, event.position_side, event.traded_at, rows)
    execution = Execution(
        int(event.trade_id), event.side, event.price, event.quantity, event.traded_at
    )
    if execution.trade_id > position.last_trade_id:
        leg = book(Leg(position.quantity, position.entry_price, position.opened_at), execution)
        position.last_trade_id = execution.trade_id
    else:
        leg = _rebook(position, rows)
    _set_leg(position, leg)
    position.realized_pnl += event.realized_pnl
    position.commission += event.commission
    position.updated_at = max(position.updated_at, event.traded_at)
    rows.put(position)


def _set_leg(position: Position, leg: Leg) -> None:
    position.quantity = leg.quantity
    position.entry_price = leg.entry_price
    position.opened_at = leg.opened_at


def _rebook(position: Position, rows: Rows) -> Leg:
    """What comes late changes the average price of everything after it: book the leg again."""
    leg = {
        "account_id": position.account_id,
        "symbol": position.symbol,
        "position_side": position.position_side,
    }
    executions = [
        Execution(fill.trade_id, Side(fill.side), fill.price, fill.quantity, fill.traded_at)
        for fill in rows.select(Fill, **leg)
    ]
    if position.adjusted_until is not None:
        found = sorted(rows.select(Adjustment, **leg), key=lambda row: (row.adjusted_at, row.pk))
        executions += [
            Execution(
                row.after_trade_id,
                Side.BUY if row.remaining > 0 else Side.SELL,
                row.entry_price,
                abs(row.remaining),
                row.adjusted_at,
                rank,
            )
            for rank, row in enumerate(found, start=1)
            if row.remaining
        ]
    return book_all(executions)


def _adjusted(account_id: int, event: PositionAdjusted, rows: Rows) -> None:
    position = _leg_row(account_id, event.symbol, event.position_side, event.adjusted_at, rows)
    if event.reverses is None:
        adjustment = Adjustment(
            id=event.adjustment_id,
            account_id=account_id,
            drift_id=event.drift_id,
            symbol=event.symbol,
            position_side=event.position_side,
            quantity=event.quantity,
            remaining=event.quantity,
            entry_price=event.entry_price,
            after_trade_id=position.last_trade_id,
            adjusted_at=event.adjusted_at,
        )
        position.adjusted_until = max(
            position.adjusted_until or event.adjusted_at, event.adjusted_at
        )
    else:
        known = rows.get(Adjustment, event.reverses)
        if known is None:
            raise LookupError(f"reversal of unknown adjustment {event.reverses}")
        adjustment = known
        adjustment.remaining += event.quantity
    rows.put(adjustment)
    position.adjusted_quantity += event.quantity
    _set_leg(position, _rebook(position, rows))
    position.updated_at = max(position.updated_at, event.adjusted_at)
    rows.put(position)


def _changed(account_id: int, event: PositionChanged, rows: Rows) -> None:
    position = _leg_row(account_id, event.symbol, event.position_side, event.updated_at, rows)
    if event.leverage is not None:
        position.leverage = event.leverage
    if event.margin_mode is not None:
        position.margin_mode = event.margin_mode
    if event.isolated_margin is not None:
        position.isolated_margin = event.isolated_margin
    if event.adl_quantile is not None:
        position.adl_quantile = event.adl_quantile
    position.updated_at = max(position.updated_at, event.updated_at)
    rows.put(position)


def _leg_row(
    account_id: int, symbol: str, position_side: PositionSide, at: datetime, rows: Rows
) -> Position:
    row_id = position_id(account_id, symbol, position_side)
    return rows.get(Position, row_id) or Position(
        id=row_id,
        account_id=account_id,
        symbol=symbol,
        position_side=position_side,
        quantity=ZERO,
        entry_price=ZERO,
        realized_pnl=ZERO,
        commission=ZERO,
        adjusted_quantity=ZERO,
        updated_at=at,
    )
