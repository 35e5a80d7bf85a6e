"""The ten symbols the paper venue lists: filters and leverage brackets, as plain data.

Filters are those of captured ``exchangeInfo`` replies (BTCUSDT and ETHUSDT 2022-02-19, the others
2021-07-21), with the minimum notionals of 2026: BTCUSDT 50, ETHUSDT 20, the others 5 USDT. One
exception: BTCUSDT's price band is the 2021 one, since the 2022 capture holds a one-off value.
``price_precision`` is deliberately the venue's and not derived from the tick, as on the venue.
Nothing here may know about accounts, orders or time.
"""

from dataclasses import dataclass
from decimal import Decimal

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Bracket:
    """One notional range of a symbol: the leverage it admits and its maintenance margin.

    Maintenance margin in the bracket = ``notional × maint_margin_ratio − cum`` (USDT).
    """

    bracket: int
    initial_leverage: int
    notional_floor: Decimal
    notional_cap: Decimal
    maint_margin_ratio: Decimal
    cum: Decimal


@dataclass(frozen=True, slots=True)
class InstrumentSpec:
    """Rules of one perpetual: prices in quote per base, quantities in base, notionals in quote."""

    symbol: str
    base: str
    quote: str
    tick_size: Decimal
    step_size: Decimal
    market_step_size: Decimal
    min_qty: Decimal
    max_qty: Decimal
    market_max_qty: Decimal
    min_notional: Decimal
    price_precision: int
    quantity_precision: int
    multiplier_up: Decimal
    multiplier_down: Decimal
    max_leverage: int
    start_price: Decimal
    brackets: tuple[Bracket, ...]
    min_price: Decimal
    max_price: Decimal
    liquidation_fee: Decimal
    market_take_bound: Decimal
    trigger_protect: Decimal


def brackets_from(rows: tuple[tuple[int, str, str], ...]) -> tuple[Bracket, ...]:
    """Complete brackets given as (leverage, notional cap, maintenance ratio), ascending by cap.

    Formula: ``cum_n = cum_{n-1} + floor_n × (ratio_n − ratio_{n-1})``, which makes the maintenance
    margin continuous where one bracket ends and the next begins.
    """
    result: list[Bracket] = []
    floor = cum = last_ratio = _ZERO
    for number, (leverage, cap_text, ratio_text) in enumerate(rows, 1):
        cap, ratio = Decimal(cap_text), Decimal(ratio_text)
        cum += floor * (ratio - last_ratio)
        result.append(Bracket(number, leverage, floor, cap, ratio, cum))
        floor, last_ratio = cap, ratio
    return tuple(result)


_BTC_BRACKETS = brackets_from(
    (
        (125, "50000", "0.004"),
        (100, "600000", "0.005"),
        (75, "3000000", "0.0065"),
        (50, "12000000", "0.01"),
        (25, "70000000", "0.02"),
        (20, "100000000", "0.025"),
        (10, "230000000", "0.05"),
        (5, "480000000", "0.1"),
        (4, "600000000", "0.125"),
        (3, "800000000", "0.15"),
        (2, "1200000000", "0.25"),
        (1, "1800000000", "0.5"),
    )
)
_ETH_BRACKETS = brackets_from(
    (
        (125, "50000", "0.004"),
        (100, "600000", "0.005"),
        (75, "3000000", "0.0065"),
        (50, "12000000", "0.01"),
        (25, "50000000", "0.02"),
        (20, "65000000", "0.025"),
        (10, "150000000", "0.05"),
        (5, "320000000", "0.1"),
        (4, "400000000", "0.125"),
        (3, "530000000", "0.15"),
        (2, "800000000", "0.25"),
        (1, "1200000000", "0.5"),
    )
)
_ALT_BRACKETS = brackets_from(
    (
        (75, "10000", "0.0065"),
        (50, "100000", "0.01"),
        (25, "1000000", "0.02"),
        (20, "2000000", "0.025"),
        (10, "5000000", "0.05"),
        (5, "10000000", "0.1"),
        (4, "12500000", "0.125"),
        (2, "25000000", "0.25"),
        (1, "50000000", "0.5"),
    )
)


