"""Balances and positions of the Binance dialect. Pure. Source: binance.md 5."""

from decimal import Decimal
from typing import Any

from tradeops.exchange.paper import margin
from tradeops.exchange.paper.amounts import E8, ZERO, at_scale, text
from tradeops.exchange.paper.ledger import QUOTE, Position
from tradeops.exchange.paper.margin import AccountMargin, SymbolMargin
from tradeops.exchange.paper.orders import BOTH, LONG, SHORT
from tradeops.exchange.paper.wire.calls import Call


def money(amount: Decimal) -> str:
    """Write quote money with eight decimals."""
    return at_scale(amount, E8)


def get_balance_v2(call: Call) -> Any:
    """GET /fapi/v2/balance and v3, which have the same fields."""
    account = call.member.account
    totals = _totals(call)
    return [
        {
            "accountAlias": account.name,
            "asset": QUOTE,
            "balance": money(account.wallet),
            "crossWalletBalance": money(account.cross_wallet),
            "crossUnPnl": money(totals.cross_unrealized),
            "availableBalance": money(totals.available),
            "maxWithdrawAmount": money(_withdrawable(call, totals)),
            "marginAvailable": True,
            "updateTime": account.updated_ms,
        }
    ]


def get_account_v3(call: Call) -> Any:
    """GET /fapi/v3/account: only symbols with a position or an open order."""
    body = _account_totals(call)
    body["positions"] = [_v3_position(call, position) for position in _shown_positions(call)]
    return body


def get_account_v2(call: Call) -> Any:
    """GET /fapi/v2/account: every symbol."""
    body = _account_totals(call)
    body |= {
        "feeTier": 0,
        "feeBurn": True,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
        "positions": [
            _v2_account_position(call, position)
            for symbol in call.venue.symbols
            for position in _sides(call, symbol)
        ],
    }
    body["assets"][0]["marginAvailable"] = True
    return body


def get_position_risk_v3(call: Call) -> Any:
    """GET /fapi/v3/positionRisk: only symbols with a position or an open order, no leverage."""
    wanted = call.optional_symbol()
    return [
        _v3_risk(call, position)
        for position in _shown_positions(call)
        if wanted is None or position.symbol == wanted
    ]


def get_position_risk_v2(call: Call) -> Any:
    """GET /fapi/v2/positionRisk: every symbol, with leverage and margin type."""
    wanted = call.optional_symbol()
    symbols = [wanted] if wanted else list(call.venue.symbols)
    return [_v2_risk(call, position) for symbol in symbols for position in _sides(call, symbol)]


def get_adl_quantile(call: Call) -> Any:
    """GET /fapi/v1/adlQuantile."""
    wanted, account = call.optional_symbol(), call.member.account
    ranks: dict[str, dict[str, int]] = {}
    for position in account.open_positions(wanted):
        rank = margin.adl_quantile(position, call.venue.mark(position.symbol))
        ranks.setdefault(position.symbol, {})[position.position_side] = rank
    rows = [{"symbol": symbol, "adlQuantile": sides} for symbol, sides in ranks.items()]
    return rows if wanted is None else (rows or [{"symbol": wanted, "adlQuantile": {BOTH: 0}}])[0]


def get_adl_risk(call: Call) -> Any:
    """GET /fapi/v1/symbolAdlRisk, of one symbol or all: this venue's insurance fund is endless."""
    wanted = call.optional_symbol()
    rows = [
        {"symbol": symbol, "adlRisk": "low", "updateTime": call.now_ms}
        for symbol in call.venue.symbols
        if wanted in (None, symbol)
    ]
    return rows if wanted is None else rows[0]


def _totals(call: Call) -> AccountMargin:
    member, venue = call.member, call.venue
    return margin.account_margin(member.account, member.books, venue.mark, venue.spec)


def _withdrawable(call: Call, totals: AccountMargin) -> Decimal:
    return max(ZERO, min(totals.available, call.member.account.cross_wallet))


def _account_totals(call: Call) -> dict[str, Any]:
    account, totals = call.member.account, _totals(call)
    initial = totals.position_initial + totals.order_initial
    common = {
        "initialMargin": money(initial),
        "maintMargin": money(totals.maintenance),
        "walletBalance": money(account.wallet),
        "unrealizedProfit": money(totals.unrealized),
        "marginBalance": money(account.wallet + totals.unrealized),
        "positionInitialMargin": money(totals.position_initial),
        "openOrderInitialMargin": money(totals.order_initial),
        "crossWalletBalance": money(account.cross_wallet),
        "crossUnPnl": money(totals.cross_unrealized),
    }
    rest = {
        "availableBalance": money(totals.available),
        "maxWithdrawAmount": money(_withdrawable(call, totals)),
    }
    body: dict[str, Any] = {
        f"total{key[0].upper()}{key[1:]}": value for key, value in common.items()
    }
    body |= rest
    body["assets"] = [{"asset": QUOTE, **common, **rest, "updateTime": account.updated_ms}]
    return body


def _sides(call: Call, symbol: str) -> list[Position]:
    """Both sides in hedge mode, the one of one-way mode otherwise; flat when never held."""
    account = call.member.account
    sides = (BOTH, LONG, SHORT) if account.hedge else (BOTH,)
    return [account.position(symbol, side) for side in sides]


