"""What a user-data stream writes, each time under the fence of its lease."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime

from tradeops.domain.clock import Clock
from tradeops.domain.enums import Source, StreamState
from tradeops.domain.events import (
    DomainEvent,
    FrameSetAside,
    WebSocketConnected,
    WebSocketDisconnected,
    WebSocketReconnected,
)
from tradeops.engine.ingest import StaleFence, ingest, record
from tradeops.exchange.reports import Report
from tradeops.kit.db import write_transaction
from tradeops.streams.domain import feed_health
from tradeops.streams.domain.feed_health import FeedMemory

STREAM = "user"
ACTOR = "streams"
_REASON_LENGTH = 200


Judge = Callable[[Callable[[FeedMemory, int], FeedMemory]], object]


class StreamBook:
    """`account_feed.Book` of the lease with this token.

    `fence` raises StaleFence inside a writing transaction; `show` updates the visible state and
    says False when the lease is gone; `judge` hears what the feed's health follows from, inside the
    transaction that writes it (`feed_judgement.note`).
    """

    def __init__(
        self,
        account_id: int,
        *,
        fence: Callable[[], None],
        show: Callable[[StreamState, str], bool],
        clock: Clock,
        token: int = 0,
        judge: Judge | None = None,
    ) -> None:
        self._account_id = account_id
        self._token = token
        self._judge = judge
        self._fence = fence
        self._show = show
        self._clock = clock
        self._connected = False
        self._lost_at: datetime | None = None

    def facts(self, reports: Sequence[Report]) -> None:
        """Journal reports in one transaction."""
        ingest(
            self._account_id,
            reports,
            source=Source.STREAM,
            actor=ACTOR,
            now=self._clock.now(),
            fence=self._fence,
        )

    def state(self, state: StreamState, detail: str, at: datetime) -> None:
        """Journal a connection that began or ended, and show the state either way."""
        event = self._event(state, detail, at)
        with write_transaction():
            if event is not None:
                record(
                    self._account_id,
                    [event],
                    source=Source.STREAM,
                    actor=ACTOR,
                    now=self._clock.now(),
                    fence=self._fence,
                )
            self._tell(state, detail)
            if not self._show(state, detail):
                raise StaleFence(f"account {self._account_id}")
        # Only now: a write that failed is tried again and must find the same state before it.
        if state is StreamState.CONNECTED:
            self._connected, self._lost_at = True, None
        elif event is not None:
            self._connected, self._lost_at = False, at

    def synchronised(self) -> None:
        """Everything was asked for that the present connection may have missed."""
        if self._judge is not None:
            self._judge(lambda memory, _now_ms: feed_health.synchronised(memory, token=self._token))

    def _tell(self, state: StreamState, detail: str) -> None:
        if self._judge is None or state is StreamState.CONNECTING:
            return
        if state is StreamState.CONNECTED:
            self._judge(
                lambda memory, now_ms: feed_health.connected(
                    memory, token=self._token, now_ms=now_ms
                )
            )
            return
        orderly = state is StreamState.DISCONNECTED
        self._judge(
            lambda memory, now_ms: feed_health.lost(
                memory, token=self._token, now_ms=now_ms, reason=detail, orderly=orderly
            )
        )

    def set_aside(self, raw: str, reason: str, at: datetime, *, once: str) -> None:
        """Journal what could not be used; the same again, by reason and `once`, is nothing new."""
        marker = hashlib.sha256(f"{reason}\n{once}".encode()).hexdigest()
        record(
            self._account_id,
            [FrameSetAside(STREAM, reason, raw, at)],
            source=Source.STREAM,
            actor=ACTOR,
            now=self._clock.now(),
            fence=self._fence,
            dedup_keys=[f"frame:{self._account_id}:{marker}"],
        )

    def _event(self, state: StreamState, detail: str, at: datetime) -> DomainEvent | None:
        if state is StreamState.CONNECTED and not self._connected:
            if self._lost_at is None:
                return WebSocketConnected(STREAM, at)
            gap_s = max(0, int((at - self._lost_at).total_seconds()))
            return WebSocketReconnected(STREAM, gap_s, at)
        if state in {StreamState.RECONNECTING, StreamState.DISCONNECTED} and self._connected:
            return WebSocketDisconnected(STREAM, detail[:_REASON_LENGTH], at)
        return None
