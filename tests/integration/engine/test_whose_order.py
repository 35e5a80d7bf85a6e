"""News is booked on the order it belongs to: same account, one row for one venue order."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from accounts.models import ExchangeAccount
from orders.models import Fill, Order
from positions.models import Position
from tests.integration.engine.reports import START, fill_report, order_report
from tradeops.domain.enums import OrderStatus, Source
from tradeops.engine.ingest import ingest
from tradeops.engine.rebuild import rebuild
from tradeops.exchange.reports import Report

pytestmark = pytest.mark.django_db

D = Decimal


def take(account: ExchangeAccount, reports: Sequence[Report]) -> None:
    ingest(account.pk, reports, source=Source.STREAM, actor="test", now=START)


def test_two_accounts_with_one_venue_key_do_not_write_on_each_others_orders() -> None:
    one = ExchangeAccount.objects.create(name="one")
    two = ExchangeAccount.objects.create(name="two")
    story: list[Report] = [
        order_report(1),
        fill_report(1, 7),
        order_report(1, filled="1", status=OrderStatus.FILLED),
    ]

    take(one, story)
    take(two, story)
    take(two, story)

    for account in (one, two):
        order = Order.objects.get(account=account)
        assert (order.status, order.filled_quantity) == (OrderStatus.FILLED, 1)
        assert Fill.objects.get(account=account).order_id == order.pk
        assert Position.objects.get(account=account).quantity == 1
    assert rebuild(apply=False).differences == ()


def test_our_order_met_through_its_fill_is_completed_not_doubled() -> None:
    account = ExchangeAccount.objects.create(name="restored")
    take(account, [replace(fill_report(1, 7), client_order_id="")])

    take(account, [order_report(1, filled="1", status=OrderStatus.FILLED)])

    order = Order.objects.get()
    assert (order.status, order.filled_quantity, order.venue_order_id) == (
        OrderStatus.FILLED,
        1,
        "1001",
    )
