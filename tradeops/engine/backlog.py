"""What a backlog need not carry out any more: of cancels and amends the newest counts (F91)."""

from uuid import UUID

from orders.models import Order
from tradeops.domain.commands import CommandStatus
from tradeops.journal.models import Command

_OF_ONE_ORDER = ("AmendOrder", "CancelOrder")


def overtaken_by(command: Command) -> Command | None:
    """A command that still waits and makes this older one pointless.

    An amendment gives way to a newer one, or a cancel, of its order; both to a newer CancelAll that
    covers it. A cancel is not overtaken by another cancel: whoever comes second finds it done.
    """
    if command.kind not in _OF_ONE_ORDER:
        return None
    newer = Command.objects.filter(
        status=CommandStatus.NEW,
        account_id=command.account_id,
        kind__in=[*_OF_ONE_ORDER, "CancelAll"],
        created_at__gt=command.created_at,
    ).order_by("-created_at")
    order_id = str(command.payload["order_id"])
    for other in newer:
        if other.kind == "CancelAll":
            if other.symbol in ("", _symbol_of(order_id)):
                return other
        elif command.kind == "AmendOrder" and other.payload["order_id"] == order_id:
            return other
    return None


def _symbol_of(order_id: str) -> str | None:
    return Order.objects.filter(pk=UUID(order_id)).values_list("symbol", flat=True).first()
