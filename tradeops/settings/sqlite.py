"""Use the SQLite that comes with pysqlite3 instead of the system's.

SQLite below 3.51.3 can corrupt a WAL database while it resets the log. Python's own module is
built on whatever the machine has; the wheel carries a fixed one. Must be imported before
anything opens a database: `settings/base.py` does it first.
"""

import sys

SAFE_SQLITE = (3, 51, 3)

try:
    import pysqlite3
    import pysqlite3.dbapi2
except ImportError:  # no wheel for this machine: tradeops.W001 says so, mainnet refuses
    pass
else:
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2
