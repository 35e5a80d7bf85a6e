"""The dialect behind faults: request in, and what becomes of it out. Pure, no socket, no waiting.

The server and a simulator use it alike: ask for the `fate`, wait `fate.delay_ms`, take the
`answer`, wait `answer.hold_ms`, then deliver it, or cut the connection when it never comes.
"""

import json
from dataclasses import dataclass, field, replace

from tradeops.exchange.paper import fault_kinds as kinds
from tradeops.exchange.paper.faults import CallFate, FaultBook
from tradeops.exchange.paper.past import Past
from tradeops.exchange.paper.wire.binance import OK, BinanceWire
from tradeops.exchange.paper.wire.calls import Reply, Request
from tradeops.exchange.paper.wire.errors import OUTSIDE_WINDOW
from tradeops.exchange.paper.wire.limits import banned, throttled

UNKNOWN_OUTCOME = Reply(
    503, {"code": -1000, "msg": "Unknown error, please check your request or try again later."}
)
BAD_GATEWAY = 502
EDGE_PAGE = "<html><head><title>502 Bad Gateway</title></head><body>cloudfront</body></html>"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller gets after `hold_ms`; `is_cut`: nothing, and the connection ends.

    `is_executed` tells whether the venue saw the request: the caller cannot know.
    """

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)
    hold_ms: int = 0
    is_cut: bool = False
    is_executed: bool = True


class FaultyWire:
    """One dialect, seen through the faults that are on."""

    def __init__(self, wire: BinanceWire, faults: FaultBook) -> None:
        self.wire = wire
        self.faults = faults
        self.past = Past()

    def fate(self, request: Request, now_ms: int) -> CallFate:
        """Decide what happens to a request; it is matched as "METHOD /path account"."""
        key = self.wire.keys.keys.get(request.api_key or "")
        account = key.account if key else ""
        return self.faults.on_call(f"{request.method} {request.path} {account}", now_ms)

    def note(self, now_ms: int) -> None:
        """Remember the books for stale reads; call it as time passes and before they change."""
        self.past.note(self.wire.venue, now_ms, self.faults.looks_back_ms)

    def answer(self, request: Request, fate: CallFate, now_ms: int) -> Answer:
        """Answer a request at the venue's time as its fate has it."""
        self.note(now_ms)
        if fate.before:
            return self._refusal(request, fate, now_ms)
        reply = self._handled(request, fate, now_ms)
        text = json.dumps(reply.body, separators=(",", ":"))
        answer = Answer(reply.status, text, reply.headers)
        if fate.after in (kinds.HTTP_5XX_AFTER, kinds.TIMEOUT_AFTER):
            return _unknown(fate.after, fate.hold_ms, is_executed=True)
        if fate.after == kinds.GARBAGE_AFTER:
            return replace(answer, text=text[: len(text) // 2])
        if fate.after == kinds.EMPTY_READ and reply.status == OK and text.startswith("["):
            return replace(answer, text="[]")
        return answer

    def _handled(self, request: Request, fate: CallFate, now_ms: int) -> Reply:
        venue = self.wire.venue
        if request.method == "GET":
            return self.wire.handle(
                request, now_ms, lambda member: self.past.view(member, now_ms, fate.stale_ms)
            )
        orders, algos = venue.next_order_id, venue.next_algo_id
        venue.pieces = fate.pieces
        try:
            reply = self.wire.handle(request, now_ms)
        finally:
            venue.pieces = 1
        if fate.hidden_ms:
            fresh = [*range(orders + 1, venue.next_order_id + 1)]
            fresh += range(algos + 1, venue.next_algo_id + 1)
            self.past.hide(fresh, now_ms + fate.hidden_ms)
        return reply

    def _refusal(self, request: Request, fate: CallFate, now_ms: int) -> Answer:
        """What is answered in place of the venue, which never sees the request."""
        if fate.before == kinds.THROTTLE_429:
            error = throttled(self.wire.meter.limits.weight_1m)
        elif fate.before == kinds.BAN_418:
            error = banned(request.ip, fate.until_ms)
        elif fate.before == kinds.CLOCK_1021:
            error = OUTSIDE_WINDOW
        elif fate.before == kinds.GARBAGE_BEFORE:
            page = {"Content-Type": "text/html"}
            return Answer(BAD_GATEWAY, EDGE_PAGE, page, fate.hold_ms, is_executed=False)
        else:
            return _unknown(fate.before, fate.hold_ms, is_executed=False)
        return Answer(error.status, json.dumps(error.body), is_executed=False)


def _unknown(kind: str, hold_ms: int, *, is_executed: bool) -> Answer:
    """An end from which the caller cannot know what happened: a 503, or silence and a cut."""
    is_cut = kind in (kinds.TIMEOUT_BEFORE, kinds.TIMEOUT_AFTER)
    return Answer(
        UNKNOWN_OUTCOME.status,
        json.dumps(UNKNOWN_OUTCOME.body),
        hold_ms=hold_ms if is_cut else 0,
        is_cut=is_cut,
        is_executed=is_executed,
    )
