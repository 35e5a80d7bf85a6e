"""The process that dies: it asks, executes, hears and compares, until its crash point."""

import os
import time
from collections.abc import Callable
from decimal import Decimal

from accounts.services.exchange_open import blocking_port
from orders.models import Order
from tests.crash import points
from tests.crash.broker import Broker, run_task
from tests.crash.matrix import REFUSED, UNANSWERED, UNREACHED
from tests.crash.runs import SYMBOL, Run, enter
from tradeops.domain.commands import CancelOrder, PlaceOrder
from tradeops.domain.enums import OrderType, Side, TimeInForce, WorkingType
from tradeops.engine.holds import held_since
from tradeops.exchange.port import OrderRequest
from tradeops.journal.command_store import EXECUTE_TASK
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.portal import drive
from tradeops.reconcile.services.reconcile_now import fill_gap, reconcile_now
from tradeops.streams.domain.feed_health import FeedMemory
from tradeops.streams.models import FeedHealth
from tradeops.streams.services.feed_judgement import feed_scope, memory_of
from tradeops.streams.worker import StreamsHost

CONNECTED_WITHIN_S = 20.0
KILLED_WITHIN_S = 20.0
RESTING = "61000"
ABOVE = "60600"
BELOW = "59400"
SURVIVED = 3


def act(run: Run) -> None:
    """Do the work of the case until it kills this process; returning means that it did not."""
    enter(run, "worker")
    broker = Broker(run.redis_url, points.before_ack if run.case.point == "CP8" else _ignore)
    if run.case.stream:
        serve_streams(run)
    prepare_venue(run)
    _SCENES[run.case.point](run, broker)
    os._exit(SURVIVED)


def _ignore(_task: str) -> None:
    pass


def serve_streams(run: Run) -> None:
    """Start the streams worker; return when its own connection is trusted, if it can have one."""
    before = _feed(run.account_id).token
    StreamsHost(fill_gap).start()
    if not run.case.stream:
        return
    deadline = time.monotonic() + CONNECTED_WITHIN_S
    while not _is_trusted(run.account_id, before):
        if time.monotonic() > deadline:
            raise TimeoutError("the stream did not connect")
        time.sleep(0.02)


def _feed(account_id: int) -> FeedMemory:
    return memory_of(FeedHealth.objects.filter(pk=account_id).first())


def _is_trusted(account_id: int, token_before: int) -> bool:
    feed = _feed(account_id)
    connected = feed.token != token_before and feed.is_synchronised and not feed.lost
    return connected and held_since(feed_scope(account_id)) is None


def prepare_venue(run: Run) -> None:
    """Let the venue treat the call under test as the case says. Refusals need no fault."""
    method = {"CP13": "DELETE /fapi/v1/order "}.get(run.case.point, "POST /fapi/v1/order ")
    if run.case.point == "CP14":
        method = "POST /fapi/v1/algoOrder "
    if run.case.outcome == UNREACHED:
        run.venue.fault(kind="http_5xx_before", match=method, count=1)
    elif run.case.outcome == UNANSWERED:
        kind = "http_5xx_after" if run.case.stream else "timeout_after"
        run.venue.fault(kind=kind, match=method, count=1, ms=50)


def order_under_test(run: Run) -> PlaceOrder:
    """An opening while the stream is up, and a reduction of what is held while it is down.

    The venue refuses a fill-or-kill order that nobody meets.
    """
    opening = run.case.stream
    order = PlaceOrder(
        symbol=SYMBOL,
        side=Side.BUY if opening else Side.SELL,
        quantity=Decimal("0.005"),
        leverage=10 if opening else None,
        reduce_only=not opening,
    )
    if run.case.outcome != REFUSED or run.case.point in {"CP13", "CP14"}:
        return order
    return PlaceOrder(
        symbol=SYMBOL,
        side=order.side,
        quantity=order.quantity,
        leverage=order.leverage,
        reduce_only=order.reduce_only,
        order_type=OrderType.LIMIT,
        price=Decimal(BELOW if opening else ABOVE),
        time_in_force=TimeInForce.FOK,
    )


def _asks(run: Run, broker: Broker) -> None:
    if run.case.point == "CP1":
        points.in_command_commit()
    elif run.case.point == "CP2":
        points.before_hint()
    else:
        points.after_lost_hint(broker.lose_everything)
    run.ask("order", order_under_test(run))


