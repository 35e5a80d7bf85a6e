"""Guards at the venue's door: signature, transactions, budget."""

from tests.mutants.mutant import Mutant

_ADAPTER = "tradeops/exchange/binance/adapter.py"
_REST = "tradeops/exchange/binance/rest.py"
_THROTTLE = "tradeops/exchange/throttle.py"
_IN_EXCHANGE_OPEN = "tests/integration/admin/test_exchange_open.py::"
_IN_SUBMIT = "tests/contract/exchange/test_binance_submit.py::"
_IN_THROTTLE = "tests/unit/exchange/test_throttle.py::"
_IN_PAPER = "tests/contract/exchange/test_paper_port.py::"
_IN_SHARED = "tests/integration/exchange/test_shared_budget.py::"

VENUE = (
    Mutant(
        "signature: the time of the commit, not of the call",
        _ADAPTER,
        "            client.futures_create_order,\n            **params,\n"
        "            timestamp=to_epoch_ms(request.signed_at) + client.offset_ms,\n",
        "            client.futures_create_order,\n            **params,\n",
        (f"{_IN_PAPER}test_order_signed_too_long_ago_is_refused_by_the_venue",),
    ),
    Mutant(
        "signature: the venue refuses what is late",
        _REST,
        "RECV_WINDOW_MS = 3000",
        "RECV_WINDOW_MS = 60000",
        (f"{_IN_SUBMIT}test_submit_signs_the_bytes_it_sends_with_the_time_of_the_commit",),
    ),
    Mutant(
        "no call inside a transaction",
        _REST,
        "        if self._guard():\n",
        "        if False:\n",
        (f"{_IN_SUBMIT}test_no_call_leaves_while_a_transaction_is_open",),
    ),
    Mutant(
        "a ban lets nothing leave",
        _THROTTLE,
        "        blocked_s = self.blocked_s()\n        if blocked_s > 0:\n"
        '            message = f"the venue told us to stay away',
        "        blocked_s = self.blocked_s()\n        if False:\n"
        '            message = f"the venue told us to stay away',
        (
            f"{_IN_THROTTLE}test_weight_budget_blocked_lets_nothing_leave",
            f"{_IN_SUBMIT}test_after_418_the_ban_is_kept_to_its_end",
        ),
    ),
    Mutant(
        "no call inside a transaction, on the worker's side",
        "accounts/services/exchange_open.py",
        "        if in_transaction():\n",
        "        if False:\n",
        (f"{_IN_EXCHANGE_OPEN}test_blocking_port_inside_a_transaction_refuses_the_call",),
    ),
    Mutant(
        "a ban of one process stops all",
        _THROTTLE,
        "        if grant.blocked_s > 0:\n",
        "        if False:\n",
        (f"{_IN_SHARED}test_block_of_one_process_stops_all",),
    ),
    Mutant(
        "a fifth of the weight is kept for exits",
        _THROTTLE,
        "    entry: float = 1920 / 2400\n",
        "    entry: float = 2400 / 2400\n",
        (f"{_IN_THROTTLE}test_weight_budget_entry_stops_at_80_percent_and_is_never_delayed",),
    ),
    Mutant(
        "a fifth of the order count is kept for exits",
        _THROTTLE,
        "_ENTRY_SHARE = 0.8",
        "_ENTRY_SHARE = 1.0",
        (f"{_IN_THROTTLE}test_order_budget_keeps_20_percent_for_reduce_only",),
    ),
    Mutant(
        "429 and 418 block the budget",
        _REST,
        "            budget.block(failure.retry_after_s)\n",
        "            pass\n",
        (f"{_IN_SUBMIT}test_after_429_nothing_leaves_until_the_time_told",),
    ),
    Mutant(
        "a redirect is not followed with a signed order",
        _REST,
        "            timeout=_WRITE_TIMEOUT,\n            allow_redirects=False,\n",
        "            timeout=_WRITE_TIMEOUT,\n",
        (f"{_IN_SUBMIT}test_submit_redirect_is_not_followed",),
    ),
)
