"""Saves the venue's books as JSON and loads them again. Decimals are text; nothing is pickled."""

import json
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from tradeops.exchange.paper.algo_orders import (
    TRIGGERED,
    WAITING,
    AlgoBooks,
    AlgoOrder,
    NewAlgoOrder,
)
from tradeops.exchange.paper.ledger import Account, Income, Position
from tradeops.exchange.paper.orders import (
    Fill,
    NewOrder,
    Order,
    OrderBooks,
    Reason,
    Refusal,
    Rejected,
)
from tradeops.exchange.paper.venue import Member, Venue
from tradeops.exchange.paper.wire.listen_keys import ListenKeys

VERSION = 1
_Row = TypeVar("_Row")


class StateError(ValueError):
    """A state file cannot be loaded; the text says why."""


def save(path: Path, venue: Venue, listen_keys: ListenKeys) -> None:
    """Write the books to a file, at once or not at all. Raises: OSError."""
    body = {
        "version": VERSION,
        "next_order_id": venue.next_order_id,
        "next_algo_id": venue.next_algo_id,
        "funded_until_ms": venue.funded_until_ms,
        "next_trade_ids": {name: s.next_trade_id for name, s in venue.symbols.items()},
        "listen_keys": [asdict(key) for key in listen_keys.live()],
        "members": [_member_row(member) for member in venue.members.values()],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(json.dumps(body, default=str))
    beside.replace(path)


def load(path: Path, venue: Venue, listen_keys: ListenKeys, now_ms: int) -> None:
    """Put saved books into a fresh venue; accounts the file does not know stay as they are.

    Raises: OSError, StateError.
    """
    try:
        body = json.loads(path.read_text())
        if body["version"] != VERSION:
            raise StateError(f"{path} has version {body['version']}, this program reads {VERSION}")
        venue.next_order_id = max(venue.next_order_id, body["next_order_id"])
        venue.next_algo_id = max(venue.next_algo_id, body["next_algo_id"])
        venue.funded_until_ms = min(now_ms, body["funded_until_ms"])
        for name, number in body["next_trade_ids"].items():
            if name in venue.symbols:
                state = venue.symbols[name]
                state.next_trade_id = max(state.next_trade_id, number)
        for row in body["members"]:
            member = _member(row)
            venue.members[member.account.name] = member
        for row in body["listen_keys"]:
            listen_keys.restore(row["key"], row["account"], row["expires_ms"])
    except (KeyError, TypeError, ValueError, ArithmeticError) as wrong:
        if isinstance(wrong, StateError):
            raise
        raise StateError(f"{path} is not a saved state: {wrong!r}") from wrong


def rest_open_orders(venue: Venue, now_ms: int) -> None:
    """Put loaded open orders into the book, oldest first, once the tape has filled it."""
    for member in venue.members.values():
        for order in member.books.open_orders():
            venue.symbols[order.symbol].book.rest(order, now_ms)


def _member_row(member: Member) -> dict[str, Any]:
    account = asdict(member.account)
    account["positions"] = list(account["positions"].values())
    account["isolated"] = sorted(account["isolated"])
    return {
        "account": account,
        "orders": [asdict(order) for order in member.books.by_id.values()],
        "rejected": [asdict(entry) for entry in member.books.rejected],
        "fills": [asdict(fill) for fill in member.fills],
        "countdowns": member.countdowns,
        "algos": [asdict(algo) for algo in member.algos.by_id.values()],
    }


def _member(row: dict[str, Any]) -> Member:
    plain = dict(row["account"])
    positions = [_read(Position, entry) for entry in plain.pop("positions")]
    incomes = [_read(Income, entry) for entry in plain.pop("incomes")]
    account = _read(Account, plain)
    account.positions = {(p.symbol, p.position_side): p for p in positions}
    account.incomes = incomes
    account.isolated = set(plain["isolated"])
    books = OrderBooks()
    for entry in row["orders"]:
        order = _read(Order, entry)
        books.add(order)
        if not order.is_open:
            books.close(order)
    books.rejected = [
        Rejected(
            _read(NewOrder, entry["wanted"]),
            entry["received_ms"],
            Refusal(Reason(entry["refusal"]["reason"]), entry["refusal"]["detail"]),
        )
        for entry in row["rejected"]
    ]
    fills = [_read(Fill, entry) for entry in row["fills"]]
    return Member(account, books, fills, row["countdowns"], _algos(row["algos"]))


def _algos(rows: list[dict[str, Any]]) -> AlgoBooks:
    algos = AlgoBooks()
    for row in rows:
        wanted = _read(NewAlgoOrder, row["wanted"])
        algo = replace(_read(AlgoOrder, row), wanted=wanted)
        algos.by_id[algo.algo_id] = algo
        if algo.status in (WAITING, TRIGGERED):
            algos.watched[algo.algo_id] = algo
    return algos


def _read(kind: Callable[..., _Row], row: dict[str, Any]) -> _Row:
    """Build a dataclass whose decimals were written as text; unknown fields are dropped."""
    types = {f.name: f.type for f in fields(kind)}  # type: ignore[arg-type]
    known = {name: value for name, value in row.items() if name in types}
    return kind(**{k: Decimal(v) if types[k] is Decimal else v for k, v in known.items()})
