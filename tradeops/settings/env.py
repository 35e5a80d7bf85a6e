"""Read the environment once, typed.

Every name may also be given as `NAME_FILE`, the path of a file that holds the value (secrets of
containers). A value of the process environment wins over the `.env` file. Nothing else in the
program reads environment variables.
"""

import os
from pathlib import Path
from typing import Any, cast

import environ
from django.core.exceptions import ImproperlyConfigured

ENVIRONMENTS = ("paper", "testnet", "mainnet")

_env = environ.FileAwareEnv()


def read_env_file(path: Path) -> None:
    """Take what `path` says and the process environment does not; a missing file says nothing."""
    if path.is_file():
        environ.Env.read_env(path)


def text(name: str, default: str = "") -> str:
    """Return the value of `name` without surrounding blanks."""
    return cast("str", _env.str(name, default=default)).strip()


def flag(name: str, *, default: bool = False) -> bool:
    """Return `name` as a boolean (`true 1 yes on`); an empty value is the default."""
    return default if not text(name) else cast("bool", _env.bool(name))


def whole(name: str, default: int) -> int:
    """Return `name` as an int; raise ImproperlyConfigured with the name when it is none."""
    raw = text(name)
    if not raw:
        return default
    try:
        return int(raw)
    except ValueError as error:
        message = f"{name} must be a whole number, not {raw!r}."
        raise ImproperlyConfigured(message) from error


def words(name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the comma-separated parts of `name`, blanks dropped."""
    parts = tuple(part.strip() for part in text(name).split(",") if part.strip())
    return parts or default


def environment() -> str:
    """Return `paper`, `testnet` or `mainnet`; `USE_TESTNET=true` is another way to say testnet.

    Raises ImproperlyConfigured for any other word. A contradiction is left to the system checks.
    """
    value = text("TRADEOPS_ENV").lower()
    if not value:
        return "testnet" if flag("USE_TESTNET") else "paper"
    if value not in ENVIRONMENTS:
        message = f"TRADEOPS_ENV must be one of {', '.join(ENVIRONMENTS)}, not {value!r}."
        raise ImproperlyConfigured(message)
    return value


def home(base_dir: Path) -> Path:
    """Return the folder of a run's files (`TRADEOPS_HOME`, default `var/` of the project)."""
    return Path(text("TRADEOPS_HOME") or base_dir / "var").expanduser().resolve()


def database(default_file: Path) -> dict[str, Any]:
    """Return Django's settings of the one database, from `DATABASE_URL` or an SQLite file.

    SQLite: WAL and `synchronous=FULL` (a committed order survives a power cut), and every
    transaction takes the write lock when it begins, since a read that turns into a write fails
    with "database is locked" whatever the timeout. PostgreSQL: a pool instead of kept
    connections, and upper bounds for waiting.
    """
    url = text("DATABASE_URL") or _embedded_postgres() or f"sqlite:///{default_file}"
    config = cast("dict[str, Any]", environ.Env.db_url_config(url))
    config["ATOMIC_REQUESTS"] = False
    if config["ENGINE"].endswith("sqlite3"):
        config["CONN_MAX_AGE"] = None
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;",
        }
        return config
    config["ENGINE"] = "django.db.backends.postgresql"
    config["CONN_MAX_AGE"] = 0
    config["CONN_HEALTH_CHECKS"] = True  # or a restarted server fails each pooled connection once
    options = config.setdefault("OPTIONS", {})
    options["pool"] = {"min_size": 1, "max_size": whole("DATABASE_POOL_SIZE", 10), "timeout": 10}
    options["options"] = (
        "-c lock_timeout=5s -c statement_timeout=15s -c idle_in_transaction_session_timeout=30s"
    )
    return config


def _embedded_postgres() -> str:
    """Return the URL of the server that `make run DB=pg` starts, when that is the choice."""
    if text("TRADEOPS_DB") != "pg":
        return ""
    port, password = text("TRADEOPS_PG_PORT"), text("POSTGRES_PASSWORD")
    return f"postgres://tradeops:{password}@127.0.0.1:{port}/postgres"


def redis_url() -> str:
    """Return `REDIS_URL`, else the URL of the embedded server that `make run` starts."""
    port, password = text("TRADEOPS_REDIS_PORT", "6379"), text("REDIS_PASSWORD")
    secret = f":{password}@" if password else ""
    return text("REDIS_URL") or f"redis://{secret}127.0.0.1:{port}/0"


def env_file(base_dir: Path) -> Path:
    """Return the `.env` file to read (`TRADEOPS_DOTENV`, default beside manage.py)."""
    return Path(os.environ.get("TRADEOPS_DOTENV") or base_dir / ".env")
