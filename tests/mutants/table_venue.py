"""Guards at the venue's door: signature, transactions, budget, proof that an order is lost."""

from tests.mutants.mutant import Mutant

_SWEEP = "tradeops/engine/sweep.py"
_ADAPTER = "tradeops/exchange/binance/adapter.py"
_REST = "tradeops/exchange/binance/rest.py"
_THROTTLE = "tradeops/exchange/throttle.py"
_IN_SUBMIT = "tests/contract/exchange/test_binance_submit.py::"
_IN_THROTTLE = "tests/unit/exchange/test_throttle.py::"
_IN_UNKNOWN = "tests/integration/engine/test_unknown_outcome.py::"
_IN_SWEEP = "tests/integration/engine/test_sweep.py::"

VENUE = (
    Mutant(
        "signature: the time of the commit, not of the call",
        _ADAPTER,
        "            client.futures_create_order,\n            **params,\n"
        "            timestamp=to_epoch_ms(request.signed_at) + client.offset_ms,\n",
        "            client.futures_create_order,\n            **params,\n",
        (f"{_IN_SUBMIT}test_submit_signs_the_bytes_it_sends_with_the_time_of_the_commit",),
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
        "LOST: five times not found",
        _SWEEP,
        "misses < MISSES_TO_LOSE or ",
        "",
        (f"{_IN_UNKNOWN}test_failed_queries_are_no_misses",),
    ),
    Mutant(
        "LOST: over 30 s",
        _SWEEP,
        " or now - order.submitted_at < LOSE_AFTER",
        "",
        (f"{_IN_UNKNOWN}test_order_that_never_appears_is_lost_after_five_misses_and_30_s",),
    ),
)
