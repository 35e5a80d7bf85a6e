"""Every migration after the first generation may run beside a live system."""

import io

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import RunPython

from tests.architecture.migration_rules import unsafe
from tradeops.deployment import OURS

FIRST = {("journal", "0002_event_append_only")}
# Python that was read by somebody, and why it is harmless. Others run outside of a transaction.
READ = {
    ("journal", "0005_terminal_commands_stay"): "makes a trigger: a lock for a moment",
    ("reconcile", "0002_drift_decisions"): "marks drifts resolved: a few rows",
}


def later_migrations() -> list[tuple[str, str]]:
    """(application, name) of everything after the first generation, ours only."""
    loader = MigrationLoader(None)
    return sorted(
        key
        for key, migration in loader.disk_migrations.items()
        if migration.__module__.partition(".")[0] in OURS
        and not key[1].startswith("0001")
        and key not in FIRST
    )


@pytest.mark.django_db
@pytest.mark.parametrize("key", later_migrations(), ids=".".join)
def test_migration_is_safe_on_a_live_system(key: tuple[str, str]) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the SQL is PostgreSQL's")
    out = io.StringIO()

    call_command("sqlmigrate", *key, stdout=out)

    assert unsafe(out.getvalue()) == []


@pytest.mark.once
@pytest.mark.parametrize("key", later_migrations(), ids=".".join)
def test_data_is_changed_outside_of_the_schemas_transaction(key: tuple[str, str]) -> None:
    migration = MigrationLoader(None).disk_migrations[key]

    changes_data = any(isinstance(item, RunPython) for item in migration.operations)

    assert not (changes_data and migration.atomic) or key in READ


@pytest.mark.parametrize(
    "statement",
    [
        'ALTER TABLE "orders_order" ADD COLUMN "x" varchar(9) NOT NULL',
        'ALTER TABLE "orders_order" ALTER COLUMN "x" DROP DEFAULT',
        'ALTER TABLE "risk_risklimit" ADD COLUMN "x" integer NULL UNIQUE',
        'ALTER TABLE "risk_risklimit" ALTER COLUMN "x" TYPE bigint USING "x"::bigint',
        'ALTER TABLE "risk_risklimit" ALTER COLUMN "x" SET NOT NULL',
        'ALTER TABLE "risk_risklimit" RENAME COLUMN "x" TO "y"',
        'ALTER TABLE "risk_risklimit" DROP COLUMN "x" CASCADE',
        'DROP TABLE "risk_risklimit" CASCADE',
        'CREATE INDEX "i" ON "journal_event" ("x")',
        'CREATE UNIQUE INDEX "i" ON "journal_command" ("x")',
        'ALTER TABLE "orders_fill" ADD CONSTRAINT "c" CHECK ("x" > 0)',
        'ALTER TABLE "orders_fill" ADD COLUMN "x" bigint NULL CONSTRAINT "c" REFERENCES "t"("id")',
    ],
)
def test_unsafe_statement_is_refused(statement: str) -> None:
    assert len(unsafe(f"BEGIN;\n--\n-- what it is\n--\n{statement};\nCOMMIT;")) == 1


@pytest.mark.parametrize(
    "statement",
    [
        'ALTER TABLE "orders_order" ADD COLUMN "x" varchar(9) DEFAULT \'\' NOT NULL',
        'ALTER TABLE "orders_order" ADD COLUMN "x" timestamp with time zone NULL',
        'CREATE INDEX CONCURRENTLY "i" ON "journal_event" ("x")',
        'CREATE INDEX "i" ON "reconcile_drift" ("x")',
        'ALTER TABLE "orders_fill" ADD CONSTRAINT "c" CHECK ("x" > 0) NOT VALID',
        'CREATE TABLE "orders_fill" ("id" uuid);\nCREATE INDEX "i" ON "orders_fill" ("id")',
    ],
)
def test_safe_statement_passes(statement: str) -> None:
    assert unsafe(f"BEGIN;\n{statement};\nCOMMIT;") == []
