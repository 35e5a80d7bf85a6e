"""Guards around what the venue says: each fill once, none missed, nothing moved back."""

from tests.mutants.mutant import Mutant

_IN_SECOND = "tests/integration/reconcile/test_second_read.py::"
_IN_SIGHTINGS = "tests/integration/reconcile/test_sightings.py::"
_IN_EVENTS = "tests/integration/journal/test_event_store.py::"
_IN_STORE = "tests/integration/journal/test_command_store.py::"
_IN_INGEST = "tests/integration/engine/test_ingest.py::"
_IN_LEASE = "tests/integration/streams/test_lease.py::"
_IN_KEYS = "tests/integration/journal/test_unique_keys.py::"
_IN_RECONCILE = "tests/integration/reconcile/test_account_reconcile.py::"

FACTS = (
    Mutant(
        "fill: its key is the venue's trade id",
        "tradeops/engine/facts_orders.py",
        "            report.traded_at,\n            key,\n",
        "            report.traded_at,\n            None,\n",
        (f"{_IN_INGEST}test_second_copy_writes_no_event",),
    ),
    Mutant(
        "fill: unique trade id in the table",
        "orders/migrations/0001_initial.py",
        'fields=("account", "symbol", "trade_id"), name',
        'fields=("account", "symbol", "trade_id", "id"), name',
        (f"{_IN_KEYS}test_database_refuses_a_second_fill_of_one_trade",),
    ),
    Mutant(
        "event: a known key is a no-op",
        "tradeops/journal/event_store.py",
        "            if self.is_known(draft.dedup_key):\n                return None\n",
        "",
        (f"{_IN_EVENTS}test_known_dedup_key_is_a_no_op",),
    ),
    Mutant(
        "event: unique key in the table",
        "tradeops/journal/migrations/0001_initial.py",
        '("dedup_key", models.CharField(max_length=160, null=True, unique=True))',
        '("dedup_key", models.CharField(max_length=160, null=True))',
        (f"{_IN_KEYS}test_database_refuses_a_second_event_with_one_key",),
    ),
    Mutant(
        "event: one place in the chain",
        "tradeops/journal/migrations/0001_initial.py",
        'fields=("account_id", "seq"), name',
        'fields=("account_id", "seq", "id"), name',
        (f"{_IN_KEYS}test_database_refuses_a_second_event_at_one_place",),
    ),
    Mutant(
        "event: never changed or deleted",
        "tradeops/journal/migrations/0002_event_append_only.py",
        "append_only.install(",
        "str(",
        (f"{_IN_EVENTS}test_database_refuses_change_and_deletion",),
    ),
    Mutant(
        "journal: one writer an account",
        "tradeops/journal/event_store.py",
        'lock = " FOR UPDATE" if',
        'lock = "" if',
        (f"{_IN_STORE}test_concurrent_writers_lose_nothing",),
        postgres=True,
    ),
    Mutant(
        "journal: the chain covers the content",
        "tradeops/journal/event_store.py",
        "            row.version,\n            row.payload,\n",
        "            row.version,\n",
        (f"{_IN_EVENTS}test_tampering_past_the_trigger_shows",),
    ),
    Mutant(
        "stream fence: asked in each write",
        "tradeops/engine/ingest.py",
        "        if fence is not None:\n            fence()\n        ledger.expect(",
        "        ledger.expect(",
        (f"{_IN_INGEST}test_stale_fence_writes_nothing",),
    ),
    Mutant(
        "stream fence: an older token is refused",
        "tradeops/streams/lease.py",
        '    if _mine(lease).select_for_update().values_list("pk", flat=True).first() is None:\n',
        "    if False:\n",
        (_IN_LEASE.rstrip(":"),),
    ),
    Mutant(
        "lease: a take-over raises the token",
        "tradeops/streams/lease.py",
        '            token=F("token") + 1,\n',
        "",
        (_IN_LEASE.rstrip(":"),),
    ),
    Mutant(
        "lease: not while it lasts",
        "tradeops/streams/lease.py",
        "Q(expires_ms__lte=at.ms)",
        "Q(expires_ms__gte=0)",
        (_IN_LEASE.rstrip(":"),),
    ),
    Mutant(
        "cursor: in the transaction of its fills",
        "tradeops/engine/ingest.py",
        "    with account_ledger(account_id, Origin(actor, source, now)) as ledger:\n"
        "        if fence is not None:\n            fence()\n        ledger.expect(",
        "    for symbol, trade_id in (cursors or {}).items():\n"
        "        TradeCursor.objects.update_or_create(\n"
        '            account_id=account_id, symbol=symbol, defaults={"trade_id": trade_id}\n'
        "        )\n"
        "    with account_ledger(account_id, Origin(actor, source, now)) as ledger:\n"
        "        if fence is not None:\n            fence()\n        ledger.expect(",
        (f"{_IN_INGEST}test_stale_fence_writes_nothing",),
    ),
    Mutant(
        "orders: a terminal state stays",
        "orders/domain/lifecycle.py",
        "    return reported if _RANK[reported] > _RANK[current] else current\n",
        "    return reported\n",
        (
            "tests/unit/orders/test_lifecycle.py::test_terminal_states_stay",
            f"{_IN_INGEST}test_shuffled_and_duplicated_reports_change_nothing",
        ),
    ),
    Mutant(
        "grace: what moved less than 5 s ago is left alone",
        "tradeops/reconcile/domain/sides.py",
        "    return abs(now - updated_at) < GRACE\n",
        "    return False\n",
        ("tests/unit/reconcile/test_diff.py",),
    ),
    Mutant(
        "hysteresis: three sightings",
        "tradeops/reconcile/domain/hysteresis.py",
        "MISMATCHES_TO_OPEN = 3",
        "MISMATCHES_TO_OPEN = 2",
        ("tests/unit/reconcile/test_hysteresis.py",),
    ),
    Mutant(
        "hysteresis: over 15 s",
        "tradeops/reconcile/domain/hysteresis.py",
        "    return Step.OPEN if often and long else",
        "    return Step.OPEN if often else",
        ("tests/unit/reconcile/test_hysteresis.py",),
    ),
    Mutant(
        "hysteresis: three heals, then a person",
        "tradeops/reconcile/domain/hysteresis.py",
        "HEALS_BEFORE_A_PERSON = 3",
        "HEALS_BEFORE_A_PERSON = 300",
        (f"{_IN_SIGHTINGS}test_three_heals_within_the_hour_then_a_person",),
    ),
    Mutant(
        "one read of positions proves nothing",
        "tradeops/reconcile/services/position_compare.py",
        "    again = await _read(run)\n",
        "    again = theirs\n",
        (f"{_IN_SECOND}test_difference_that_the_second_read_does_not_show_is_none",),
    ),
    Mutant(
        "a figure that is no number is a failed read",
        "tradeops/reconcile/services/comparison.py",
        "        if is_absurd(report):\n",
        "        if False:\n",
        (f"{_IN_SIGHTINGS}test_figure_that_is_no_number_fails_the_run",),
    ),
    Mutant(
        "a failed read draws no conclusion",
        "tradeops/reconcile/services/account_reconcile.py",
        "    if error:\n        write_failure(result)\n        return result\n",
        "",
        (f"{_IN_RECONCILE}test_silent_venue_ends_the_run_and_proves_nothing",),
    ),
    Mutant(
        "fills are read page by page to the end",
        "tradeops/reconcile/services/gap_fill.py",
        "            if unasked or len(fills) < run.page:\n                break\n",
        "            break\n",
        (f"{_IN_RECONCILE}test_fills_come_page_by_page_with_the_cursor",),
    ),
    Mutant(
        "a fresh fill waits for its order",
        "tradeops/reconcile/services/gap_fill.py",
        "            if venue_order_id in fresh:\n",
        "            if False:\n",
        ("tests/integration/reconcile/test_fresh_fills.py::test_fresh_fill_waits_for_its_order",),
    ),
    Mutant(
        "a row that moved since it was read is no sighting",
        "tradeops/reconcile/services/findings.py",
        "            if selectors.changed_at(account_id, mismatch) == mismatch.local_at:\n",
        "            if True:\n",
        (f"{_IN_SIGHTINGS}test_row_that_moved_since_it_was_read_is_no_sighting",),
    ),
    Mutant(
        "a disputed symbol is quarantined",
        "tradeops/reconcile/services/findings.py",
        "        book.sync_holds()\n",
        "",
        ("tests/integration/reconcile/test_drift_decisions.py",),
    ),
    Mutant(
        "a period has one run, however many beats",
        "tradeops/streams/services/period_lease.py",
        "        if rows.filter(due).update(**turn):\n",
        "        if rows.update(**turn):\n",
        ("tests/integration/streams/test_period_lease.py::test_two_beats_start_each_period_once",),
    ),
    Mutant(
        "a connection counts once its gap is filled",
        "tradeops/streams/domain/feed_health.py",
        "    if not memory.is_synchronised:\n",
        "    if False:\n",
        ("tests/unit/streams/test_feed_health.py",),
    ),
    Mutant(
        "a minute degraded is SAFE",
        "tradeops/streams/domain/feed_health.py",
        "now_ms - memory.since_ms >= SAFE_AFTER_MS:\n",
        "False:\n",
        ("tests/unit/streams/test_feed_health.py",),
    ),
    Mutant(
        "a clock that is off holds openings back",
        "tradeops/streams/domain/clock_drift.py",
        "    if abs(offset_ms) > HOLD_ABOVE_MS:\n",
        "    if False:\n",
        ("tests/unit/streams/test_clock_drift.py",),
    ),
)
