"""Openings that were on their way while the desk was halted.

A halt cancels what it finds at the venue; what arrives there after it has looked is cancelled here,
as soon as it is known to rest. Its fills count.
"""

import logging
import uuid
from datetime import datetime

from accounts.models import ExchangeAccount
from orders.models import Order
from tradeops.domain.commands import CancelOrder
from tradeops.domain.enums import EngineState, Source
from tradeops.engine.holds import scope_states
from tradeops.journal.command_store import Asker, Idempotency, enqueue
from tradeops.kit import sql

logger = logging.getLogger(__name__)

ACTOR = "engine"
_ROUTE = "late"
_NAMESPACE = uuid.UUID("5d0d3c1a-6c55-5f0e-8a3c-7b2f0e9c4d61")


def cancel_if_halted(order_id: uuid.UUID, now: datetime) -> bool:
    """Ask, once, for the end of an opening that rests under a halt; False when there is none.

    To be called outside a ledger, after the order's command has ended.
    """
    order = sql.by_pk(Order, order_id)
    if order is None or not order.is_open or order.reduce_only or order.close_position:
        return False
    account = sql.by_pk(ExchangeAccount, order.account_id)
    if account is None:
        return False
    if all(item.state is not EngineState.HALTED for item in scope_states(account, order.symbol)):
        return False
    logger.warning("order %s arrived under a halt: cancelling", order.client_order_id)
    enqueue(
        CancelOrder(order.pk, "It was on its way while the desk was halted."),
        account_id=order.account_id,
        command_id=uuid.uuid5(_NAMESPACE, str(order.pk)),
        asker=Asker(ACTOR, Source.ENGINE),
        now=now,
        idempotency=Idempotency(str(order.pk), _ROUTE),
    )
    return True
