"""One seeded run: a desk at work, faults, then peace, and what must hold after it."""

import logging

from tradeops.reconcile.services.reconcile_now import reconcile_now
from tradeops.simulator.database import MemoryDatabase, yield_points
from tradeops.simulator.seams import load_tasks, replaced_world
from tradeops.simulator.world import Outcome, Plan, World

SETTLE_S = 120.0


def run_seed(plan: Plan, database: MemoryDatabase, *, keep_trace: bool = False) -> Outcome:
    """Run one seed to its end. Same plan, same outcome."""
    logging.disable(logging.CRITICAL)
    load_tasks()
    database.fresh()
    world = World(plan, keep_trace=keep_trace)
    schedule = world.schedule

    def lock_errors() -> bool:
        return world.faults.strikes("database locked", plan.rates.database)

    with (
        replaced_world(
            schedule=schedule,
            clock=world.clock,
            broker=world.broker,
            memory=world.memory,
            venue=world.venue,
            listener=world.heard,
        ),
        yield_points(
            schedule, world.note, lock_errors=lock_errors, committed=world.invariants.at_commit
        ),
    ):
        world.open_desk()
        world.start_processes()
        world.every(plan.market_s, world.move_market)
        world.every(1.0, world.strike)
        world.every(plan.look_s, world.look)
        schedule.run(until_s=plan.faulty_s)
        world.make_peace()
        _settle(world)
        schedule.end()
        _judge(world)
    logging.disable(logging.NOTSET)
    return world.finish()


def _settle(world: World) -> None:
    """Run in peace until nothing moves any more, 120 s at most."""
    began_s = world.schedule.at_us / 1e6
    passed_s = 0.0
    while passed_s < SETTLE_S:
        world.schedule.run(until_s=began_s + passed_s + 1.0)
        passed_s += 1.0
        if passed_s >= 3.0 and world.has_settled():
            break
    world.outcome.settled_s = passed_s


def _judge(world: World) -> None:
    outcome, invariants = world.outcome, world.invariants
    outcome.violations += invariants.at_rest(world.clock.now())
    before = outcome.events
    for _ in range(2):
        for account_id in world.account_ids:
            reconcile_now(account_id, scope="all", trigger="schedule")
        first, before = outcome.events - before, outcome.events
    invariants.checked["I18"] += 1
    if first:
        outcome.violations.append(("I18", f"a second reconcile wrote {first} events"))
