"""Stream frames: what they say, and that none of them can stop the stream."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeops.domain.enums import (
    LiquidityRole,
    MarginMode,
    OrderStatus,
    OrderType,
    PositionSide,
    Side,
    TimeInForce,
)
from tradeops.exchange.binance.frames import parse_frame
from tradeops.exchange.reports import (
    BalanceReport,
    FillReport,
    FundingReport,
    LeverageReport,
    MarkPriceReport,
    OrderReport,
    PositionReport,
    StreamNotice,
)

AT_MS = 1_759_347_763_200
AT = datetime(2025, 10, 1, 19, 42, 43, 200_000, tzinfo=UTC)


def order_update(**changes: Any) -> dict[str, Any]:
    order = {
        "s": "BTCUSDT", "c": "ae-1", "S": "BUY", "o": "LIMIT", "f": "GTC", "q": "0.010",
        "p": "61000.10", "ap": "61000.05", "sp": "0", "x": "TRADE", "X": "PARTIALLY_FILLED",
        "i": 8389765739703625592, "l": "0.004", "z": "0.006", "L": "61000.00", "N": "USDT",
        "n": "0.04880000", "T": AT_MS, "t": 4467432841, "b": "0", "a": "0", "m": True, "R": False,
        "wt": "CONTRACT_PRICE", "ot": "LIMIT", "ps": "BOTH", "cp": False, "rp": "1.25",
        "V": "EXPIRE_MAKER", "pm": "NONE", "gtd": 0, "er": "0",
    }  # fmt: skip
    return {"e": "ORDER_TRADE_UPDATE", "E": AT_MS + 1, "T": AT_MS, "o": order | changes}


def account_update(**changes: Any) -> dict[str, Any]:
    account = {
        "m": "ORDER",
        "B": [{"a": "USDT", "wb": "9999.9512", "cw": "9990", "bc": "0"}],
        "P": [
            {
                "s": "BTCUSDT", "pa": "-0.089", "ep": "19700.03933", "cr": "-1260.2", "up": "1.53",
                "mt": "isolated", "iw": "87.13", "ps": "SHORT",
            }
        ],
    }  # fmt: skip
    return {"e": "ACCOUNT_UPDATE", "E": AT_MS + 1, "T": AT_MS, "a": account | changes}


def test_parse_frame_trade_gives_fill_before_order() -> None:
    items = parse_frame(json.dumps(order_update()))

    assert items == [
        FillReport(
            symbol="BTCUSDT",
            trade_id="4467432841",
            venue_order_id="8389765739703625592",
            client_order_id="ae-1",
            side=Side.BUY,
            position_side=PositionSide.BOTH,
            price=Decimal("61000.00"),
            quantity=Decimal("0.004"),
            commission=Decimal("0.04880000"),
            commission_asset="USDT",
            realized_pnl=Decimal("1.25"),
            liquidity=LiquidityRole.MAKER,
            traded_at=AT,
        ),
        OrderReport(
            symbol="BTCUSDT",
            venue_order_id="8389765739703625592",
            client_order_id="ae-1",
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            status=OrderStatus.PARTIALLY_FILLED,
            quantity=Decimal("0.010"),
            filled_quantity=Decimal("0.006"),
            price=Decimal("61000.10"),
            average_price=Decimal("61000.05"),
            time_in_force=TimeInForce.GTC,
            reduce_only=False,
            close_position=False,
            position_side=PositionSide.BOTH,
            updated_at=AT,
        ),
    ]


def test_parse_frame_wrapped_or_bytes_or_dict_says_the_same() -> None:
    frame = order_update()
    wrapped = {"stream": "listen-key", "data": frame}

    assert (
        parse_frame(json.dumps(frame))
        == parse_frame(json.dumps(wrapped).encode())
        == parse_frame(frame)
        == parse_frame(wrapped)
    )


@pytest.mark.parametrize(
    ("venue", "filled", "ours"),
    [
        ("NEW", "0", OrderStatus.ACKNOWLEDGED),
        ("PARTIALLY_FILLED", "0.004", OrderStatus.PARTIALLY_FILLED),
        ("FILLED", "0.010", OrderStatus.FILLED),
        ("CANCELED", "0.004", OrderStatus.CANCELLED),
        ("REJECTED", "0", OrderStatus.REJECTED),
        ("EXPIRED", "0", OrderStatus.EXPIRED),
        ("EXPIRED_IN_MATCH", "0", OrderStatus.EXPIRED),
        ("NEW_INSURANCE", "0.010", OrderStatus.FILLED),
        ("NEW_ADL", "0.004", OrderStatus.PARTIALLY_FILLED),
        ("CALCULATED", "0", OrderStatus.ACKNOWLEDGED),
        ("SOMETHING_OF_2027", "0.004", OrderStatus.PARTIALLY_FILLED),
        ("SOMETHING_OF_2027", "0", OrderStatus.ACKNOWLEDGED),
    ],
)
def test_parse_frame_order_status_is_translated(venue: str, filled: str, ours: OrderStatus) -> None:
    (report,) = parse_frame(order_update(x="NEW", X=venue, z=filled))

    assert isinstance(report, OrderReport)
    assert report.status is ours


def test_parse_frame_unknown_words_never_raise() -> None:
    frame = order_update(x="NEW", o="ICEBERG", ot="ICEBERG", f="RPI", ps="NET", brandNew={"a": [1]})

    (report,) = parse_frame(frame)

    assert isinstance(report, OrderReport)
    assert report.order_type is OrderType.OTHER
    assert report.time_in_force is TimeInForce.OTHER
    assert report.position_side is PositionSide.BOTH


@pytest.mark.parametrize(
    ("client_id", "reason"),
    [
        ("autoclose-1234567890123456", "liquidation"),
        ("adl_autoclose", "auto-deleveraging"),
        ("settlement_autoclose-1", "settlement"),
        ("delivery_autoclose-1", "delivery"),
    ],
)
@pytest.mark.parametrize("execution", ["TRADE", "CALCULATED"])
def test_parse_frame_order_of_the_venue_itself_is_a_fill(
    client_id: str, reason: str, execution: str
) -> None:
    fill, report = parse_frame(order_update(c=client_id, x=execution, X="FILLED", z="0.010"))

    assert isinstance(fill, FillReport)
    assert fill.client_order_id == client_id
    assert isinstance(report, OrderReport)
    assert report.reason == reason


@pytest.mark.parametrize(
    "changes",
    [{"x": "NEW", "l": "0", "t": 0}, {"x": "CALCULATED", "l": "0", "t": 5}, {"t": 0}, {"t": None}],
    ids=["new", "nothing executed", "no trade id yet", "trade id null"],
)
def test_parse_frame_without_an_execution_gives_no_fill(changes: dict[str, Any]) -> None:
    assert [type(item) for item in parse_frame(order_update(**changes))] == [OrderReport]


def test_parse_frame_expiry_reason_is_told_in_words() -> None:
    (report,) = parse_frame(order_update(x="EXPIRED", X="EXPIRED", er="9"))

    assert isinstance(report, OrderReport)
    assert report.reason == "market order remainder"


def test_parse_frame_fill_without_commission_costs_nothing() -> None:
    frame = order_update()
    del frame["o"]["n"], frame["o"]["N"]

    fill = parse_frame(frame)[0]

    assert isinstance(fill, FillReport)
    assert (fill.commission, fill.commission_asset) == (Decimal(0), "")


def test_parse_frame_account_update_gives_balance_and_signed_position() -> None:
    balance, position = parse_frame(account_update())

    assert balance == BalanceReport(
        asset="USDT",
        wallet_balance=Decimal("9999.9512"),
        updated_at=AT,
        cross_wallet=Decimal(9990),
        change=Decimal(0),
        reason="ORDER",
    )
    assert position == PositionReport(
        symbol="BTCUSDT",
        position_side=PositionSide.SHORT,
        quantity=Decimal("-0.089"),
        entry_price=Decimal("19700.03933"),
        updated_at=AT,
        unrealized_pnl=Decimal("1.53"),
        margin_mode=MarginMode.ISOLATED,
        isolated_wallet=Decimal("87.13"),
    )


@pytest.mark.parametrize(
    ("changes", "symbol"),
    [({"P": []}, ""), ({"P": [], "S": "ETHUSDT"}, "ETHUSDT"), ({}, "BTCUSDT")],
    ids=["cross, old", "cross, told", "isolated"],
)
def test_parse_frame_funding_fee_gives_its_amount(changes: dict[str, Any], symbol: str) -> None:
    paid = [{"a": "USDT", "wb": "9998", "cw": "9998", "bc": "-1.5"}]

    items = parse_frame(account_update(m="FUNDING_FEE", B=paid, **changes))

    assert items[-1] == FundingReport("USDT", Decimal("-1.5"), AT, symbol)


def test_parse_frame_leverage_change_is_reported() -> None:
    frame = {"e": "ACCOUNT_CONFIG_UPDATE", "E": 1, "T": AT_MS, "ac": {"s": "BTCUSDT", "l": 25}}

    assert parse_frame(frame) == [LeverageReport("BTCUSDT", 25, AT)]


def test_parse_frame_mark_price_is_reported() -> None:
    frame = {
        "e": "markPriceUpdate", "E": AT_MS, "s": "BTCUSDT", "p": "11794.15000000",
        "i": "11784.62659091", "P": "11784.25641265", "r": "0.00038167", "T": AT_MS, "st": 1,
    }  # fmt: skip

    assert parse_frame(frame) == [
        MarkPriceReport(
            symbol="BTCUSDT",
            mark_price=Decimal("11794.15000000"),
            updated_at=AT,
            index_price=Decimal("11784.62659091"),
            funding_rate=Decimal("0.00038167"),
            next_funding_at=AT,
        )
    ]


def test_parse_frame_mark_price_of_coin_margined_symbol_is_ignored() -> None:
    frame = {"e": "markPriceUpdate", "E": AT_MS, "s": "BTCUSD_PERP", "p": "1", "T": 0, "st": 2}

    (notice,) = parse_frame(frame)

    assert isinstance(notice, StreamNotice)
    assert notice.kind == "IGNORED"


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"e": "TRADE_LITE", "s": "BTCUSDT", "t": 1}, "IGNORED"),
        ({"e": "ACCOUNT_CONFIG_UPDATE", "T": 1, "ai": {"j": True}}, "IGNORED"),
        ({"result": None, "id": 3}, "IGNORED"),
        ({"e": "listenKeyExpired", "E": 1, "listenKey": "x"}, "LISTEN_KEY_EXPIRED"),
        ({"e": "MARGIN_CALL", "E": 1, "cw": "3.1", "p": []}, "MALFORMED"),
        ({"e": "ALGO_UPDATE", "T": 1, "o": {}}, "MALFORMED"),
        ({"e": "EVENT_OF_2027", "T": 1}, "UNKNOWN"),
        ({"e": ["ORDER_TRADE_UPDATE"], "o": order_update()["o"]}, "UNKNOWN"),
        ({"e": "ORDER_TRADE_UPDATE", "T": 1, "o": {"s": "BTCUSDT"}}, "MALFORMED"),
        ({"e": "ORDER_TRADE_UPDATE", "T": 1}, "MALFORMED"),
        ({"e": "ACCOUNT_UPDATE", "T": "x", "a": {}}, "MALFORMED"),
        (order_update(q="NaN"), "MALFORMED"),
        (order_update(L="Infinity"), "MALFORMED"),
        (order_update(S="HOLD"), "MALFORMED"),
        (b"\xff\xfe", "MALFORMED"),
        ("{", "MALFORMED"),
        ("", "MALFORMED"),
        ("[" * 100_000, "MALFORMED"),
        ("17", "IGNORED"),
    ],
)
def test_parse_frame_what_is_no_fact_is_one_notice(frame: Any, kind: str) -> None:
    (notice,) = parse_frame(frame)

    assert isinstance(notice, StreamNotice)
    assert notice.kind == kind


def test_parse_frame_poison_in_a_list_does_not_hide_its_neighbour() -> None:
    good = {"e": "markPriceUpdate", "E": 1, "s": "BTCUSDT", "p": "2", "T": 0}

    poison, mark = parse_frame(json.dumps([{"e": "markPriceUpdate", "s": ""}, good]))

    assert isinstance(poison, StreamNotice)
    assert isinstance(mark, MarkPriceReport)


# A few characters that matter; the whole of Unicode is slow to set up on a cold machine.
TEXT = st.text("aB0.-_é\x00", max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*order_update()["o"], "zz"]), JSON, max_size=5))
def test_parse_frame_arbitrary_order_fields_never_raise(changes: dict[str, Any]) -> None:
    assert parse_frame(order_update(**changes))


@given(st.sampled_from(["a", "T", "E"]), JSON)
def test_parse_frame_arbitrary_account_never_raises(key: str, value: Any) -> None:
    assert parse_frame(account_update() | {key: value})


@given(st.binary(max_size=64))
def test_parse_frame_arbitrary_bytes_never_raise(raw: bytes) -> None:
    assert parse_frame(raw) or raw.strip() == b"[]"
