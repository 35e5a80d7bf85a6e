"""The database itself refuses to move a command out of ACK or FAILED (I12)."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_ENDED = "OLD.status IN ('ACK', 'FAILED') AND NEW.status <> OLD.status"
_SQLITE = f"""
CREATE TRIGGER command_stays_ended BEFORE UPDATE OF status ON journal_command
WHEN {_ENDED} BEGIN SELECT RAISE(ABORT, 'a command that has ended stays so'); END
"""
_POSTGRES = (
    """
CREATE OR REPLACE FUNCTION tradeops_refuse_revival() RETURNS trigger AS $$
BEGIN
  RAISE EXCEPTION 'a command that has ended stays so';
END
$$ LANGUAGE plpgsql
""",
    f"""
CREATE TRIGGER command_stays_ended BEFORE UPDATE OF status ON journal_command
FOR EACH ROW WHEN ({_ENDED}) EXECUTE FUNCTION tradeops_refuse_revival()
""",
)


def _install(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        if schema_editor.connection.vendor == "sqlite":
            cursor.execute(_SQLITE)
            return
        for statement in _POSTGRES:
            cursor.execute(statement)


def _remove(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        if schema_editor.connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER IF EXISTS command_stays_ended")
            return
        cursor.execute("DROP TRIGGER IF EXISTS command_stays_ended ON journal_command")
        cursor.execute("DROP FUNCTION IF EXISTS tradeops_refuse_revival()")


class Migration(migrations.Migration):
    dependencies = [("journal", "0004_lane_indexes")]
    operations = [migrations.RunPython(_install, _remove)]
