"""Account settings, brackets and income of the Binance dialect. Pure. Source: binance.md 5."""

from typing import Any

from tradeops.exchange.paper import margin, settings
from tradeops.exchange.paper.amounts import text
from tradeops.exchange.paper.ledger import MAKER_RATE, QUOTE, TAKER_RATE
from tradeops.exchange.paper.orders import BOTH, Refusal
from tradeops.exchange.paper.wire.binance_orders import (
    BAD_POSITION_SIDE,
    DEFAULT_ROWS,
    MAX_ROWS,
    POSITION_SIDES,
    time_window,
)
from tradeops.exchange.paper.wire.binance_positions import money
from tradeops.exchange.paper.wire.calls import Call, ParamError
from tradeops.exchange.paper.wire.errors import illegal, missing, refused

ADD_DONE = "Successfully add position margin."
CUT_DONE = "Successfully reduce position margin."
SUCCESS = {"code": 200, "msg": "success"}


def post_leverage(call: Call) -> Any:
    """POST /fapi/v1/leverage."""
    symbol, leverage = call.symbol(), call.integer("leverage")
    cap = settings.set_leverage(call.venue, call.member, symbol, leverage, call.now_ms)
    if isinstance(cap, Refusal):
        return refused(cap)
    return {"leverage": leverage, "maxNotionalValue": text(cap), "symbol": symbol}


def post_margin_type(call: Call) -> Any:
    """POST /fapi/v1/marginType."""
    kind = call.one_of("marginType", ("ISOLATED", "CROSSED"), illegal("marginType"))
    failed = settings.set_margin_type(
        call.venue, call.member, call.symbol(), isolated=kind == "ISOLATED", now_ms=call.now_ms
    )
    return refused(failed) if failed else SUCCESS


def post_position_margin(call: Call) -> Any:
    """POST /fapi/v1/positionMargin: type 1 adds, 2 takes away."""
    kind = call.integer("type")
    if kind not in (settings.ADD, settings.CUT):
        raise ParamError(missing("type"))
    amount = call.decimal("amount")
    side = call.one_of("positionSide", POSITION_SIDES, BAD_POSITION_SIDE, BOTH)
    failed = settings.move_margin(
        call.venue,
        call.member,
        call.symbol(),
        position_side=side,
        amount=amount,
        kind=kind,
        now_ms=call.now_ms,
    )
    if failed:
        return refused(failed)
    done = ADD_DONE if kind == settings.ADD else CUT_DONE
    return {"amount": float(amount), "code": 200, "msg": done, "type": kind}


def get_margin_history(call: Call) -> Any:
    """GET /fapi/v1/positionMargin/history: of a symbol, newest last."""
    symbol, kind = call.symbol(), call.integer("type", 0)
    limit = min(call.integer("limit", DEFAULT_ROWS), MAX_ROWS)
    first, last = time_window(call)
    rows = [
        {
            "symbol": symbol,
            "type": move.kind,
            "deltaType": "USER_ADJUST",
            "amount": money(move.amount),
            "asset": QUOTE,
            "time": move.at_ms,
            "positionSide": move.position_side,
        }
        for move in call.member.margin_moves
        if move.symbol == symbol and kind in (0, move.kind) and first <= move.at_ms <= last
    ]
    return rows[-limit:]


def post_position_mode(call: Call) -> Any:
    """POST /fapi/v1/positionSide/dual."""
    call.text("dualSidePosition")
    failed = settings.set_hedge(call.member, hedge=call.flag("dualSidePosition"))
    return refused(failed) if failed else SUCCESS


def get_position_mode(call: Call) -> Any:
    """GET /fapi/v1/positionSide/dual."""
    return {"dualSidePosition": call.member.account.hedge}


def get_multi_assets(_call: Call) -> Any:
    """GET /fapi/v1/multiAssetsMargin: this venue has single-asset mode only."""
    return {"multiAssetsMargin": False}


def get_leverage_bracket(call: Call) -> Any:
    """GET /fapi/v1/leverageBracket, of one symbol or all."""
    wanted = call.optional_symbol()
    rows = [
        {
            "symbol": symbol,
            "brackets": [
                {
                    "bracket": b.bracket,
                    "initialLeverage": b.initial_leverage,
                    "notionalCap": int(b.notional_cap),
                    "notionalFloor": int(b.notional_floor),
                    "maintMarginRatio": float(b.maint_margin_ratio),
                    "cum": float(b.cum),
                }
                for b in state.spec.brackets
            ],
        }
        for symbol, state in call.venue.symbols.items()
        if wanted in (None, symbol)
    ]
    return rows if wanted is None else rows[:1]


def get_commission_rate(call: Call) -> Any:
    """GET /fapi/v1/commissionRate."""
    return {
        "symbol": call.symbol(),
        "makerCommissionRate": text(MAKER_RATE),
        "takerCommissionRate": text(TAKER_RATE),
        "rpiCommissionRate": "0.00005",
    }


def get_symbol_config(call: Call) -> Any:
    """GET /fapi/v1/symbolConfig."""
    wanted, account = call.optional_symbol(), call.member.account
    rows = []
    for symbol, state in call.venue.symbols.items():
        if wanted in (None, symbol):
            leverage = account.leverage_of(symbol)
            rows.append(
                {
                    "symbol": symbol,
                    "marginType": "ISOLATED" if symbol in account.isolated else "CROSSED",
                    "isAutoAddMargin": False,
                    "leverage": leverage,
                    "maxNotionalValue": text(margin.max_notional(state.spec, leverage)),
                }
            )
    return rows


def get_account_config(call: Call) -> Any:
    """GET /fapi/v1/accountConfig."""
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "dualSidePosition": call.member.account.hedge,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }


def get_income(call: Call) -> Any:
    """GET /fapi/v1/income: the oldest of the window first; default window seven days."""
    symbol, kind = call.optional_symbol(), call.params.get("incomeType", "")
    limit = min(call.integer("limit", DEFAULT_ROWS // 5), MAX_ROWS)
    first, last = time_window(call)
    rows = [
        {
            "symbol": entry.symbol,
            "incomeType": entry.income_type,
            "income": money(entry.amount),
            "asset": QUOTE,
            "info": str(entry.trade_id) if entry.trade_id else entry.income_type,
            "time": entry.at_ms,
            "tranId": entry.tran_id,
            "tradeId": str(entry.trade_id) if entry.trade_id else "",
        }
        for entry in call.member.account.incomes
        if (symbol is None or entry.symbol == symbol)
        and kind in ("", entry.income_type)
        and first <= entry.at_ms <= last
    ]
    return rows[:limit] if "startTime" in call.params else rows[-limit:]


def post_countdown(call: Call) -> Any:
    """POST /fapi/v1/countdownCancelAll: cancel a symbol's orders when the countdown runs out."""
    symbol, length = call.symbol(), call.integer("countdownTime")
    if length:
        call.member.countdowns[symbol] = call.now_ms + length
    else:
        call.member.countdowns.pop(symbol, None)
    return {"symbol": symbol, "countdownTime": str(length)}
