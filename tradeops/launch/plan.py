"""Which processes a deployment consists of, and with which commands (architecture.md, Processes).

Pure description: `supervisor.py` turns it into a running `make run`, the stack of the tests
starts the same programs one by one.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tradeops.launch import postgres, redis
from tradeops.launch.failure import LaunchError

NO_SCREENS = {"TRADEOPS_SCREENS": "false"}  # admin and its widgets are the web process's

REDIS_PORT = 8179  # where the embedded servers start when nothing else is said
POSTGRES_PORT = 8132

CELERY_FLAGS = (
    "--pool=threads",
    "--without-gossip",
    "--without-mingle",
    "--without-heartbeat",
    "--loglevel=INFO",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. `redis_password` None: Redis runs elsewhere; the same for PostgreSQL."""

    root: Path
    home: Path
    host: str
    port: int
    paper_port: int | None
    redis_port: int
    redis_password: str | None
    postgres_port: int | None = None
    postgres_password: str | None = None
    paper_tape: str = ""
    paper_speed: str = ""
    orders_concurrency: int = 1
    paper_arguments: tuple[str, ...] = ()

    @property
    def web_url(self) -> str:
        """Return where the desk answers."""
        return f"http://{self.host}:{self.port}"

    @property
    def paper_url(self) -> str | None:
        """Return where the paper venue answers, None when there is none."""
        return None if self.paper_port is None else f"http://127.0.0.1:{self.paper_port}"


@dataclass(frozen=True, slots=True)
class Program:
    """One process: `opens_seals` says whether it may hold the private seal keys (D12)."""

    name: str
    command: tuple[str, ...]
    priority: int
    opens_seals: bool = False
    stop_signal: str = "TERM"
    stop_wait_s: int = 20
    environment: Mapping[str, str] = field(default_factory=dict)


def plan_of(
    root: Path, home: Path, values: Mapping[str, str], *, paper_arguments: tuple[str, ...] = ()
) -> Plan:
    """Return the plan of the settings `values` (.env and environment); raise LaunchError for a port
    that is no number.
    """

    def number(name: str, default: int) -> int:
        try:
            return int(values.get(name) or default)
        except ValueError as error:
            message = f"{name} must be a whole number, not {values[name]!r}."
            raise LaunchError(message) from error

    own_redis = not (values.get("REDIS_URL") or values.get("REDIS_URL_FILE"))
    own_postgres = values.get("TRADEOPS_DB") == "pg" and not values.get("DATABASE_URL")
    paper = values.get("TRADEOPS_ENV", "paper") == "paper"
    return Plan(
        root=root,
        home=home,
        host=values.get("TRADEOPS_HOST") or "127.0.0.1",
        port=number("TRADEOPS_PORT", 8000),
        paper_port=number("TRADEOPS_PAPER_PORT", 8100) if paper else None,
        redis_port=number("TRADEOPS_REDIS_PORT", REDIS_PORT),
        redis_password=values["REDIS_PASSWORD"] if own_redis else None,
        postgres_port=number("TRADEOPS_PG_PORT", POSTGRES_PORT) if own_postgres else None,
        postgres_password=values["POSTGRES_PASSWORD"] if own_postgres else None,
        paper_tape=values.get("TRADEOPS_PAPER_TAPE", ""),
        paper_speed=values.get("TRADEOPS_PAPER_SPEED", ""),
        orders_concurrency=number("TRADEOPS_ORDERS_CONCURRENCY", 1),
        paper_arguments=paper_arguments,
    )


def servers(plan: Plan) -> list[Program]:
    """Return what must answer before the database is migrated: Redis, PostgreSQL, paper venue.

    Writes the configuration files that they need.
    """
    programs = []
    if plan.redis_password is not None:
        config = redis.write_config(
            plan.home / "redis", port=plan.redis_port, password=plan.redis_password
        )
        programs.append(Program("redis", (redis.server_binary(), str(config)), priority=10))
    if plan.postgres_port is not None:
        folder = plan.home / "postgres"
        command = postgres.server_command(
            folder, postgres.binaries(folder), port=plan.postgres_port
        )
        programs.append(Program("postgres", tuple(command), priority=10, stop_signal="INT"))
    if plan.paper_port is not None:
        programs.append(Program("paper", _paper_command(plan), priority=20))
    return programs


def processes(plan: Plan) -> list[Program]:
    """Return the product's own processes."""
    daphne = (
        *_module("daphne"),
        "--bind",
        plan.host,
        "--port",
        str(plan.port),
        "--no-server-name",
        "--access-log",
        "/dev/null",
        "tradeops.asgi:application",
    )
    workers = {
        "orders": _worker("orders", "orders", plan.orders_concurrency),
        "streams": (*_worker("streams", "streams", 1), "--streams"),
        # Beat is a thread here: as a process it would hold 80 MB to send a few messages a second.
        "work": (*_worker("work", "reconcile,market,notify", 4), "--with-beat"),
    }
    return [
        *(
            Program(name, command, priority=30, opens_seals=True, environment=NO_SCREENS)
            for name, command in workers.items()
        ),
        Program("web", daphne, priority=50, stop_wait_s=10),
    ]


def _module(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name)


def _worker(name: str, queues: str, concurrency: int) -> tuple[str, ...]:
    return (
        *_module("celery"),
        "-A",
        "tradeops",
        "worker",
        f"--hostname={name}@%h",
        f"--queues={queues}",
        f"--concurrency={concurrency}",
        *CELERY_FLAGS,
    )


def _paper_command(plan: Plan) -> tuple[str, ...]:
    command = [*_module("tradeops.exchange.paper"), "--host", "127.0.0.1"]
    command += ["--port", str(plan.paper_port), "--state", str(plan.home / "paper-state.json")]
    if plan.paper_tape:
        command += ["--tape", plan.paper_tape]
    if plan.paper_speed:
        command += ["--speed", plan.paper_speed]
    return (*command, *plan.paper_arguments)
