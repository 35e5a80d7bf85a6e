"""Guards around what nobody knows yet: queries, LOST and its watch, holds, the circuit."""

from tests.mutants.mutant import Mutant

_RESOLVE = "tradeops/engine/resolve.py"
_LOST = "tradeops/engine/lost.py"
_HOLDS = "tradeops/engine/holds.py"
_CIRCUIT = "tradeops/engine/circuit.py"
_STORE = "tradeops/journal/command_store.py"
_IN_UNIQUE_KEYS = "tests/integration/journal/test_unique_keys.py::"
_IN_SAFE_MODE = "tests/integration/safety/test_safe_mode.py::"
_IN_UNKNOWN = "tests/integration/engine/test_unknown_outcome.py::"
_IN_LOST = "tests/integration/engine/test_lost.py::"
_IN_ADOPTION = "tests/integration/engine/test_adoption.py::"
_IN_CIRCUIT = "tests/integration/engine/test_circuit.py::"
_IN_FENCES = "tests/integration/engine/test_fences.py::"
_IN_GUARDS = "tests/integration/engine/test_send_guards.py::"

OUTCOMES = (
    Mutant(
        "LOST: five times not found",
        _RESOLVE,
        "misses < MISSES_TO_LOSE or ",
        "",
        (f"{_IN_UNKNOWN}test_failed_queries_are_no_misses",),
    ),
    Mutant(
        "LOST: over 30 s",
        _RESOLVE,
        " or now - order.submitted_at < LOSE_AFTER",
        "",
        (f"{_IN_GUARDS}test_five_misses_within_30_s_lose_no_order",),
    ),
    Mutant(
        "LOST: not while it rests at the venue",
        _RESOLVE,
        "        if item.client_order_id == order.client_order_id:\n            return item\n",
        "        pass\n",
        (f"{_IN_GUARDS}test_order_that_rests_is_not_lost",),
    ),
    Mutant(
        "LOST: not while its trades are there",
        _RESOLVE,
        "            if report.client_order_id == order.client_order_id:\n"
        "                return report\n",
        "            pass\n",
        (f"{_IN_GUARDS}test_order_whose_trades_are_there_is_not_lost",),
    ),
    Mutant(
        "LOST: a query that failed is no miss",
        _RESOLVE,
        "    except NotFound:\n        return await _judge_absence",
        "    except Exception:\n        return await _judge_absence",
        (f"{_IN_UNKNOWN}test_failed_queries_are_no_misses",),
    ),
    Mutant(
        "LOST is watched for a day",
        _RESOLVE,
        "            next_query_at=first_look(now),\n",
        "",
        (f"{_IN_LOST}test_lost_order_is_found_by_asking_and_alarms",),
    ),
    Mutant(
        "a lost opening that rests is cancelled",
        _LOST,
        "    if not order.is_open or order.reduce_only or order.close_position:\n",
        "    if True:\n",
        (f"{_IN_LOST}test_lost_opening_that_rests_is_cancelled_and_its_fills_count",),
    ),
    Mutant(
        "a lost order that exists is an alarm, once",
        "tradeops/engine/facts_orders.py",
        "    ledger.emit(Draft(adopted, ledger.origin.now, "
        'f"adopted:{ledger.account_id}:{order.pk}"))\n',
        "",
        (f"{_IN_ADOPTION}test_lost_order_that_appears_alarms_once_and_climbs",),
    ),
    Mutant(
        "one query for all sweepers",
        _STORE,
        "            pk=command.pk, status=CommandStatus.SENT, queries=command.queries\n",
        "            pk=command.pk, status=CommandStatus.SENT\n",
        (f"{_IN_GUARDS}test_two_sweepers_ask_once",),
    ),
    Mutant(
        "claim token fences an unknown outcome",
        _STORE,
        "        pk=command.pk, status=CommandStatus.SENT, claim_token=command.claim_token\n",
        "        pk=command.pk, status=CommandStatus.SENT\n",
        (f"{_IN_GUARDS}test_unknown_outcome_of_a_sleeper_flags_nothing",),
    ),
    Mutant(
        "claim token fences every step",
        _STORE,
        "        claim_token=held.token,\n        status__in=",
        "        status__in=",
        (f"{_IN_FENCES}test_worker_that_lost_its_claim_between_two_steps_changes_nothing",),
    ),
    Mutant(
        "who is given up is fenced out first",
        "tradeops/engine/sweep.py",
        "            held = claim(command.pk, worker=ACTOR, now=now)\n"
        "            if held is not None:\n"
        '                detail = f"Given up after {MAX_ATTEMPTS} attempts."\n'
        "                _fail(held.command, now",
        "            held = command\n"
        "            if held is not None:\n"
        '                detail = f"Given up after {MAX_ATTEMPTS} attempts."\n'
        "                _fail(command, now",
        (
            f"{_IN_FENCES}test_worker_on_its_last_attempt_is_fenced_out_before_the_command_is_given_up",
        ),
    ),
    Mutant(
        "a cancel that finds nothing asks, and assumes nothing",
        "orders/services/order_cancel.py",
        "    except NotFound:\n        return await query_order(port, order)\n",
        "    except NotFound:\n        raise\n",
        (f"{_IN_GUARDS}test_cancel_of_an_order_that_filled_tells_that_it_filled",),
    ),
    Mutant(
        "holds keep openings back",
        _HOLDS,
        "    names += hold_scopes(account.pk, symbol)\n",
        "",
        (f"{_IN_CIRCUIT}test_third_refusal_alike_opens_the_circuit_for_openings_alone",),
    ),
    Mutant(
        "a process that is SAFE opens nothing",
        _HOLDS,
        "    states += [ScopeState(name, EngineState.SAFE, reason) for name, reason in safe_mode"
        ".states()]\n",
        "",
        (f"{_IN_SAFE_MODE}test_disk_that_is_nearly_full_refuses_openings_and_lets_exits_pass",),
    ),
    Mutant(
        "a process that is SAFE claims nothing",
        _STORE,
        "    if safe_mode.stopped_by() is not None:\n        return None\n",
        "",
        (f"{_IN_SAFE_MODE}test_database_that_fails_stops_claims_and_nothing_is_lost",),
    ),
    Mutant(
        "an inactive account opens nothing",
        _HOLDS,
        "    if not account.is_active:\n",
        "    if False:\n",
        ("tests/integration/engine/test_place_order.py::test_inactive_account_opens_nothing",),
    ),
    Mutant(
        "three refusals alike open the circuit",
        _CIRCUIT,
        "    if row is None or row.length < TRIES:\n",
        "    if row is not None or row is None:\n",
        (f"{_IN_CIRCUIT}test_third_refusal_alike_opens_the_circuit_for_openings_alone",),
    ),
    Mutant(
        "a refused key holds the account",
        _CIRCUIT,
        "    if exchange_code in ACCESS_CODES:\n",
        "    if False:\n",
        (f"{_IN_CIRCUIT}test_refused_key_holds_the_account_at_once_until_a_call_succeeds",),
    ),
    Mutant(
        "what a newer command overtook is not carried out",
        "tradeops/engine/execute.py",
        "    if newer is not None:\n",
        "    if False:\n",
        (f"{_IN_GUARDS}test_older_amendment_gives_way",),
    ),
    Mutant(
        "terminal commands never change, says the database",
        "tradeops/journal/migrations/0005_terminal_commands_stay.py",
        "    operations = [migrations.RunPython(_install, _remove)]\n",
        "    operations = []\n",
        (f"{_IN_UNIQUE_KEYS}test_database_refuses_to_revive_a_command_that_ended",),
    ),
)
