"""Compare this side with the venue: what to take over, what to ask, what nobody can explain.

Taking over means handing the venue's own report to ingest, which climbs a lattice: a stale snapshot
changes nothing there, so news needs no grace. Contradictions do, because a snapshot and the stream
overtake each other (F28). Nothing here trades, and an unchanged venue yields nothing (F29, I18).
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from orders.domain.lifecycle import TERMINAL, advance
from tradeops.domain.enums import MarginMode, OrderStatus, PositionSide
from tradeops.domain.ids import command_id_of
from tradeops.domain.money import ZERO, plain
from tradeops.exchange.reports import (
    FillReport,
    LeverageReport,
    OrderReport,
    PositionReport,
)
from tradeops.reconcile.domain.sides import (
    DriftKind,
    LocalOrder,
    LocalPosition,
    Mismatch,
    is_active,
)

NOT_FOUND_COUNTS_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class OrderDiff:
    """`heals` go to ingest; `lookups` are asked for one by one before anything is believed."""

    heals: tuple[OrderReport, ...] = ()
    lookups: tuple[LocalOrder, ...] = ()


def diff_orders(
    local: Sequence[LocalOrder], venue: Sequence[OrderReport], *, now: datetime
) -> OrderDiff:
    """Compare orders with the venue's list of open ones.

    `local` holds every open order here, and the row of each venue order wherever there is one.
    Looked up are quiet orders that are open here and not listed, or that contradict the list.
    """
    known = _Index(local)
    heals: list[OrderReport] = []
    agreed: set[uuid.UUID] = set()
    for report in venue:
        order = known.of(report)
        if is_news(order, report):
            heals.append(report)
        if order is not None and not _contradicts(order, report):
            agreed.add(order.order_id)
    listed = {order.order_id for report in venue if (order := known.of(report)) is not None}
    lookups = tuple(
        order
        for order in local
        if order.order_id not in agreed
        and (order.is_open or order.order_id in listed)
        and not is_active(order.updated_at, now)
    )
    return OrderDiff(tuple(heals), lookups)


def is_news(order: LocalOrder | None, report: OrderReport) -> bool:
    """Whether ingest would learn something from `report`."""
    if order is None:
        return True
    return (
        advance(order.status, report.status) is not order.status
        or report.filled_quantity > order.filled_quantity
        or bool(report.venue_order_id and report.venue_order_id != order.venue_order_id)
        or bool(report.algo_id and report.algo_id != order.algo_id)
        or (
            order.is_open
            and report.updated_at > order.updated_at
            and (report.quantity != order.quantity or (report.price or None) != order.price)
        )
    )


def _contradicts(order: LocalOrder, report: OrderReport) -> bool:
    # Here it ended, or filled further, yet the venue goes on listing it.
    ended = order.status in TERMINAL and report.status not in TERMINAL
    return (ended and order.status is not OrderStatus.REJECTED) or (
        order.filled_quantity > report.filled_quantity
    )


def order_subject(symbol: str, client_order_id: str, venue_order_id: str) -> str:
    """How a drift names an order."""
    return f"{symbol}:{client_order_id or venue_order_id}"


def subject_of(order: LocalOrder) -> str:
    """How a drift names the order of a row."""
    return order_subject(
        order.symbol, order.client_order_id, order.venue_order_id or f"algo-{order.algo_id}"
    )


class _Index:
    """Finds the row behind a report: by our id, else by the venue's."""

    def __init__(self, orders: Iterable[LocalOrder]) -> None:
        self._by_id = {order.order_id: order for order in orders}
        self._by_venue_id = {
            (order.symbol, order.venue_order_id): order
            for order in self._by_id.values()
            if order.venue_order_id
        }
        self._by_algo_id = {
            (order.symbol, order.algo_id): order for order in self._by_id.values() if order.algo_id
        }

    def of(self, report: OrderReport) -> LocalOrder | None:
        ours = command_id_of(report.client_order_id)
        if ours is not None:
            return self._by_id.get(ours)
        if report.algo_id and (report.symbol, report.algo_id) in self._by_algo_id:
            return self._by_algo_id[report.symbol, report.algo_id]
        return self._by_venue_id.get((report.symbol, report.venue_order_id))


def unbooked_symbols(orders: Iterable[LocalOrder]) -> set[str]:
    """Symbols with an order that filled further than its fills say: those are still missing."""
    return {order.symbol for order in orders if order.booked_quantity < order.filled_quantity}


def unknown_orders(fills: Iterable[FillReport], known: Iterable[tuple[str, str]]) -> list[str]:
    """Venue ids of orders behind `fills` that have no row here, in order of first fill.

    `known` holds (symbol, venue order id).
    """
    rows = set(known)
    wanted = [
        fill.venue_order_id for fill in fills if (fill.symbol, fill.venue_order_id) not in rows
    ]
    return list(dict.fromkeys(wanted))


def may_not_be_found(fill: FillReport, now: datetime) -> bool:
    """Whether "not found" proves nothing for the order of so young a fill (F3)."""
    return abs(now - fill.traded_at) < NOT_FOUND_COUNTS_AFTER