def _executes(run: Run, broker: Broker) -> None:
    run.ask("order", order_under_test(run))
    arm: dict[str, Callable[[], None]] = {
        "CP4": points.after_claim,
        "CP5": lambda: points.before_request("POST", points.ORDER),
        "CP6": lambda: points.after_request("POST", points.ORDER),
        "CP7": points.after_reply,
        "CP8": lambda: None,
    }
    arm[run.case.point]()
    broker.run_waiting()


def _hears(run: Run, broker: Broker) -> None:
    arm = {
        "CP9": points.on_news_of_fill,
        "CP10": points.before_commit_of_fill,
        "CP11": points.after_commit_of_fill,
    }
    arm[run.case.point]()
    run.ask("order", order_under_test(run))
    broker.run_waiting()
    if run.case.outcome in {REFUSED, UNREACHED}:
        _somebody_trades(run)
    if run.case.stream:
        time.sleep(KILLED_WITHIN_S)
    else:
        reconcile_now(run.account_id, scope="all", trigger="test")


def _somebody_trades(run: Run) -> None:
    """An order at the venue that this system knows nothing of."""
    drive(
        blocking_port(run.account_id).submit(
            OrderRequest(
                symbol=SYMBOL,
                client_order_id=f"web_{run.id_of('stranger').hex[:20]}",
                side=Side.BUY,
                order_type=OrderType.MARKET,
                quantity=Decimal("0.003"),
                signed_at=SYSTEM_CLOCK.now(),
            )
        )
    )


def _compares(run: Run, broker: Broker) -> None:
    run.ask("order", order_under_test(run))
    broker.run_waiting()
    points.before_comparison_applies()
    reconcile_now(run.account_id, scope="all", trigger="test")


def _cancels(run: Run, broker: Broker) -> None:
    resting = PlaceOrder(
        symbol=SYMBOL,
        side=Side.SELL,
        quantity=Decimal("0.005"),
        reduce_only=True,
        order_type=OrderType.LIMIT,
        price=Decimal(RESTING),
    )
    order_id = run.ask("order", resting)
    broker.run_waiting()
    order = Order.objects.get(pk=order_id)
    if not order.venue_order_id:
        raise RuntimeError(f"the order to cancel does not rest: {order.status} {order.reason}")

    def fill_it_first() -> None:
        if run.case.outcome == REFUSED:
            run.venue.set_price(SYMBOL, RESTING)

    points.after_request("DELETE", points.ORDER, fill_it_first)
    run.ask("cancel", CancelOrder(order_id))
    broker.run_waiting()


def _protects(run: Run, _broker: Broker) -> None:
    entry = PlaceOrder(symbol=SYMBOL, side=Side.BUY, quantity=Decimal("0.005"), leverage=10)
    refused = run.case.outcome == REFUSED
    if refused:
        _somebody_stops(run)
    stop = PlaceOrder(
        symbol=SYMBOL,
        side=Side.SELL,
        quantity=None if refused else Decimal("0.005"),
        reduce_only=not refused,
        close_position=refused,
        order_type=OrderType.STOP_MARKET,
        trigger_price=Decimal(BELOW),
        working_type=WorkingType.MARK_PRICE,
    )
    points.after_commit_of_fill()
    entry_id = run.ask("order", entry)
    run.ask("stop", stop)
    run_task(EXECUTE_TASK, {"command_id": str(entry_id)})
    if run.case.stream:
        time.sleep(KILLED_WITHIN_S)
    else:
        reconcile_now(run.account_id, scope="all", trigger="test")


def _somebody_stops(run: Run) -> None:
    """The venue admits one stop that closes a leg, and refuses the second."""
    drive(
        blocking_port(run.account_id).submit(
            OrderRequest(
                symbol=SYMBOL,
                client_order_id=f"web_{run.id_of('stranger').hex[:20]}",
                side=Side.SELL,
                order_type=OrderType.STOP_MARKET,
                quantity=Decimal(0),
                signed_at=SYSTEM_CLOCK.now(),
                trigger_price=Decimal(BELOW),
                working_type=WorkingType.MARK_PRICE,
                close_position=True,
            )
        )
    )


_SCENES: dict[str, Callable[[Run, Broker], None]] = {
    **dict.fromkeys(("CP1", "CP2", "CP3"), _asks),
    **dict.fromkeys(("CP4", "CP5", "CP6", "CP7", "CP8"), _executes),
    **dict.fromkeys(("CP9", "CP10", "CP11"), _hears),
    "CP12": _compares,
    "CP13": _cancels,
    "CP14": _protects,
}
