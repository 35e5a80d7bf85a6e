"""Which SQL a migration may run beside a live system, on PostgreSQL.

Old processes run on while the new schema arrives, and whoever waits for a table behind a migration
waits as long as it does.
"""

import re

# Tables that grow with each order; a plain index or a validated constraint would lock them long.
LARGE = frozenset(
    {"journal_event", "journal_command", "orders_order", "orders_fill", "reconcile_reconcilerun"}
)
_TABLE = r'ALTER TABLE "(?P<table>\w+)" '
_CREATED = re.compile(r'CREATE TABLE "(\w+)"')
_RULES = (
    (re.compile(_TABLE + r".*ADD COLUMN (?!.*\bDEFAULT\b).*\bNOT NULL\b"), "needs db_default"),
    (re.compile(_TABLE + r".*\bDROP DEFAULT\b"), "needs db_default: old processes insert, too"),
    (re.compile(_TABLE + r".*ADD COLUMN .*\bUNIQUE\b"), "a unique column builds its index locked"),
    (re.compile(_TABLE + r".*ALTER COLUMN .*\bTYPE\b"), "rewrites the table"),
    (re.compile(_TABLE + r".*\bSET NOT NULL\b"), "reads the whole table locked"),
    (re.compile(_TABLE + r".*\bRENAME\b"), "old processes do not know the new name"),
    (re.compile(_TABLE + r".*\bDROP COLUMN\b"), "old processes still read it"),
    (re.compile(r'DROP TABLE "(?P<table>\w+)"'), "old processes still read it"),
)
_LARGE_RULES = (
    (
        re.compile(r'CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).*? ON "(?P<table>\w+)"'),
        "index of a large table without CONCURRENTLY",
    ),
    (
        re.compile(_TABLE + r".*ADD CONSTRAINT (?!.*NOT VALID)"),
        "constraint of a large table without NOT VALID",
    ),
    (re.compile(_TABLE + r".*ADD COLUMN .*\bREFERENCES\b"), "foreign key of a large table"),
)


def unsafe(statements: str) -> list[str]:
    """What is wrong with a migration's SQL, one sentence each; new tables may do anything."""
    created = set(_CREATED.findall(statements))
    found = []
    for statement in statements.split(";"):
        text = " ".join(line for line in statement.split("\n") if not line.startswith("--"))
        for rules, only in ((_RULES, None), (_LARGE_RULES, LARGE)):
            for pattern, why in rules:
                match = pattern.search(text)
                table = match["table"] if match else ""
                if match and table not in created and (only is None or table in only):
                    found.append(f"{table}: {why}: {text.strip()}")
    return found
