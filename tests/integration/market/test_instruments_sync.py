"""Instruments come from the venue, only the allowed ones, and change only when it says so."""

import dataclasses
from datetime import UTC, datetime
from decimal import Decimal

from pytest_django import Settings

from tests.support.paper import PaperServer
from tradeops.domain.enums import Venue
from tradeops.market.models import Instrument
from tradeops.market.services.instruments_sync import store_instruments, sync_instruments

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)


def test_sync_stores_the_allowed_symbols_once(
    venue: PaperServer, committed_db: None, settings: Settings
) -> None:
    settings.ALLOWED_SYMBOLS = ("BTCUSDT", "ETHUSDT", "NOSUCHUSDT")

    assert sync_instruments(now=NOW) == 2
    assert sync_instruments(now=LATER) == 0

    spec = Instrument.objects.get(symbol="BTCUSDT").spec()
    assert spec.tick_size == Decimal("0.1")
    assert spec.step_size == Decimal("0.001")
    assert sorted(Instrument.objects.values_list("symbol", flat=True)) == ["BTCUSDT", "ETHUSDT"]
    assert set(Instrument.objects.values_list("updated_at", flat=True)) == {NOW}


def test_store_updates_what_differs_and_stops_what_is_gone(
    venue: PaperServer, committed_db: None, settings: Settings
) -> None:
    settings.ALLOWED_SYMBOLS = ("BTCUSDT", "ETHUSDT")
    sync_instruments(now=NOW)
    btc = Instrument.objects.get(symbol="BTCUSDT").spec()

    finer = dataclasses.replace(btc, min_notional=Decimal(60))
    changed = store_instruments(Venue.BINANCE_USDM, [finer], now=LATER)

    assert changed == 2
    assert Instrument.objects.get(symbol="BTCUSDT").min_notional == Decimal(60)
    assert not Instrument.objects.get(symbol="ETHUSDT").is_trading


def test_store_takes_an_empty_answer_for_a_failed_read(
    venue: PaperServer, committed_db: None
) -> None:
    sync_instruments(now=NOW)
    before = list(Instrument.objects.order_by("pk").values())

    assert store_instruments(Venue.BINANCE_USDM, [], now=LATER) == 0

    assert list(Instrument.objects.order_by("pk").values()) == before
