from decimal import Decimal

import pytest

from tradeops.exchange.paper.instruments import INSTRUMENTS, InstrumentSpec

each_instrument = pytest.mark.parametrize("spec", INSTRUMENTS, ids=lambda spec: spec.symbol)


def test_instruments_are_ten_and_bitcoin_comes_first() -> None:
    symbols = [spec.symbol for spec in INSTRUMENTS]

    assert symbols[0] == "BTCUSDT"
    assert symbols[1] == "ETHUSDT"
    assert len(set(symbols)) == len(symbols) == 10


def test_minimum_notionals_are_those_of_2026() -> None:
    least = {spec.symbol: spec.min_notional for spec in INSTRUMENTS}

    assert least.pop("BTCUSDT") == 50
    assert least.pop("ETHUSDT") == 20
    assert set(least.values()) == {Decimal(5)}


@each_instrument
def test_start_price_fits_tick_and_range(spec: InstrumentSpec) -> None:
    assert spec.start_price % spec.tick_size == 0
    assert spec.min_price * 2 < spec.start_price < spec.max_price / 2


@each_instrument
def test_quantities_fit_the_step(spec: InstrumentSpec) -> None:
    for quantity in (spec.min_qty, spec.max_qty, spec.market_max_qty):
        assert quantity > 0
        assert quantity % spec.step_size == 0
    assert spec.min_qty <= spec.market_max_qty <= spec.max_qty


@each_instrument
def test_brackets_adjoin_and_grow_stricter(spec: InstrumentSpec) -> None:
    assert spec.brackets[0].notional_floor == 0
    assert spec.max_leverage == spec.brackets[0].initial_leverage
    assert [b.bracket for b in spec.brackets] == list(range(1, len(spec.brackets) + 1))
    for lower, upper in zip(spec.brackets, spec.brackets[1:], strict=False):
        assert lower.notional_cap == upper.notional_floor
        assert lower.initial_leverage > upper.initial_leverage
        assert lower.maint_margin_ratio < upper.maint_margin_ratio


@each_instrument
def test_maintenance_margin_has_no_jump_between_brackets(spec: InstrumentSpec) -> None:
    for lower, upper in zip(spec.brackets, spec.brackets[1:], strict=False):
        edge = lower.notional_cap

        below = edge * lower.maint_margin_ratio - lower.cum
        above = edge * upper.maint_margin_ratio - upper.cum

        assert below == above


@each_instrument
def test_initial_margin_exceeds_maintenance_in_every_bracket(spec: InstrumentSpec) -> None:
    for bracket in spec.brackets:
        assert Decimal(1) / bracket.initial_leverage > bracket.maint_margin_ratio


def test_bitcoin_cum_equals_the_published_table() -> None:
    cum = [bracket.cum for bracket in INSTRUMENTS[0].brackets]

    assert cum[:6] == [0, 50, 950, 11_450, 131_450, 481_450]
    assert cum[-1] == 421_481_450
