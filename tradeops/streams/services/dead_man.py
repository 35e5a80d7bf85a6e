"""The venue's own countdown: it cancels a symbol's orders when nobody arms it again in time.

Armed by whoever holds the account's lease, for symbols with resting openings, where the account
wants it. An orderly stop leaves it armed: nobody watches the orders then. It cancels every ordinary
order of the symbol, exits and other people's as well. Whether it reaches conditional orders is not
documented: they count neither as a reason to arm nor as covered.

Source: reliability.md §4 "Dead-man", binance.md §5 countdownCancelAll.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from accounts.models import ExchangeAccount
from orders.models import Order
from tradeops.domain.clock import Clock
from tradeops.domain.enums import CONDITIONAL_TYPES, OrderStatus, Source
from tradeops.domain.events import DeadManChanged
from tradeops.engine.ingest import record
from tradeops.exchange.errors import Ambiguous, ExchangeError
from tradeops.exchange.port import ExchangePort
from tradeops.kit.db import write_transaction
from tradeops.streams.models import DeadMan

logger = logging.getLogger(__name__)

ACTOR = "streams"
BEATS_A_COUNTDOWN = 4  # 120 s, armed again each 30 s
_RESTING = (OrderStatus.ACKNOWLEDGED, OrderStatus.PARTIALLY_FILLED)


class DeadManKeeper:
    """Arms, arms again and disarms for one account. `fence` raises StaleFence in a transaction.

    `look` runs off the loop and says what is to be done; `due` is called on the loop.
    """

    def __init__(
        self,
        account_id: int,
        *,
        countdown_ms: int,
        fence: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._account_id = account_id
        self._countdown_ms = countdown_ms
        self._fence = fence
        self._clock = clock
        self._beaten_s: dict[str, float] = {}

    @property
    def period_s(self) -> float:
        """How often a countdown is armed again."""
        return self._countdown_ms / 1000 / BEATS_A_COUNTDOWN

    def look(self) -> tuple[list[str], list[str]]:
        """Symbols to arm or to arm again now, and symbols to disarm. Raises StaleFence."""
        armed = set(
            DeadMan.objects.filter(account_id=self._account_id).values_list("symbol", flat=True)
        )
        wanted = self._wanted()
        if not wanted and not armed:
            return [], []
        with write_transaction():
            self._fence()  # only the holder may touch the countdown
        now_s = self._clock.monotonic_s()
        due = [
            symbol
            for symbol in sorted(wanted)
            if symbol not in armed or now_s >= self._beaten_s.get(symbol, 0.0) + self.period_s
        ]
        return due, sorted(armed - wanted)

    async def arm(self, port: ExchangePort, symbol: str) -> bool:
        """Start the countdown from the beginning; False when the venue surely did not take it.

        One that may run counts as armed, so that it is disarmed some time; and is due again.
        """
        asked_s = self._clock.monotonic_s()
        taken = await self._tell(port, symbol, self._countdown_ms)
        if taken:
            self._beaten_s[symbol] = asked_s
        return taken is not False

    async def disarm(self, port: ExchangePort, symbol: str) -> bool:
        """Stop the countdown; False when that is not known, and it is tried again."""
        self._beaten_s.pop(symbol, None)
        return await self._tell(port, symbol, 0) is True

    def note_armed(self, symbol: str, now: datetime) -> None:
        """Journal and show that a countdown runs, once. Raises StaleFence."""
        with write_transaction():
            if DeadMan.objects.filter(account_id=self._account_id, symbol=symbol).exists():
                return
            self._record(DeadManChanged(symbol, self._countdown_ms, "openings rest"), now)
            DeadMan.objects.create(
                account_id=self._account_id,
                symbol=symbol,
                countdown_ms=self._countdown_ms,
                armed_at=now,
            )

    def note_disarmed(self, symbol: str, now: datetime) -> None:
        """Journal that no countdown runs any more. Raises StaleFence."""
        with write_transaction():
            self._record(DeadManChanged(symbol, 0, "no opening rests, or switched off"), now)
            DeadMan.objects.filter(account_id=self._account_id, symbol=symbol).delete()

    def _record(self, event: DeadManChanged, now: datetime) -> None:
        record(
            self._account_id,
            [event],
            source=Source.ENGINE,
            actor=ACTOR,
            now=now,
            fence=self._fence,
        )

    def _wanted(self) -> set[str]:
        wants = ExchangeAccount.objects.filter(
            pk=self._account_id, is_active=True, dead_man_enabled=True
        )
        if not wants.exists():
            return set()
        resting = Order.objects.filter(
            account_id=self._account_id,
            status__in=_RESTING,
            reduce_only=False,
            close_position=False,
            is_external=False,
        ).exclude(order_type__in=CONDITIONAL_TYPES)
        return set(resting.values_list("symbol", flat=True))

    async def _tell(self, port: ExchangePort, symbol: str, countdown_ms: int) -> bool | None:
        """Whether the venue took it; None when nobody knows."""
        try:
            await port.arm_dead_man(symbol, countdown_ms)
        except ExchangeError as error:
            logger.warning(
                "account %s: countdown of %s not set to %s ms: %s",
                self._account_id,
                symbol,
                countdown_ms,
                error,
            )
            return None if isinstance(error, Ambiguous) else False
        return True
