"""One holder per lane, and the open and watched commands; built without stopping writers."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

LANE = models.UniqueConstraint(
    fields=["lane"], condition=models.Q(holds_lane=True), name="command_lane_unique"
)
NEXT_QUERY = models.Index(
    fields=["next_query_at"],
    condition=models.Q(next_query_at__isnull=False),
    name="command_next_query",
)
_TABLE = '"journal_command"'
_LANE_SQL = f'CREATE UNIQUE INDEX {{how}} "{LANE.name}" ON {_TABLE} ("lane") WHERE "holds_lane"'
_NEXT_QUERY_SQL = (
    f'CREATE INDEX {{how}} "{NEXT_QUERY.name}" ON {_TABLE} ("next_query_at") '
    'WHERE "next_query_at" IS NOT NULL'
)


def _build(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    live = schema_editor.connection.vendor == "postgresql"
    for statement in (_LANE_SQL, _NEXT_QUERY_SQL):
        schema_editor.execute(statement.format(how="CONCURRENTLY" if live else ""))


def _remove(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name in (LANE.name, NEXT_QUERY.name):
        schema_editor.execute(f'DROP INDEX IF EXISTS "{name}"')


class Migration(migrations.Migration):
    atomic = False  # CREATE INDEX CONCURRENTLY
    dependencies = [("journal", "0003_lanes")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(_build, _remove)],
            state_operations=[
                migrations.AddConstraint("command", LANE),
                migrations.AddIndex("command", NEXT_QUERY),
            ],
        )
    ]
