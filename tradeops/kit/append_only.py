"""Tables that refuse UPDATE and DELETE, enforced by the database itself (D3, I6)."""

from django.db.backends.base.base import BaseDatabaseWrapper

_POSTGRES_FUNCTION = """
CREATE OR REPLACE FUNCTION tradeops_refuse_change() RETURNS trigger AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$$ LANGUAGE plpgsql
"""


def install(connection: BaseDatabaseWrapper, table: str) -> None:
    """Make `table` append-only."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for verb in ("UPDATE", "DELETE"):
                cursor.execute(
                    f'CREATE TRIGGER IF NOT EXISTS "{table}_no_{verb.lower()}" '
                    f'BEFORE {verb} ON "{table}" '
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
            return
        cursor.execute(_POSTGRES_FUNCTION)
        cursor.execute(
            f'CREATE TRIGGER "{table}_append_only" BEFORE UPDATE OR DELETE ON "{table}" '
            "FOR EACH ROW EXECUTE FUNCTION tradeops_refuse_change()"
        )


def remove(connection: BaseDatabaseWrapper, table: str) -> None:
    """Lift the rule again: for the reverse of a migration and for emptying a test database."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for verb in ("update", "delete"):
                cursor.execute(f'DROP TRIGGER IF EXISTS "{table}_no_{verb}"')
            return
        cursor.execute(f'DROP TRIGGER IF EXISTS "{table}_append_only" ON "{table}"')
