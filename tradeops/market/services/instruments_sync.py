"""Keep the allowed instruments as the venue describes them (R0.5)."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from tradeops.domain.enums import Venue
from tradeops.domain.instrument import InstrumentSpec
from tradeops.kit.db import write_transaction
from tradeops.kit.portal import portal
from tradeops.market.models import Instrument
from tradeops.market.services.public_port import public_port

CALL_LIMIT_S = 20.0


def sync_instruments(*, now: datetime, venue: Venue = Venue.BINANCE_USDM) -> int:
    """Ask the venue for its contracts and store those of `ALLOWED_SYMBOLS`; how many changed.

    Must not be called inside a transaction.

    Raises:
        ExchangeError: the venue did not answer; nothing was written.
        TimeoutError: it did not answer in 20 s; nothing was written.
    """
    specs = portal().call(_ask(venue), timeout_s=CALL_LIMIT_S)
    return store_instruments(venue, specs, now=now)


async def _ask(venue: Venue) -> Sequence[InstrumentSpec]:
    port = public_port(venue)
    await port.open()
    try:
        return await port.instruments()
    finally:
        await port.close()


def store_instruments(venue: Venue, specs: Sequence[InstrumentSpec], *, now: datetime) -> int:
    """Write the allowed instruments that differ from the stored ones; how many did.

    An allowed symbol that the venue no longer lists is marked as not trading. An empty answer
    counts as a failed read and changes nothing (F14).
    """
    allowed = set(settings.ALLOWED_SYMBOLS)
    told = {spec.symbol: spec for spec in specs if spec.symbol in allowed}
    if not told:
        return 0
    with write_transaction():
        known = {row.symbol: row for row in Instrument.objects.filter(venue=venue)}
        changed = [
            _row(venue, spec, known.get(symbol), now)
            for symbol, spec in told.items()
            if symbol not in known or known[symbol].spec() != spec
        ]
        for symbol, row in known.items():
            if symbol not in told and row.is_trading:
                row.is_trading = False
                row.updated_at = now
                changed.append(row)
        for row in changed:
            row.save()
    return len(changed)


def _row(venue: Venue, spec: InstrumentSpec, known: Instrument | None, now: datetime) -> Instrument:
    row = known or Instrument(venue=venue)
    for item in dataclasses.fields(spec):
        setattr(row, item.name, getattr(spec, item.name))
    row.updated_at = now
    return row
