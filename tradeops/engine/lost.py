"""The watch list: orders that were called LOST are looked for during 24 hours (F3, F7).

Whatever path finds one, the row climbs with an alarm (`facts_orders`). An opening that rests at the
venue although its asker was told that it is lost is cancelled here; its fills count.
"""

import logging
import uuid
from datetime import datetime, timedelta

from orders.models import Order
from orders.services.order_cancel import query_order
from tradeops.domain.clock import Clock
from tradeops.domain.commands import CancelOrder, CommandStatus
from tradeops.domain.enums import OrderStatus, Source
from tradeops.engine.ingest import ingest
from tradeops.engine.work import PortOf
from tradeops.exchange.errors import NotFound
from tradeops.journal.command_store import Asker, Idempotency, enqueue
from tradeops.journal.locks import look_again
from tradeops.journal.models import Command

logger = logging.getLogger(__name__)

ACTOR = "sweeper"
WATCH_FOR = timedelta(hours=24)
SHORTEST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(minutes=30)
CANCEL_AGAIN = timedelta(seconds=5)
_ROUTE = "lost"
_NAMESPACE = uuid.UUID("0c4a5f5e-6a3e-5d52-9a2b-2f6a3f1d8e44")


def first_look(now: datetime) -> datetime:
    """When an order that was just called LOST is looked for again."""
    return now + SHORTEST_PAUSE


def next_look(lost_at: datetime, now: datetime) -> datetime | None:
    """Pauses grow with the age, to half an hour; None when the watch is over."""
    age = now - lost_at
    if age >= WATCH_FOR:
        return None
    return now + min(max(age / 2, SHORTEST_PAUSE), LONGEST_PAUSE)


async def look_after(command: Command, port_of: PortOf, clock: Clock) -> bool:
    """One look at the order of a FAILED command; True when it has turned up.

    Raises ExchangeError when the venue could not be asked.
    """
    now = clock.now()
    order = Order.objects.filter(pk=command.pk).first()
    if order is None:
        look_again(command, next_query_at=None)
        return False
    if order.status != OrderStatus.REJECTED:
        return _settle_adopted(command, order, now)
    if not look_again(command, next_query_at=next_look(command.completed_at or now, now)):
        return False
    try:
        report = await query_order(port_of(command.account_id), order)
    except NotFound:
        return False
    ingest(command.account_id, [report], source=Source.REST, actor=ACTOR, now=clock.now())
    return True


def _settle_adopted(command: Command, order: Order, now: datetime) -> bool:
    """The order is known again: an opening must not go on resting behind its asker's back."""
    if not order.is_open or order.reduce_only or order.close_position:
        return look_again(command, next_query_at=None)
    if not look_again(command, next_query_at=now + CANCEL_AGAIN):
        return False
    tried = Command.objects.filter(
        principal=ACTOR, idempotency_route=_ROUTE, idempotency_key__startswith=f"{order.pk}:"
    )
    if tried.filter(status__in=[CommandStatus.NEW, CommandStatus.SENT]).exists():
        return False
    key = f"{order.pk}:{tried.count() + 1}"
    reason = "Its asker was told that it is LOST or refused, and it rests at the venue."
    enqueue(
        CancelOrder(order.pk, reason),
        account_id=command.account_id,
        command_id=uuid.uuid5(_NAMESPACE, key),
        asker=Asker(ACTOR, Source.ENGINE),
        now=now,
        idempotency=Idempotency(key, _ROUTE),
    )
    logger.warning("lost order %s rests at the venue: cancelling", order.client_order_id)
    return True
