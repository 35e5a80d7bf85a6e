"""Which row a report speaks of.

An order of ours is its command's row, in both id spaces of the venue (F5): a stop and the order
which it became share the client order id. An order of others has a row id of its algo id
where that was told first, else of its venue id.
"""

from collections.abc import Iterator
from uuid import UUID

from orders.models import Order
from tradeops.domain.enums import OrderStatus
from tradeops.domain.ids import command_id_of, external_order_id
from tradeops.engine.ledger import AccountLedger
from tradeops.exchange.reports import FillReport, OrderReport


def row_ids(account_id: int, report: OrderReport | FillReport) -> Iterator[UUID]:
    """Primary keys under which the order may be here already, likeliest first."""
    ours = command_id_of(report.client_order_id)
    if ours is not None:
        yield ours
    if report.venue_order_id:
        yield external_order_id(account_id, report.symbol, report.venue_order_id)
    algo_id = _algo_id(report)
    if algo_id:
        yield external_order_id(account_id, report.symbol, f"algo:{algo_id}")


def new_order_id(ledger: AccountLedger, report: OrderReport) -> UUID:
    """Primary key for an order without a row; the same on every replay."""
    ours = command_id_of(report.client_order_id)
    if ours is not None and ledger.rows.get(Order, ours) is None:
        return ours
    # Not ours, or accounts that share a venue key: then the id is the other one's row.
    key = f"algo:{report.algo_id}" if report.algo_id else report.venue_order_id
    return external_order_id(ledger.account_id, report.symbol, key)


def find_order(ledger: AccountLedger, report: OrderReport | FillReport) -> Order | None:
    """The row of the order; None when it was never heard of."""
    # Ours without a row (after a restore) may have been met through a fill that named no client id.
    for order_id in row_ids(ledger.account_id, report):
        order = ledger.rows.get(Order, order_id)
        if order is not None and order.account_id == ledger.account_id:
            return order
    return _by_venue_id(ledger, report) or _across_id_spaces(ledger, report)


def _by_venue_id(ledger: AccountLedger, report: OrderReport | FillReport) -> Order | None:
    if not report.venue_order_id:
        return None
    matches = ledger.rows.select(
        Order,
        account_id=ledger.account_id,
        symbol=report.symbol,
        venue_order_id=report.venue_order_id,
    )
    return matches[0] if matches else None


def _across_id_spaces(ledger: AccountLedger, report: OrderReport | FillReport) -> Order | None:
    """Somebody else's stop and the order which it became, before a report has named both ids."""
    if not report.client_order_id:
        return None
    equal = {
        "account_id": ledger.account_id,
        "symbol": report.symbol,
        "client_order_id": report.client_order_id,
    }
    algo_id = _algo_id(report)
    if algo_id:
        told = [row for row in ledger.rows.select(Order, **equal) if row.algo_id in ("", algo_id)]
        return told[0] if told else None
    resting = ledger.rows.select(Order, **equal, status=OrderStatus.ACKNOWLEDGED, venue_order_id="")
    stops = [order for order in resting if order.algo_id]
    return stops[0] if stops else None


def _algo_id(report: OrderReport | FillReport) -> str:
    return report.algo_id if isinstance(report, OrderReport) else ""
