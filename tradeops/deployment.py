"""Which deployment a database belongs to, and whether this process fits it.

The fingerprint of this code: `schema` covers its migrations and the shapes of commands and events
(an old worker that reads a new command by its old shape is how Knight lost its money), `build`
every source file. Whoever migrates records both; a process that differs in `schema` may not work.
"""

import copy
import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.management.base import CommandError
from django.db import Error as DatabaseError
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from accounts.sealing.envelope import SealError, key_id_of, seal, unseal
from tradeops.domain.commands import COMMAND_TYPES
from tradeops.domain.events import EVENT_TYPES
from tradeops.domain.reasons import Reason
from tradeops.kit import append_only, db
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.db_faults import reason_of
from tradeops.kit.safe_mode import Trouble
from tradeops.models import Deployment

OURS = ("tradeops", "accounts", "orders", "positions", "risk")
# Applications that workers do not load: their migrations are not foreign.
ELSEWHERE = frozenset({"admin", "axes"})
CANARY = b"tradeops"
CANARY_CONTEXT = "deployment"
LOCK_WAIT = "2s"  # whoever waits behind a migration waits as long
CONNECT_S = 2
PROBE_BYTES = 64 * 1024
JOURNAL = "journal_event"
_TABLE = Deployment._meta.db_table
_DIGITS = 16


@dataclasses.dataclass(frozen=True, slots=True)
class Fingerprint:
    """`schema` decides whether builds may work together, `build` only tells them apart."""

    schema: str
    build: str


@dataclasses.dataclass(frozen=True, slots=True)
class Word:
    """What the database says of itself."""

    environment: str
    schema: str
    build: str
    canary: str


@cache
def fingerprint() -> Fingerprint:
    """Of this code, as it was when first asked: at the start of a process."""
    shapes: Mapping[str, Mapping[str, type]] = {"c": COMMAND_TYPES, "e": EVENT_TYPES}
    contract = {
        "migrations": {
            config.label: sorted(_files(config))
            for config in apps.get_app_configs()
            if config.name.partition(".")[0] in OURS
        },
        **{
            kind: {name: _fields(cls) for name, cls in types.items()}
            for kind, types in shapes.items()
        },
    }
    build = hashlib.sha256()
    for folder in OURS:
        for path in sorted((settings.BASE_DIR / folder).rglob("*.py")):
            build.update(path.read_bytes())
    schema = hashlib.sha256(json.dumps(contract, sort_keys=True).encode())
    return Fingerprint(schema.hexdigest()[:_DIGITS], build.hexdigest()[:_DIGITS])


def _fields(cls: type) -> list[list[str]]:
    return [[item.name, str(item.type)] for item in dataclasses.fields(cls)]


