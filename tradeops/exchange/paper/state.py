"""Saves the venue's books as JSON and loads them again. Decimals are text; nothing is pickled."""

import json
from collections.abc import Callable, Iterable, Sequence
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
    Origin,
    Reason,
    Refusal,
    Rejected,
)
from tradeops.exchange.paper.venue import MarginMove, Member, Venue
from tradeops.exchange.paper.wire.listen_keys import ListenKeys

VERSION = 1
WATCHED = (WAITING, TRIGGERED)
_Row = TypeVar("_Row")


class StateError(ValueError):
    """A state file cannot be loaded; the text says why."""


class StateWriter:
    """Writes the books to one file, again and again.

    What ended stays as it was written: each save costs what changed, and one pass over the rest.
    """

    def __init__(self, path: Path, venue: Venue, listen_keys: ListenKeys) -> None:
        self._path = path
        self._venue = venue
        self._listen_keys = listen_keys
        self._ended: dict[tuple[str, str], dict[int, str]] = {}
        self._grown: dict[tuple[str, str], list[str]] = {}

    def text(self) -> str:
        """The books as they are now."""
        venue = self._venue
        head = _json(
            {
                "version": VERSION,
                "next_order_id": venue.next_order_id,
                "next_algo_id": venue.next_algo_id,
                "funded_until_ms": venue.funded_until_ms,
                "next_trade_ids": {name: s.next_trade_id for name, s in venue.symbols.items()},
                "listen_keys": [asdict(key) for key in self._listen_keys.live()],
            }
        )
        members = ",".join(self._member(member) for member in venue.members.values())
        return f'{head[:-1]},"members":[{members}]}}'

    def write(self, text: str) -> None:
        """Put a text in the place of the file, at once or not at all. Raises: OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_name(f"{self._path.name}.new")
        beside.write_text(text)
        beside.replace(self._path)

    def save(self) -> None:
        """Write the books as they are now. Raises: OSError."""
        self.write(self.text())

    def _member(self, member: Member) -> str:
        account, name = member.account, member.account.name
        plain = asdict(replace(account, incomes=[]))
        plain["positions"] = list(plain["positions"].values())
        plain["isolated"] = sorted(plain["isolated"])
        del plain["incomes"]
        incomes = self._growing(name, "incomes", account.incomes)
        orders = self._ending(
            name, "orders", ((o.order_id, o, not o.is_open) for o in member.books.by_id.values())
        )
        algos = self._ending(
            name,
            "algos",
            ((a.algo_id, a, a.status not in WATCHED) for a in member.algos.by_id.values()),
        )
        rows = {
            "account": f'{_json(plain)[:-1]},"incomes":{incomes}}}',
            "orders": orders,
            "rejected": self._growing(name, "rejected", member.books.rejected),
            "fills": self._growing(name, "fills", member.fills),
            "countdowns": _json(member.countdowns),
            "margin_moves": self._growing(name, "margin_moves", member.margin_moves),
            "algos": algos,
        }
        return "{" + ",".join(f'"{key}":{value}' for key, value in rows.items()) + "}"

    def _growing(self, name: str, kind: str, rows: Sequence[Any]) -> str:
        """A list that only grows."""
        texts = self._grown.setdefault((name, kind), [])
        texts += [_json(asdict(row)) for row in rows[len(texts) :]]
        return f"[{','.join(texts)}]"

    def _ending(self, name: str, kind: str, rows: Iterable[tuple[int, Any, bool]]) -> str:
        """A list of rows (id, row, has ended); an ended one never changes again."""
        ended = self._ended.setdefault((name, kind), {})
        texts = []
        for number, row, has_ended in rows:
            text = ended.get(number) or _json(asdict(row))
            if has_ended:
                ended[number] = text
            texts.append(text)
        return f"[{','.join(texts)}]"


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, default=str, separators=(",", ":"))


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
        origin = _read(Origin, entry.get("origin", {}))
        order = replace(_read(Order, entry), origin=origin)
        books.add(order)
        if not order.is_open:
            books.close(order)
    books.rejected = [
        Rejected(
            replace(
                _read(NewOrder, entry["wanted"]),
                origin=_read(Origin, entry["wanted"].get("origin", {})),
            ),
            entry["received_ms"],
            Refusal(Reason(entry["refusal"]["reason"]), entry["refusal"]["detail"]),
        )
        for entry in row["rejected"]
    ]
    fills = [_read(Fill, entry) for entry in row["fills"]]
    moves = [_read(MarginMove, entry) for entry in row.get("margin_moves", ())]
    return Member(account, books, fills, row["countdowns"], _algos(row["algos"]), moves)


def _algos(rows: list[dict[str, Any]]) -> AlgoBooks:
    algos = AlgoBooks()
    for row in rows:
        wanted = _read(NewAlgoOrder, row["wanted"])
        algo = replace(_read(AlgoOrder, row), wanted=wanted)
        algos.by_id[algo.algo_id] = algo
        if algo.status in WATCHED:
            algos.watched[algo.algo_id] = algo
    return algos


def _read(kind: Callable[..., _Row], row: dict[str, Any]) -> _Row:
    """Build a dataclass whose decimals were written as text; unknown fields are dropped."""
    types = {f.name: f.type for f in fields(kind)}  # type: ignore[arg-type]
    known = {name: value for name, value in row.items() if name in types}
    return kind(**{k: Decimal(v) if types[k] is Decimal else v for k, v in known.items()})