@dataclass(frozen=True, slots=True)
class PositionDifference:
    """A leg that is not the same on both sides; a side without it is None."""

    symbol: str
    position_side: PositionSide
    here: LocalPosition | None
    there: PositionReport | None

    @property
    def quantities(self) -> tuple[Decimal, Decimal]:
        """Here and there; a side without the leg holds 0."""
        return (
            self.here.quantity if self.here else ZERO,
            self.there.quantity if self.there else ZERO,
        )

    def is_quiet(self, now: datetime) -> bool:
        """Whether neither side moved lately: then it is no matter of who heard first."""
        sides = (self.here, self.there)
        return not any(side and is_active(side.updated_at, now) for side in sides)

    def mismatch(self) -> Mismatch:
        """Both quantities as text."""
        return Mismatch(
            DriftKind.POSITION,
            f"{self.symbol}:{self.position_side}",
            {"quantity": plain(self.quantities[0])},
            {"quantity": plain(self.quantities[1])},
            local_at=self.here.updated_at if self.here else None,
        )


def diff_positions(
    local: Sequence[LocalPosition], venue: Sequence[PositionReport]
) -> tuple[PositionDifference, ...]:
    """Legs whose quantities differ right now.

    Quantities come from fills alone (D7): what differs here is asked for as fills, never copied.
    """
    return tuple(
        PositionDifference(symbol, side, here, there)
        for (symbol, side), (here, there) in sorted(_legs(local, venue).items())
        if (here.quantity if here else ZERO) != (there.quantity if there else ZERO)
    )


def _legs(
    local: Sequence[LocalPosition], venue: Sequence[PositionReport]
) -> dict[tuple[str, PositionSide], tuple[LocalPosition | None, PositionReport | None]]:
    here = {(leg.symbol, leg.position_side): leg for leg in local}
    there = {(leg.symbol, leg.position_side): leg for leg in venue}
    return {key: (here.get(key), there.get(key)) for key in here.keys() | there.keys()}


def diff_settings(
    local: Sequence[LocalPosition], venue: Sequence[LeverageReport | PositionReport]
) -> tuple[LeverageReport | PositionReport, ...]:
    """Reports to take over for their settings, for symbols that have a row here.

    Leverage, margin mode, isolated margin and place in the ADL queue are what the venue says they
    are; there is no history to contradict.
    """
    heals: dict[tuple[str, str], LeverageReport | PositionReport] = {}
    for leg in local:
        for item in venue:
            if item.symbol == leg.symbol and _tells_news(leg, item):
                heals[item.symbol, getattr(item, "position_side", "")] = item
    return tuple(heals.values())


def _tells_news(leg: LocalPosition, item: LeverageReport | PositionReport) -> bool:
    told: dict[str, object] = {"leverage": item.leverage, "margin_mode": item.margin_mode}
    if isinstance(item, PositionReport):
        if item.position_side is not leg.position_side:
            return False
        told["adl_quantile"] = item.adl_quantile
        if item.margin_mode is MarginMode.ISOLATED:
            told["isolated_margin"] = item.isolated_wallet
    return any(value is not None and value != getattr(leg, name) for name, value in told.items())


def order_mismatches(
    local: Sequence[LocalOrder], told: Sequence[OrderReport], *, now: datetime
) -> tuple[Mismatch, ...]:
    """Quiet orders that differ from what the venue said, after ingest took over what it could."""
    known = _Index(local)
    found = {}
    for report in told:
        order = known.of(report)
        differs = is_news(order, report) or (order is not None and _contradicts(order, report))
        quiet = not is_active(report.updated_at, now) and (
            order is None or not is_active(order.updated_at, now)
        )
        if differs and quiet:
            subject = (
                subject_of(order)
                if order is not None
                else order_subject(
                    report.symbol, report.client_order_id, report.venue_order_id or report.algo_id
                )
            )
            here = {} if order is None else _as_text(order.status, order.filled_quantity)
            there = _as_text(report.status, report.filled_quantity)
            found[subject] = Mismatch(
                DriftKind.ORDER,
                subject,
                here,
                there,
                local_at=order.updated_at if order else None,
                order_id=order.order_id if order else None,
            )
    return tuple(found.values())


def missing_order(order: LocalOrder, *, now: datetime) -> Mismatch | None:
    """What "not found" means for an order of ours.

    One that was only submitted is the sweeper's business, which alone may call it lost; right
    after acceptance "not found" proves nothing (F3).
    """
    acknowledged = order.status in {OrderStatus.ACKNOWLEDGED, OrderStatus.PARTIALLY_FILLED}
    if not acknowledged or abs(now - order.updated_at) < NOT_FOUND_COUNTS_AFTER:
        return None
    return Mismatch(
        DriftKind.ORDER_MISSING,
        subject_of(order),
        _as_text(order.status, order.filled_quantity),
        local_at=order.updated_at,
        order_id=order.order_id,
    )


def _as_text(status: OrderStatus, filled_quantity: Decimal) -> dict[str, str]:
    return {"status": status.value, "filled_quantity": plain(filled_quantity)}
