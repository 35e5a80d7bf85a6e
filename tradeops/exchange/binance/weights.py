"""What a call will cost of the address's request weight, known before it leaves.

Source: binance.md §3 and §5 (2026-10). Only an estimate: the header of each answer corrects it.
What is not listed costs 1.
"""

from collections.abc import Mapping

ORDER = 0  # placing and amending cost order counts instead
_WEIGHTS = {
    "futures_get_open_orders": 1,
    "futures_get_open_algo_orders": 1,
    "futures_account_trades": 5,
    "futures_position_information": 5,
    "futures_account_balance": 5,
    "futures_symbol_config": 5,
    "futures_adl_quantile_estimate": 5,
    "futures_countdown_cancel_all": 10,
    "futures_income_history": 30,
    "futures_get_position_mode": 30,
}
_WITHOUT_SYMBOL = {
    "futures_get_open_orders": 40,
    "futures_get_open_algo_orders": 40,
    "futures_mark_price": 10,
}


def weight_of(method: str, params: Mapping[str, object]) -> int:
    """Weight of a method of python-binance with these parameters."""
    if params.get("symbol") is None and method in _WITHOUT_SYMBOL:
        return _WITHOUT_SYMBOL[method]
    return _WEIGHTS.get(method, 1)
