"""Which database errors last until somebody repairs something, by number.

Locks, timeouts, constraints and programming errors are none of them.
Source: https://sqlite.org/rescode.html and
https://www.postgresql.org/docs/18/errcodes-appendix.html (2026-11).
"""

import errno

from django.db import InterfaceError, OperationalError

from tradeops.domain.reasons import Reason

_SQLITE = {
    8: Reason.DATABASE_READ_ONLY,  # READONLY
    10: Reason.DATABASE_DAMAGED,  # IOERR
    11: Reason.DATABASE_DAMAGED,  # CORRUPT
    13: Reason.DATABASE_FULL,  # FULL
    14: Reason.DATABASE_GONE,  # CANTOPEN
    26: Reason.DATABASE_DAMAGED,  # NOTADB
}
_POSTGRES = {
    "25006": Reason.DATABASE_READ_ONLY,
    "53100": Reason.DATABASE_FULL,
    "57P01": Reason.DATABASE_GONE,  # admin shutdown
    "57P02": Reason.DATABASE_GONE,  # crash shutdown
    "57P03": Reason.DATABASE_GONE,  # starting up
    "58030": Reason.DATABASE_DAMAGED,  # IO error
    "XX001": Reason.DATABASE_DAMAGED,
    "XX002": Reason.DATABASE_DAMAGED,
}
_PRIMARY_CODE = 0xFF  # SQLite's extended codes keep the primary one in the lowest byte


_OS = {
    errno.EROFS: Reason.DATABASE_READ_ONLY,
    errno.EACCES: Reason.DATABASE_READ_ONLY,
    errno.EPERM: Reason.DATABASE_READ_ONLY,
    errno.ENOSPC: Reason.DATABASE_FULL,
    errno.EDQUOT: Reason.DATABASE_FULL,
    errno.EIO: Reason.DATABASE_DAMAGED,
    errno.ENOENT: Reason.DATABASE_GONE,
}


def reason_of(error: BaseException) -> Reason | None:
    """The number of a lasting database error; None for any other error."""
    cause = error.__cause__
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return _SQLITE.get(int(code) & _PRIMARY_CODE)
    if isinstance(cause, OSError):
        return _OS.get(cause.errno or 0)
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        gone = Reason.DATABASE_GONE if str(state).startswith("08") else None
        return _POSTGRES.get(str(state), gone)
    # The driver gave no code: the connection broke or was never made. A pool that ran out of
    # connections (psycopg_pool) may only be busy.
    if isinstance(error, OperationalError | InterfaceError) and _is_psycopg(cause):
        return Reason.DATABASE_GONE
    return None


def _is_psycopg(error: BaseException | None) -> bool:
    return type(error).__module__.partition(".")[0] == "psycopg"
