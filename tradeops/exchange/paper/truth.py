"""The venue's own books as `GET /paper/truth` shows them, for tests to compare against."""

from datetime import UTC, datetime
from typing import Any

from tradeops.exchange.paper.algo_orders import AlgoOrder
from tradeops.exchange.paper.amounts import text
from tradeops.exchange.paper.ledger import QUOTE, Account, Income, Position
from tradeops.exchange.paper.orders import Fill, Order, Rejected
from tradeops.exchange.paper.venue import Member, Venue
from tradeops.exchange.paper.wire.auth import KeyRing


def truth(venue: Venue, keys: KeyRing, account: str | None = None) -> dict[str, Any]:
    """All accounts, or one, with every order ever received."""
    return {
        "accounts": [
            _account_row(venue, member, keys)
            for name, member in venue.members.items()
            if account in (None, "", name)
        ]
    }


def order_fact(order: Order) -> dict[str, Any]:
    """An order as the truth tells it."""
    return {
        "client_order_id": order.client_order_id,
        "order_id": order.order_id,
        "received_at": _moment(order.created_ms),
        "received_ms": order.created_ms,
        "updated_ms": order.updated_ms,
        "status": order.status,
        "symbol": order.symbol,
        "side": order.side,
        "position_side": order.position_side,
        "type": order.order_type,
        "time_in_force": order.time_in_force,
        "quantity": text(order.quantity),
        "price": text(order.price),
        "executed_quantity": text(order.executed),
        "quote": text(order.quote),
        "average_price": text(order.average_price),
        "reduce_only": order.reduce_only,
    }


def fill_fact(fill: Fill) -> dict[str, Any]:
    """A fill as the truth tells it."""
    return {
        "trade_id": fill.trade_id,
        "order_id": fill.order_id,
        "client_order_id": fill.client_order_id,
        "symbol": fill.symbol,
        "side": fill.side,
        "position_side": fill.position_side,
        "price": text(fill.price),
        "quantity": text(fill.quantity),
        "quote": text(fill.quote),
        "commission": text(fill.commission),
        "commission_asset": QUOTE,
        "realized_pnl": text(fill.realized),
        "is_maker": fill.is_maker,
        "at": _moment(fill.at_ms),
        "at_ms": fill.at_ms,
    }


def _account_row(venue: Venue, member: Member, keys: KeyRing) -> dict[str, Any]:
    account = member.account
    own = [key for key in keys.keys.values() if key.account == account.name]
    return {
        "name": account.name,
        "api_key": own[0].key if own else "",
        "api_secret": own[0].secret if own else "",
        "position_mode": "HEDGE" if account.hedge else "ONE_WAY",
        "orders": [order_fact(order) for order in member.books.by_id.values()],
        "algo_orders": [_algo_fact(algo) for algo in member.algos.by_id.values()],
        "rejected": [_rejected_fact(entry) for entry in member.books.rejected],
        "fills": [fill_fact(fill) for fill in member.fills],
        "positions": [
            _position_fact(venue, account, position) for position in account.open_positions()
        ],
        "balances": [_balance_fact(account)],
        "income": [_income_fact(entry) for entry in account.incomes],
    }


def _algo_fact(algo: AlgoOrder) -> dict[str, Any]:
    wanted = algo.wanted
    return {
        "client_algo_id": wanted.client_algo_id,
        "algo_id": algo.algo_id,
        "received_at": _moment(algo.created_ms),
        "status": algo.status,
        "symbol": wanted.symbol,
        "side": wanted.side,
        "type": wanted.order_type,
        "quantity": text(wanted.quantity),
        "trigger_price": text(wanted.trigger_price),
        "close_position": wanted.close_position,
        "reduce_only": wanted.reduce_only,
        "working_type": wanted.working_type,
        "callback_rate": text(wanted.callback_rate),
        "activate_price": text(wanted.activate_price),
        "received_ms": algo.created_ms,
        "triggered_ms": algo.triggered_ms,
        "executed_quantity": text(algo.executed),
        "reject_reason": algo.reject_reason,
        "order_id": algo.order_id,
    }


def _rejected_fact(entry: Rejected) -> dict[str, Any]:
    wanted = entry.wanted
    return {
        "client_order_id": wanted.client_order_id,
        "received_at": _moment(entry.received_ms),
        "received_ms": entry.received_ms,
        "symbol": wanted.symbol,
        "side": wanted.side,
        "type": wanted.order_type,
        "quantity": text(wanted.quantity),
        "price": text(wanted.price),
        "reason": entry.refusal.reason.value,
    }


def _position_fact(venue: Venue, account: Account, position: Position) -> dict[str, Any]:
    mark = venue.mark(position.symbol)
    return {
        "symbol": position.symbol,
        "position_side": position.position_side,
        "quantity": text(position.amount),
        "entry_price": text(position.entry),
        "mark_price": text(mark),
        "unrealized_pnl": text(position.unrealized(mark)),
        "realized_pnl": text(position.realized),
        "leverage": account.leverage_of(position.symbol),
        "margin_mode": "ISOLATED" if position.symbol in account.isolated else "CROSS",
        "isolated_wallet": text(position.isolated_wallet),
        "updated_ms": position.updated_ms,
    }


def _balance_fact(account: Account) -> dict[str, Any]:
    return {
        "asset": QUOTE,
        "opening": text(account.opening),
        "wallet": text(account.wallet),
        "cross_wallet": text(account.cross_wallet),
        "realized": text(account.realized),
        "commission": text(account.commission),
        "funding": text(account.funding),
        "transfers": text(account.transfers),
    }


def _income_fact(entry: Income) -> dict[str, Any]:
    return {
        "transaction_id": entry.tran_id,
        "kind": entry.income_type,
        "symbol": entry.symbol,
        "asset": QUOTE,
        "amount": text(entry.amount),
        "trade_id": entry.trade_id,
        "at_ms": entry.at_ms,
    }


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="milliseconds")
