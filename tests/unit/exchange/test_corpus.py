"""Every USD-M payload that others have published can be read."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tradeops.exchange.binance import parse
from tradeops.exchange.binance.frames import parse_frame
from tradeops.exchange.reports import (
    BalanceReport,
    FillReport,
    IncomeReport,
    LeverageReport,
    MarkPriceReport,
    OrderReport,
    PositionReport,
    StreamItem,
    StreamNotice,
)

ROOT = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "binance"
FILES = sorted(ROOT.glob("*/*.json"))

pytestmark = pytest.mark.skipif(not FILES, reason=f"no corpus of real payloads at {ROOT}")


def _items(path: Path) -> list[StreamItem]:
    return list(parse_frame(path.read_bytes()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_parse_frame_published_payload_is_known_and_readable(path: Path) -> None:
    items = _items(path)

    strange = [
        item
        for item in items
        if isinstance(item, StreamNotice) and item.kind in {"UNKNOWN", "MALFORMED"}
    ]
    assert not strange


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rest/docs2026__new_order", {OrderReport: 1}),
        ("rest/docs2026__query_order", {OrderReport: 1}),
        ("rest/docs2026__current_all_open_orders", {OrderReport: 1}),
        ("rest/docs2026__cancel_order", {OrderReport: 1}),
        ("rest/docs2026__account_trade_list", {FillReport: 1}),
        ("rest/docs2026__position_information_v2", {PositionReport: 1}),
        ("rest/docs2026__position_information_v3", {PositionReport: 1}),
        ("rest/docs2026__futures_account_balance_v2", {BalanceReport: 1}),
        ("rest/docs2026__symbol_configuration", {LeverageReport: 1}),
        ("rest/docs2026__change_initial_leverage", {LeverageReport: 1}),
        ("rest/docs2026__mark_price", {MarkPriceReport: 1}),
        ("rest/nautilus_py__account_positions_hedge", {PositionReport: 2}),
        ("wsapi/docs2026__new_order", {OrderReport: 1}),
        ("wsapi/docs2026__position_information_v2", {PositionReport: 1}),
        ("ws/docs2026__mark_price_stream_for_all_market", {MarkPriceReport: 1}),
        ("ws/nautilus_rs__account_update", {BalanceReport: 1, PositionReport: 3}),
        ("ws/nautilus_rs__order_update_trade", {FillReport: 1, OrderReport: 1}),
        ("ws/nautilus_rs__order_update_new", {OrderReport: 1}),
        ("ws/nautilus_rs__order_update_adl", {FillReport: 1, OrderReport: 1}),
        ("ws/nautilus_rs__order_update_insurance", {FillReport: 1, OrderReport: 1}),
        ("ws/nautilus_rs__order_update_settlement", {FillReport: 1, OrderReport: 1}),
        ("ws/nautilus_rs__order_update_delivery", {FillReport: 1, OrderReport: 1}),
        ("ws/nautilus_rs__order_update_calculated", {FillReport: 1, OrderReport: 1}),
        ("ws/nautilus_rs__order_update_calculated_pending", {OrderReport: 1}),
        ("rest/docs2026__new_algo_order", {OrderReport: 1}),
        ("rest/docs2026__query_algo_order", {OrderReport: 1}),
        ("rest/docs2026__query_all_algo_orders", {OrderReport: 1}),
        ("rest/docs2026__current_all_algo_open_orders", {OrderReport: 1}),
        ("rest/nautilus_rs__open_algo_orders", {OrderReport: 1}),
        ("rest/nautilus_rs_inline__test_parse_algo_order_triggered", {OrderReport: 1}),
        ("rest/docs2026__modify_order", {OrderReport: 1}),
        ("rest/docs2026__get_income_history", {IncomeReport: 1}),
        ("wsapi/docs2026__new_algo_order", {OrderReport: 1}),
        ("ws/docs__ALGO_UPDATE_CANCELED", {OrderReport: 1}),
        ("ws/nautilus_rs__algo_update_new", {OrderReport: 1}),
        ("ws/nautilus_py__algo_update_triggering", {OrderReport: 1}),
        ("ws/nautilus_py__algo_update_triggered", {OrderReport: 1}),
        ("ws/nautilus_py__algo_update_finished", {OrderReport: 1}),
        ("ws/nautilus_py__algo_update_finished_canceled", {OrderReport: 1}),
        ("ws/nautilus_rs_inline__build_amendment_order_update", {OrderReport: 1}),
        ("ws/nautilus_py__order_update_liquidation", {FillReport: 1, OrderReport: 1}),
        ("ws/nautilus_py__order_update_liquidation_zero_qty", {OrderReport: 1}),
    ],
)
def test_parse_frame_published_payload_gives_its_facts(
    name: str, expected: dict[type, int]
) -> None:
    assert Counter(type(item) for item in _items(ROOT / f"{name}.json")) == expected


@pytest.mark.parametrize(
    ("name", "count"),
    [("nautilus_py__market_exchange_info", 2), ("cryptofeed__fapi_v1_exchangeInfo", 100)],
)
def test_instruments_published_exchange_info_gives_sizable_contracts(name: str, count: int) -> None:
    payload: dict[str, Any] = json.loads((ROOT / "rest" / f"{name}.json").read_bytes())

    specs = parse.instruments(payload)

    bitcoin = next(spec for spec in specs if spec.symbol == "BTCUSDT")
    assert len(specs) >= count
    assert bitcoin.step_size == bitcoin.min_quantity
    assert all(spec.tick_size > 0 and spec.market_step_size > 0 for spec in specs)
    assert "REQUEST_WEIGHT:60" in parse.rate_limits(payload)