def _shown_positions(call: Call) -> list[Position]:
    member = call.member
    shown = list(member.account.open_positions())
    held = {position.symbol for position in shown}
    for symbol, orders in member.books.open_by_symbol.items():
        if orders and symbol not in held:
            side = next(iter(orders.values())).position_side
            shown.append(member.account.position(symbol, side))
    return shown


def _used(call: Call, symbol: str) -> SymbolMargin:
    member = call.member
    orders = member.books.open_orders(symbol)
    return margin.symbol_margin(member.account, symbol, orders, call.venue.mark(symbol))


def _margins(call: Call, position: Position) -> dict[str, str]:
    """Initial and maintenance margin of one position, with its symbol's order margin."""
    mark = call.venue.mark(position.symbol)
    notional = abs(position.amount) * mark
    own = notional / call.member.account.leverage_of(position.symbol)
    used = _used(call, position.symbol)
    return {
        "initialMargin": money(own + used.orders),
        "maintMargin": money(margin.maintenance(call.venue.spec(position.symbol), notional)),
        "positionInitialMargin": money(own),
        "openOrderInitialMargin": money(used.orders),
    }


def _isolated_margin(call: Call, position: Position) -> Decimal:
    if position.symbol not in call.member.account.isolated or not position.amount:
        return ZERO
    return position.isolated_wallet + position.unrealized(call.venue.mark(position.symbol))


def _liquidation(call: Call, position: Position) -> str:
    price = margin.liquidation_price(
        call.member.account, position, call.venue.mark, call.venue.spec
    )
    return text(price) if price else "0"


def _v3_position(call: Call, position: Position) -> dict[str, Any]:
    mark = call.venue.mark(position.symbol)
    margins = _margins(call, position)
    return {
        "symbol": position.symbol,
        "positionSide": position.position_side,
        "positionAmt": _amount(call, position),
        "unrealizedProfit": money(position.unrealized(mark)),
        "isolatedMargin": money(_isolated_margin(call, position)),
        "notional": money(position.amount * mark),
        "isolatedWallet": money(position.isolated_wallet),
        "initialMargin": margins["initialMargin"],
        "maintMargin": margins["maintMargin"],
        "updateTime": position.updated_ms,
    }


def _v2_account_position(call: Call, position: Position) -> dict[str, Any]:
    account, used = call.member.account, _used(call, position.symbol)
    leverage = account.leverage_of(position.symbol)
    return {
        "symbol": position.symbol,
        **_margins(call, position),
        "unrealizedProfit": money(position.unrealized(call.venue.mark(position.symbol))),
        "leverage": str(leverage),
        "isolated": position.symbol in account.isolated,
        "entryPrice": text(position.entry),
        "breakEvenPrice": text(position.break_even),
        "maxNotional": text(margin.max_notional(call.venue.spec(position.symbol), leverage)),
        "bidNotional": text(used.bid_notional),
        "askNotional": text(used.ask_notional),
        "positionSide": position.position_side,
        "positionAmt": _amount(call, position),
        "updateTime": position.updated_ms,
    }


def _v3_risk(call: Call, position: Position) -> dict[str, Any]:
    mark, used = call.venue.mark(position.symbol), _used(call, position.symbol)
    return {
        "symbol": position.symbol,
        "positionSide": position.position_side,
        "positionAmt": _amount(call, position),
        "entryPrice": text(position.entry),
        "breakEvenPrice": text(position.break_even),
        "markPrice": money(mark),
        "unRealizedProfit": money(position.unrealized(mark)),
        "liquidationPrice": _liquidation(call, position),
        "isolatedMargin": money(_isolated_margin(call, position)),
        "notional": money(position.amount * mark),
        "marginAsset": QUOTE,
        "isolatedWallet": money(position.isolated_wallet),
        **_margins(call, position),
        "adl": margin.adl_quantile(position, mark),
        "bidNotional": text(used.bid_notional),
        "askNotional": text(used.ask_notional),
        "updateTime": position.updated_ms,
    }


def _v2_risk(call: Call, position: Position) -> dict[str, Any]:
    account, mark = call.member.account, call.venue.mark(position.symbol)
    leverage = account.leverage_of(position.symbol)
    return {
        "symbol": position.symbol,
        "positionAmt": _amount(call, position),
        "entryPrice": text(position.entry),
        "breakEvenPrice": text(position.break_even),
        "markPrice": money(mark),
        "unRealizedProfit": money(position.unrealized(mark)),
        "liquidationPrice": _liquidation(call, position),
        "leverage": str(leverage),
        "maxNotionalValue": text(margin.max_notional(call.venue.spec(position.symbol), leverage)),
        "marginType": "isolated" if position.symbol in account.isolated else "cross",
        "isolatedMargin": money(_isolated_margin(call, position)),
        "isAutoAddMargin": "false",
        "positionSide": position.position_side,
        "notional": money(position.amount * mark),
        "isolatedWallet": money(position.isolated_wallet),
        "updateTime": position.updated_ms,
    }


def _amount(call: Call, position: Position) -> str:
    return at_scale(position.amount, call.venue.spec(position.symbol).step_size)
