"""Guards between a click and the venue: keys, claims, lanes, gates, the send protocol."""

from tests.mutants.mutant import Mutant

_STORE = "tradeops/journal/command_store.py"
_LOCKS = "tradeops/journal/locks.py"
_PLACE = "tradeops/engine/place.py"
_SEND = "tradeops/engine/send.py"
_IN_STORE = "tests/integration/journal/test_command_store.py::"
_IN_LANES = "tests/integration/journal/test_lanes.py::"
_IN_KEYS = "tests/integration/journal/test_unique_keys.py::"
_IN_PLACE = "tests/integration/engine/test_place_order.py::"
_IN_UNKNOWN = "tests/integration/engine/test_unknown_outcome.py::"
_IN_FENCES = "tests/integration/engine/test_fences.py::"
_IN_BETWEEN = "tests/integration/engine/test_between_steps.py::"
_IN_GUARDS = "tests/integration/engine/test_send_guards.py::"

SENDING = (
    Mutant(
        "claim swap: not while somebody else's claim lasts",
        _LOCKS,
        "AND (claimed_until IS NULL OR claimed_until <= %s OR",
        "AND (TRUE OR claimed_until <= %s OR",
        (
            f"{_IN_STORE}test_eight_workers_claim_one_command_once",
            f"{_IN_STORE}test_claim_holds_until_its_last_moment",
        ),
    ),
    Mutant(
        "claim swap: never again once SENT",
        _LOCKS,
        "_FREE = \"status = 'NEW' AND",
        "_FREE = \"status IN ('NEW', 'SENT') AND",
        (f"{_IN_GUARDS}test_what_was_sent_is_not_claimed_again",),
    ),
    Mutant(
        "idempotency key is unique",
        "tradeops/journal/migrations/0001_initial.py",
        '"idempotency_key"),',
        '"idempotency_key", "id"),',
        (f"{_IN_STORE}test_twenty_requests_with_one_key_make_one_command",),
    ),
    Mutant(
        "idempotency key belongs to one request",
        _STORE,
        "    if known.request_hash != row.request_hash:\n",
        "    if False:\n",
        (f"{_IN_STORE}test_same_key_with_another_body_is_a_conflict",),
    ),
    Mutant(
        "claim token fences SENT",
        _STORE,
        "        claim_token=held.token,\n        claimed_by=held.worker,\n",
        "",
        (f"{_IN_STORE}test_worker_whose_claim_was_taken_over_cannot_send",),
    ),
    Mutant(
        "claim token fences the end of a command",
        _STORE,
        "        status__in=[CommandStatus.NEW, CommandStatus.SENT],\n"
        "        claim_token=command.claim_token,\n    ).update(**changes)",
        "        status__in=[CommandStatus.NEW, CommandStatus.SENT],\n    ).update(**changes)",
        (f"{_IN_FENCES}test_refusal_of_a_sleeper_does_not_fail_an_order_that_left",),
    ),
    Mutant(
        "an end that was not ours undoes what came with it",
        "tradeops/engine/work.py",
        "    if not ended:\n        raise LostClaim(str(work.command.pk))\n",
        "",
        (f"{_IN_FENCES}test_gate_of_a_sleeper_writes_nothing",),
    ),
    Mutant(
        "terminal commands never change",
        _STORE,
        "        status__in=[CommandStatus.NEW, CommandStatus.SENT],\n"
        "        claim_token=command.claim_token,\n    ).update(**changes)",
        "        claim_token=command.claim_token,\n    ).update(**changes)",
        (f"{_IN_STORE}test_terminal_command_never_changes",),
    ),
    Mutant(
        "lane: one at a time",
        _LOCKS,
        '"NOT EXISTS (SELECT 1 FROM journal_command AS h WHERE h.holds_lane "',
        '"NOT EXISTS (SELECT 1 FROM journal_command AS h WHERE FALSE "',
        (f"{_IN_LANES}test_next_of_a_lane_starts_when_the_first_has_ended",),
    ),
    Mutant(
        "lane: of two that start at the same moment the index admits one",
        "tradeops/journal/migrations/0004_lane_indexes.py",
        'ON {_TABLE} ("lane") WHERE',
        'ON {_TABLE} ("lane", "id") WHERE',
        (f"{_IN_KEYS}test_database_refuses_a_second_holder_of_a_lane",),
    ),
    Mutant(
        "lane: oldest first",
        _LOCKS,
        '"AND o.created_at < journal_command.created_at AND',
        '"AND FALSE AND',
        (f"{_IN_LANES}test_younger_does_not_overtake",),
    ),
    Mutant(
        "lane: openings wait for an unknown outcome",
        _LOCKS,
        'f"AND NOT (opens AND created_at >= %s AND {_UNKNOWN})))"',
        'f"AND NOT (FALSE AND created_at >= %s AND {_UNKNOWN})))"',
        (f"{_IN_LANES}test_unknown_outcome_keeps_openings_back_and_no_exit",),
    ),
    Mutant(
        "gates are asked again under the account lock",
        _PLACE,
        "        if decision.refusal is not None or decision.sized is None:\n"
        "            refuse_by_gate(ledger, work, wanted.symbol, decision)\n"
        "            return None\n",
        "",
        (
            f"{_IN_BETWEEN}test_account_that_is_switched_off_on_the_way_sends_nothing",
            f"{_IN_PLACE}test_pause_refuses_openings_and_lets_closing_pass",
        ),
    ),
    Mutant(
        "leverage stands under the account lock",
        _PLACE,
        "            require_leverage(account_id, wanted.symbol, wanted.leverage)\n",
        "            pass\n",
        (f"{_IN_BETWEEN}test_order_does_not_leave_at_the_leverage_of_another",),
    ),
    Mutant(
        "SENT is committed before a byte leaves",
        _PLACE,
        "        mark_sent(work.held, now=now, verdicts=verdicts)\n",
        "",
        (f"{_IN_GUARDS}test_sent_and_the_order_are_committed_before_a_byte_leaves",),
    ),
    Mutant(
        "the order is committed before a byte leaves",
        _PLACE,
        "        ledger.emit(Draft(_placed(work, request, decision.sized, context.leverage, "
        "verdicts), now))\n",
        "",
        (f"{_IN_GUARDS}test_sent_and_the_order_are_committed_before_a_byte_leaves",),
    ),
    Mutant(
        "the order carries the command's id",
        _PLACE,
        "client_order_id=client_order_id(work.command.pk)",
        'client_order_id=f"ae-{work.held.token:032x}"',
        (f"{_IN_PLACE}test_request_carries_our_id_and_the_time_of_the_commit",),
    ),
    Mutant(
        "openings expire",
        _PLACE,
        "    return not leaves(wanted) and now - work.command.created_at > OPENING_TTL\n",
        "    return False\n",
        (f"{_IN_PLACE}test_stale_opening_expires_and_stale_closing_does_not",),
    ),
    Mutant(
        "nothing is sent more than 2 s after its commit",
        _SEND,
        "    if work.clock.now() - request.signed_at > SEND_WITHIN:\n",
        "    if False:\n",
        (f"{_IN_GUARDS}test_sender_that_slept_after_its_commit_sends_nothing",),
    ),
    Mutant(
        "an unknown outcome is never sent again",
        _SEND,
        "        leave_unknown(work, str(error))\n    else:",
        "        settle_accepted(work, await submit_order(port, request))\n    else:",
        (f"{_IN_UNKNOWN}test_unknown_outcome_is_asked_for_and_never_sent_again",),
    ),
    Mutant(
        "an unknown outcome is not a refusal",
        _SEND,
        "    except (Rejected, Unavailable) as error:\n",
        "    except ExchangeError as error:\n",
        (f"{_IN_UNKNOWN}test_unknown_outcome_is_asked_for_and_never_sent_again",),
    ),
)