def _spec(
    base: str,
    *,
    tick: str,
    step: str,
    max_qty: str,
    market_max_qty: str,
    price_range: tuple[str, str],
    precision: tuple[int, int],
    start: str,
    min_notional: str = "5",
    band: tuple[str, str] = ("1.1500", "0.8500"),
    brackets: tuple[Bracket, ...] = _ALT_BRACKETS,
    liquidation_fee: str = "0.005000",
    take_bound: str = "0.30",
    trigger_protect: str = "0.0500",
) -> InstrumentSpec:
    return InstrumentSpec(
        symbol=f"{base}USDT",
        base=base,
        quote="USDT",
        tick_size=Decimal(tick),
        step_size=Decimal(step),
        market_step_size=Decimal(step),
        min_qty=Decimal(step),
        max_qty=Decimal(max_qty),
        market_max_qty=Decimal(market_max_qty),
        min_notional=Decimal(min_notional),
        price_precision=precision[0],
        quantity_precision=precision[1],
        multiplier_up=Decimal(band[0]),
        multiplier_down=Decimal(band[1]),
        max_leverage=brackets[0].initial_leverage,
        start_price=Decimal(start),
        brackets=brackets,
        min_price=Decimal(price_range[0]),
        max_price=Decimal(price_range[1]),
        liquidation_fee=Decimal(liquidation_fee),
        market_take_bound=Decimal(take_bound),
        trigger_protect=Decimal(trigger_protect),
    )


INSTRUMENTS: tuple[InstrumentSpec, ...] = (
    _spec(
        "BTC",
        tick="0.10",
        step="0.001",
        max_qty="1000",
        market_max_qty="1000",
        price_range=("402", "1246396.60"),
        precision=(2, 3),
        start="61800.00",
        min_notional="50",
        brackets=_BTC_BRACKETS,
        liquidation_fee="0.012000",
    ),
    _spec(
        "ETH",
        tick="0.01",
        step="0.001",
        max_qty="10000",
        market_max_qty="10000",
        price_range=("28.23", "144004.03"),
        precision=(2, 3),
        start="2650.00",
        min_notional="20",
        band=("1.1000", "0.9000"),
        brackets=_ETH_BRACKETS,
        liquidation_fee="0.030000",
        take_bound="0.10",
    ),
    _spec(
        "BNB",
        tick="0.010",
        step="0.01",
        max_qty="100000",
        market_max_qty="20000",
        price_range=("6.600", "100000"),
        precision=(3, 2),
        start="512.000",
    ),
    _spec(
        "SOL",
        tick="0.0010",
        step="1",
        max_qty="10000000",
        market_max_qty="20000",
        price_range=("0.4130", "400"),
        precision=(4, 0),
        start="155.0000",
        liquidation_fee="0.007500",
        trigger_protect="0.1500",
    ),
    _spec(
        "XRP",
        tick="0.0001",
        step="0.1",
        max_qty="1000000",
        market_max_qty="1000000",
        price_range=("0.0143", "100000"),
        precision=(4, 1),
        start="0.6100",
    ),
    _spec(
        "ADA",
        tick="0.00010",
        step="1",
        max_qty="10000000",
        market_max_qty="3000000",
        price_range=("0.01740", "100000"),
        precision=(5, 0),
        start="0.34000",
    ),
    _spec(
        "DOGE",
        tick="0.000010",
        step="1",
        max_qty="10000000",
        market_max_qty="5000000",
        price_range=("0.002440", "10"),
        precision=(6, 0),
        start="0.100000",
        liquidation_fee="0.007500",
        trigger_protect="0.1500",
    ),
    _spec(
        "LINK",
        tick="0.001",
        step="0.01",
        max_qty="100000",
        market_max_qty="100000",
        price_range=("0.464", "100000"),
        precision=(3, 2),
        start="10.400",
    ),
    _spec(
        "LTC",
        tick="0.01",
        step="0.001",
        max_qty="10000",
        market_max_qty="10000",
        price_range=("3.61", "100000"),
        precision=(2, 3),
        start="63.00",
    ),
    _spec(
        "AVAX",
        tick="0.0010",
        step="1",
        max_qty="10000000",
        market_max_qty="25000",
        price_range=("0.3480", "1000"),
        precision=(4, 0),
        start="22.0000",
        liquidation_fee="0.007500",
        trigger_protect="0.1500",
    ),
)
