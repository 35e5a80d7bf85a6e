"""What an order's page tells, and what it and its position offer to do."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from accounts.models import ExchangeAccount
from orders.models import Order
from positions.models import Position
from tests.integration.admin import seed
from tests.integration.admin.seed import page
from tradeops.domain.enums import Source
from tradeops.domain.events import CommandSubmitted
from tradeops.journal.admin import brief
from tradeops.journal.event_store import Draft, Origin, append
from tradeops.kit.db import write_transaction

pytestmark = pytest.mark.django_db


def test_timeline_tells_what_happened_and_who_did_it(
    boss: Client, account: ExchangeAccount, now: datetime
) -> None:
    order, person = seed.order(account, now), User.objects.get(username="boss")
    trade = {
        "fill_id": str(order.pk),
        "order_id": str(order.pk),
        "client_order_id": order.client_order_id,
        "symbol": "BTCUSDT",
        "price": "68320.5",
        "quantity": "0.007",
        "traded_at": now.isoformat(),
    }
    with write_transaction():
        append(
            account.pk,
            [Draft(CommandSubmitted(order.pk, "PlaceOrder"), now)],
            Origin(f"user:{person.pk}", Source.ADMIN, now, order.pk, order.pk),
        )

    text = boss.get(page(Order, "change", order.pk)).content.decode()

    assert "<td>boss</td>" in text
    assert brief(trade) == "symbol=BTCUSDT price=68320.5 quantity=0.007"


@pytest.mark.parametrize(
    ("status", "filled"), [("FILLED", "0.007"), ("CANCELLED", "0"), ("ACKNOWLEDGED", "0")]
)
def test_order_offers_a_cancel_while_it_is_open_and_always_the_rest(
    boss: Client, account: ExchangeAccount, now: datetime, status: str, filled: str
) -> None:
    order = seed.order(account, now, status=status, filled=filled)

    text = boss.get(page(Order, "change", order.pk)).content.decode()

    assert (page(Order, "cancel", order.pk) in text) is (status == "ACKNOWLEDGED")
    assert page(Order, "query_venue", order.pk) in text
    assert page(Order, "close_position", order.pk) in text


def test_order_leads_to_closing_its_position(
    boss: Client, account: ExchangeAccount, now: datetime
) -> None:
    order = seed.order(account, now)
    held = seed.position(account, now, "BTCUSDT", "0.007")

    answer: Any = boss.get(page(Order, "close_position", order.pk))

    assert answer["Location"] == page(Position, "close", held.pk)
    assert "0.007" in boss.get(answer["Location"]).content.decode()


def test_flat_position_offers_nothing_to_close(
    boss: Client, account: ExchangeAccount, now: datetime
) -> None:
    flat = seed.position(account, now, "BTCUSDT", "0")
    shown = boss.get(page(Position, "change", flat.pk)).content.decode()

    assert page(Position, "close", flat.pk) not in shown
    answer: Any = boss.get(page(Position, "close", flat.pk))
    assert answer["Location"] == page(Position, "change", flat.pk)


def conditional(account: ExchangeAccount, at: datetime) -> Order:
    """A stop that waits to close a position."""
    order = seed.order(account, at, status="ACKNOWLEDGED", filled="0")
    Order.objects.filter(pk=order.pk).update(
        order_type="STOP_MARKET",
        quantity=Decimal(0),
        close_position=True,
        trigger_price=Decimal("58000.50"),
        working_type="MARK_PRICE",
        algo_id="9001",
    )
    return order


def test_conditional_order_tells_its_trigger_and_can_be_cancelled(
    boss: Client, account: ExchangeAccount, now: datetime
) -> None:
    order = conditional(account, now)

    detail = boss.get(page(Order, "change", order.pk)).content.decode()
    question = boss.get(page(Order, "cancel", order.pk)).content.decode()

    for text in ("58000.5", "MARK_PRICE", "9001", "0 / position"):
        assert text in detail
    assert "Cancel STOP_MARKET BUY BTCUSDT?" in question
    assert "filled 0 / position." in question


def test_orders_are_filtered_by_their_type(
    boss: Client, account: ExchangeAccount, now: datetime
) -> None:
    stop, market = conditional(account, now), seed.order(account, now)

    text = boss.get(page(Order, "changelist"), {"order_type__exact": "STOP_MARKET"})

    shown = text.content.decode()
    assert page(Order, "change", stop.pk) in shown
    assert page(Order, "change", market.pk) not in shown


def test_position_shows_its_margin_and_its_place_in_the_queue(
    boss: Client, account: ExchangeAccount, now: datetime
) -> None:
    position = seed.position(account, now, "BTCUSDT", "0.007")
    Position.objects.update(
        margin_mode="ISOLATED", isolated_margin=Decimal("50.50"), adl_quantile=3
    )

    text = boss.get(page(Position, "change", position.pk)).content.decode()

    assert "50.5" in text
    assert "3 / 4" in text
