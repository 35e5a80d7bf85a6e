"""Checks of settings, database, journal, Redis and processes."""

import sqlite3
from collections.abc import Iterator
from typing import Any, cast

import redis
from django.conf import settings
from django.core import checks
from django.db import connection

from tradeops.checks import unfit_database, wrong_settings
from tradeops.deployment import fingerprint
from tradeops.doctor.findings import Finding, Health, finding, of_trouble, well
from tradeops.domain.reasons import REASONS, Reason
from tradeops.journal.event_store import NO_HASH, chain_hash, first_broken_link
from tradeops.journal.models import Event, JournalHead
from tradeops.kit.heartbeat import heartbeat_key
from tradeops.kit.redis_client import redis_client
from tradeops.watch import free_mib, processes

WORKERS = ("orders", "streams", "reconcile", "market", "notify")
TAIL = 1000
_PROBE = "tradeops:doctor"


def check_settings() -> Iterator[Finding]:
    """Our numbers, and what Django's own checks say."""
    troubles = wrong_settings()
    yield from (of_trouble("settings", item) for item in troubles)
    others = [
        item
        for item in checks.run_checks()
        if item.level >= checks.WARNING and not str(item.id).startswith("tradeops.")
    ]
    for item in others:
        health = Health.FAIL if item.level >= checks.ERROR else Health.WARN
        text = f"{item.id}: {item.msg} {item.hint or ''}".strip()
        yield finding("settings", Reason.SETTING_DOUBTFUL, text, health=health)
    if not troubles and not others:
        yield well("settings", f"environment {settings.TRADEOPS_ENV}")


def check_database() -> Iterator[Finding]:
    """The database is this deployment's, fits this build, and can be written."""
    troubles = unfit_database()
    yield from (of_trouble("database", item) for item in troubles)
    if not troubles:
        version = sqlite3.sqlite_version if connection.vendor == "sqlite" else ""
        here = fingerprint()
        text = f"{connection.vendor} {version}".strip()
        yield well("database", f"{text}, schema {here.schema}, build {here.build}")


def check_disk() -> Iterator[Finding]:
    """There is room where the data lies."""
    free = free_mib()
    if free is None:
        yield well("disk", "not on this machine")
    elif free < settings.MIN_FREE_MIB:
        yield finding("disk", Reason.DISK_LOW, f"{free} MiB free, at least {settings.MIN_FREE_MIB}")
    else:
        yield well("disk", f"{free} MiB free")


def check_triggers() -> Iterator[Finding]:
    """The journal's table refuses UPDATE and DELETE (D3)."""
    table = Event._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s",
                [table],
            )
            expected = 2
        else:
            cursor.execute(
                "SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass"
                " AND NOT tgisinternal AND tgenabled <> 'D'",
                [table],
            )
            expected = 1
        found = cursor.fetchone()[0]
    if found >= expected:
        yield well("journal triggers", "append-only")
    else:
        meaning = REASONS[Reason.JOURNAL_UNGUARDED].meaning
        yield finding("journal triggers", Reason.JOURNAL_UNGUARDED, meaning)


def check_chain(*, deep: bool = False) -> Iterator[Finding]:
    """Each account's hash chain is whole and ends where its head says.

    Not `deep`: only the last `TAIL` events of each account, since a large journal takes minutes.
    """
    total = 0
    for head in JournalHead.objects.order_by("pk"):
        part = "journal chain"
        broken = first_broken_link(head.pk) if deep else _broken_in_tail(head.pk)
        last = Event.objects.filter(account_id=head.pk).order_by("-seq").first()
        if broken is not None:
            text = f"account {head.pk} breaks at {broken}"
            yield finding(part, Reason.JOURNAL_BROKEN, text)
        elif (last.seq, last.hash) != (head.seq, head.hash) if last else head.seq:
            yield finding(part, Reason.JOURNAL_BROKEN, f"account {head.pk} has lost its end")
        total += head.seq if deep else min(head.seq, TAIL)
    yield well("journal chain", f"{total} events read" + ("" if deep else ", --deep reads all"))


def _broken_in_tail(account_id: int) -> int | None:
    rows = list(Event.objects.filter(account_id=account_id).order_by("-seq")[:TAIL])
    rows.reverse()
    if not rows:
        return None
    previous, seq = rows[0].previous_hash, rows[0].seq
    if (seq == 1) != (previous == NO_HASH):
        return int(seq)
    for row in rows:
        if row.seq != seq or row.previous_hash != previous or row.hash != chain_hash(row):
            return int(row.seq)
        previous, seq = row.hash, seq + 1
    return None


def check_redis() -> Iterator[Finding]:
    """Redis answers, takes writes and never evicts."""
    client = redis_client()
    try:
        client.ping()
        policy = cast("dict[str, str]", client.info("memory")).get("maxmemory_policy", "")
        client.set(_PROBE, "1", ex=1)
    except redis.ResponseError as error:  # READONLY, OOM, MISCONF
        yield finding("redis", Reason.REDIS_READ_ONLY, str(error))
        return
    except redis.RedisError as error:
        yield finding("redis", Reason.REDIS_GONE, f"does not answer: {type(error).__name__}")
        return
    if policy != "noeviction":
        yield finding("redis", Reason.REDIS_EVICTS, f"maxmemory-policy is {policy}")
    else:
        yield well("redis", "answers, takes writes, evicts nothing")


def check_workers() -> Iterator[Finding]:
    """Each kind of worker has said lately that it lives."""
    try:
        words = cast("list[Any]", redis_client().mget([heartbeat_key(name) for name in WORKERS]))
    except redis.RedisError:
        yield finding("workers", Reason.REDIS_GONE, "nobody can be heard without Redis")
        return
    for name, word in zip(WORKERS, words, strict=True):
        if word is None:
            yield finding(f"worker {name}", Reason.WORKER_SILENT, "no heartbeat for 15 s")
        else:
            yield well(f"worker {name}", "lives")


def check_processes() -> Iterator[Finding]:
    """Nobody is SAFE, and everybody runs a build that fits."""
    try:
        words = processes()
    except redis.RedisError:
        return  # check_redis says it
    for word in words:
        for number, detail in word["troubles"].items():
            text = f"{number}: {REASONS[Reason(number)].meaning} {detail}".strip()
            part = f"process {word['kind']} {word['pid']}"
            yield finding(part, Reason.WORKER_SAFE, text)
    builds = sorted({f"{word['kind']} {word['build']}" for word in words})
    if len({word["build"] for word in words} | {fingerprint().build}) > 1:
        text = f"here {fingerprint().build}, {', '.join(builds)}"
        yield finding("builds", Reason.BUILDS_DIFFER, text)
    elif words:
        yield well("builds", f"{len(words)} processes of one build")
