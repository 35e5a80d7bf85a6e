"""What an order's page tells, and what it and its position offer to do."""

from datetime import datetime
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