@cache
def _files(config: AppConfig) -> frozenset[str]:
    """Names of an application's migrations, without importing them."""
    folder = Path(config.path) / "migrations"
    return frozenset(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def link_to_database() -> BaseDatabaseWrapper:
    """A connection of one's own: no pool that others may have emptied, short waits.

    For a thread that looks after the process and must neither wait for the others nor hide behind
    them. The caller closes it.
    """
    shared = connections["default"]
    config = copy.deepcopy(shared.settings_dict)
    options = config["OPTIONS"]
    if shared.vendor == "postgresql":
        options.pop("pool", None)
        options["connect_timeout"] = CONNECT_S
    else:
        options["timeout"] = CONNECT_S
    return type(shared)(config, alias="default")


def examine(link: BaseDatabaseWrapper) -> list[Trouble]:
    """Everything that keeps this process from working with the database."""
    try:
        found = list(_misfits(link))
        if not found:
            probe(link)
    except DatabaseError as error:
        reason = reason_of(error)
        if reason is None:
            raise
        return [Trouble(reason, str(error).strip())]
    return found


def _misfits(link: BaseDatabaseWrapper) -> Iterator[Trouble]:
    with link.cursor() as cursor:
        tables = set(link.introspection.table_names(cursor))
    if "django_migrations" not in tables:
        yield Trouble(Reason.NOT_PREPARED, "")
        return
    behind, ahead = _gaps(link)
    if ahead:
        yield Trouble(Reason.SCHEMA_AHEAD, _named(ahead))
    if behind:
        yield Trouble(Reason.SCHEMA_BEHIND, _named(behind))
    if _TABLE not in tables:
        return
    word = read_word(link)
    if word is None:
        if not behind:
            yield Trouble(Reason.NOT_PREPARED, "")
        return
    yield from judge(word, is_current=not (behind or ahead))


def judge(word: Word, *, is_current: bool = True) -> Iterator[Trouble]:
    """What does not fit; `is_current` False: migrations differ anyway, which says more."""
    if word.environment != settings.TRADEOPS_ENV:
        detail = f"It belongs to {word.environment}, this is {settings.TRADEOPS_ENV}."
        yield Trouble(Reason.DATABASE_FOREIGN, detail)
    here = fingerprint().schema
    if is_current and word.schema != here:
        yield Trouble(Reason.BUILD_FOREIGN, f"Prepared for {word.schema}, this is {here}.")


def read_word(link: BaseDatabaseWrapper) -> Word | None:
    """The database's word on itself, None before it was recorded."""
    with link.cursor() as cursor:
        cursor.execute(f"SELECT environment, schema, build, canary FROM {_TABLE}")  # noqa: S608
        row = cursor.fetchone()
    return Word(*row) if row is not None else None


def gaps(link: BaseDatabaseWrapper) -> list[Trouble]:
    """Migrations that the database lacks, or that this code does not know."""
    behind, ahead = _gaps(link)
    found = [Trouble(Reason.SCHEMA_AHEAD, _named(ahead))] if ahead else []
    return found + ([Trouble(Reason.SCHEMA_BEHIND, _named(behind))] if behind else [])


def _gaps(link: BaseDatabaseWrapper) -> tuple[list[str], list[str]]:
    with link.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations")
        applied = {(str(app), str(name)) for app, name in cursor.fetchall()}
    configs = {config.label: config for config in apps.get_app_configs()}
    known = {(label, name) for label, config in configs.items() for name in _files(config)}
    ahead = {(app, name) for app, name in applied - known if app not in ELSEWHERE}
    behind = known - applied
    if behind or ahead:  # squashed migrations stand for others: let Django judge
        behind, ahead = _as_django_sees(link, ahead)
    return sorted(map(".".join, behind)), sorted(map(".".join, ahead))


def _as_django_sees(
    link: BaseDatabaseWrapper, ahead: set[tuple[str, str]]
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    executor = MigrationExecutor(link)
    loader = executor.loader
    plan = executor.migration_plan(loader.graph.leaf_nodes())
    return (
        {(migration.app_label, migration.name) for migration, _ in plan},
        ahead - set(loader.disk_migrations) - set(loader.replacements),
    )


def _named(names: list[str], most: int = 3) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def probe(link: BaseDatabaseWrapper) -> None:
    """Write as much as an order takes, and take it away again.

    Raises:
        django.db.Error: whatever keeps the database from being written.
    """
    with db.writers_queue(link), link.cursor() as cursor:
        for text in ("x" * PROBE_BYTES, ""):
            cursor.execute(f"UPDATE {_TABLE} SET probe = %s", [text])  # noqa: S608


def opens_canary(word: Word) -> Trouble | None:
    """Whether the private keys of this process read what the deployment sealed (F70)."""
    if not word.canary:
        return None
    try:
        opened = unseal(
            word.canary, private_keys=settings.SEAL_PRIVATE_KEYS, context=CANARY_CONTEXT
        )
    except SealError as error:
        return Trouble(Reason.SEAL_KEY_WRONG, f"{error.fault}: {error.detail}")
    return None if opened == CANARY else Trouble(Reason.SEAL_KEY_WRONG, "It holds another word.")


def seal_canary(*, is_old_key_lost: bool = False) -> None:
    """Seal the word that workers try their keys on; anew when SEAL_PUBLIC_KEY was rotated.

    `is_old_key_lost`: whoever says so gives up what was sealed with it.

    Raises:
        CommandError: the old word cannot be read with the keys at hand, so that the venue keys
            sealed with it could not either.
    """
    public = settings.SEAL_PUBLIC_KEY
    row = Deployment.objects.get(pk=Deployment.ONLY)
    if not public or (row.canary and key_id_of(row.canary) == key_id_of(public)):
        return
    if row.canary and not is_old_key_lost:
        trouble = opens_canary(Word(row.environment, row.schema, row.build, row.canary))
        if trouble is not None:
            raise CommandError(str(trouble))
    with db.write_transaction():
        Deployment.objects.filter(pk=row.pk).update(
            canary=seal(CANARY, public_key=public, context=CANARY_CONTEXT)
        )


def before_migrate(*, using: str, **_kwargs: object) -> None:
    """Refuse another environment's or a newer database; wait shortly for locks (pre_migrate).

    Raises:
        CommandError: with the number.
    """
    link = connections[using]
    with link.cursor() as cursor:
        tables = set(link.introspection.table_names(cursor))
    if "django_migrations" in tables:
        word = read_word(link) if _TABLE in tables else None
        wrong = [item for item in gaps(link) if item.reason is Reason.SCHEMA_AHEAD]
        wrong += list(judge(word, is_current=False)) if word is not None else []
        if wrong:
            raise CommandError("\n".join(map(str, wrong)))
    if link.vendor == "postgresql":
        with link.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{LOCK_WAIT}'")
            cursor.execute("SET statement_timeout = 0")  # a concurrent index takes its time


def after_migrate(*, using: str, **_kwargs: object) -> None:
    """Record environment, schema and build once everything is applied (post_migrate)."""
    link = connections[using]
    if link.vendor == "postgresql":
        with link.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
            cursor.execute("RESET statement_timeout")
    if any(_gaps(link)):
        return
    if link.vendor == "sqlite":
        append_only.install(link, JOURNAL)  # SQLite rebuilds a table without its triggers
    here = fingerprint()
    record(using, here, now=SYSTEM_CLOCK.now())


def record(using: str, here: Fingerprint, *, now: datetime) -> None:
    """Write the row; the environment only the first time."""
    rows = Deployment.objects.using(using)
    wanted: dict[str, Any] = {"schema": here.schema, "build": here.build}
    if rows.filter(pk=Deployment.ONLY, **wanted).exists():
        return
    with db.write_transaction(using):
        rows.update_or_create(
            pk=Deployment.ONLY,
            defaults={**wanted, "recorded_at": now},
            create_defaults={**wanted, "recorded_at": now, "environment": settings.TRADEOPS_ENV},
        )
