"""The product for one bench run: the stack of the tests with four accounts and raised limits."""

import contextlib
import json
import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from pysqlite3 import dbapi2 as sqlite3

from tests.bench.figures import Figure
from tests.bench.machine import cpu_s
from tests.support.stack import Stack
from tradeops.launch import postgres
from tradeops.launch.ports import free_port

SQLITE, POSTGRES = "SQLite", "PostgreSQL"
ACCOUNTS = ("main", "second", "third", "fourth")
STRANGER = "stranger"  # trades at the venue only: the raw client's account
LIMITS = (
    "--weight-limit",
    "100000000",
    "--order-limit-10s",
    "1000000",
    "--order-limit-1m",
    "9999999",
)
BOOKS_WITHIN_S = 30.0
_CREATE = """
from accounts.services.account_create import create_account
from accounts.models import ExchangeAccount
from tradeops.kit.clock import SYSTEM_CLOCK
for name in {names!r}:
    if not ExchangeAccount.objects.filter(name=name).exists():
        create_account(name=name, api_key=f"paper-{{name}}-key",
            api_secret=f"paper-{{name}}-secret", actor="bench", now=SYSTEM_CLOCK.now())
"""


class Product:
    """A running product, `database` being one of SQLITE and POSTGRES."""

    def __init__(self, stack: Stack, database: str) -> None:
        self.stack = stack
        self.database = database
        assert stack.plan.paper_port is not None
        self.paper_port: int = stack.plan.paper_port
        self.port = stack.plan.port
        self.account_ids: dict[str, int] = {}

    def wait_ready(self) -> None:
        """Create the further accounts and wait until each can trade."""
        self.python(_CREATE.format(names=ACCOUNTS))
        rows = self.items("/api/v1/accounts")
        self.account_ids = {row["name"]: row["id"] for row in rows}
        self.stack.wait_until(self._knows_balances, "every account's balance", timeout_s=60)
        self.stack.wait_until(self.stack.healthy, "every account is connected", timeout_s=60)

    def _knows_balances(self) -> bool:
        known = {row["account"] for row in self.items("/api/v1/balances")}
        return known.issuperset(ACCOUNTS)

    def items(self, path: str) -> list[dict[str, Any]]:
        """Return the rows of a list route."""
        answer = self.stack.api("GET", path)
        assert answer.status == 200, answer.text
        rows = answer.json["items"] if isinstance(answer.json, dict) else answer.json
        return list(rows)

    def python(self, code: str) -> str:
        """Run code with the product's settings in a process of its own; return what it printed."""
        return self.stack.manage("shell", "--no-imports", "-v", "0", "-c", code)

    def count(self, table: str, where: str = "") -> int:
        """Count rows in the product's database, from outside."""
        query = f"SELECT count(*) FROM {table} {where}"  # noqa: S608 - our own words
        if self.database == POSTGRES:
            with psycopg.connect(self.stack.settings["DATABASE_URL"]) as connection:
                row = connection.execute(query.encode()).fetchone()
            return int(row[0]) if row else 0
        path = self.stack.folder / "tradeops-paper.sqlite3"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return int(connection.execute(query).fetchone()[0])

    def cpu_s(self) -> dict[str, float]:
        """Return the CPU seconds that each process has used so far."""
        return {name: cpu_s(pid) for name, pid in self.stack.pids.items()}

    def books(self, when: str) -> Figure:
        """Compare ours with the venue's when everything had time to arrive."""
        deadline = time.monotonic() + BOOKS_WITHIN_S
        while (found := self._differences()) and time.monotonic() < deadline:
            time.sleep(0.5)
        return Figure(
            f"books differ {when}",
            self.database,
            n=self.count("orders_order"),
            value=float(len(found)),
            unit="entries",
            budget="0",
            ok=not found,
            is_exact=True,
            note="; ".join(found[:3]),
        )

    def _differences(self) -> list[str]:
        """Numbers of orders and fills, positions and wallets that are not the same."""
        found = []
        for name, account_id in self.account_ids.items():
            there, where = self.stack.truth(name), f"WHERE account_id = {account_id}"
            ours = {
                "orders": self.count("orders_order", where),
                "fills": self.count("orders_fill", where),
                "positions": _amounts(self.items(f"/api/v1/positions?account={name}"), "quantity"),
                "wallets": _amounts(
                    self.items(f"/api/v1/balances?account={name}"), "wallet_balance", "asset"
                ),
            }
            venues = {
                "orders": len(there["orders"]),
                "fills": len(there["fills"]),
                "positions": _amounts(there["positions"], "quantity"),
                "wallets": _amounts(there["balances"], "wallet", "asset"),
            }
            found += [
                f"{name} {key}: ours {ours[key]}, venue {venues[key]}"
                for key in ours
                if ours[key] != venues[key]
            ]
        return found


def _amounts(rows: list[dict[str, Any]], amount: str, key: str = "symbol") -> dict[str, Decimal]:
    return {row[key]: Decimal(row[amount]) for row in rows if Decimal(row[amount])}


@contextlib.contextmanager
def running(database: str) -> Iterator[Product]:
    """Start the product in a new folder, end it and remove the folder."""
    with (
        tempfile.TemporaryDirectory(prefix="tradeops-bench-") as name,
        contextlib.ExitStack() as all_,
    ):
        folder = Path(name)
        folder.chmod(0o711)  # as root PostgreSQL runs as nobody, who must get to its data
        if database == POSTGRES:
            all_.enter_context(_postgres(folder / "postgres"))
        accounts = folder / "accounts.json"
        accounts.write_text(json.dumps([_account(name) for name in (*ACCOUNTS, STRANGER)]))
        stack = Stack(
            folder / "home",
            paper_arguments=(*LIMITS, "--accounts", str(accounts)),
            environment={"ORDER_WRITES_PER_MINUTE": "9999999", "LOG_LEVEL": "WARNING"},
        )
        with stack:
            product = Product(stack, database)
            product.wait_ready()
            yield product


def _account(name: str) -> dict[str, str]:
    return {
        "name": name,
        "api_key": f"paper-{name}-key",
        "api_secret": f"paper-{name}-secret",
        "balance": "1000000",
    }


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[None]:
    """Run a server with fsync, as `make run DB=pg` has it, and name it to the stack."""
    password, port = secrets.token_urlsafe(16), free_port()
    command = postgres.server_command(folder, postgres.prepare(folder, password), port=port)
    url = postgres.url(port=port, password=password)
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd="/")
    before = os.environ.get("DATABASE_URL")
    try:
        _wait_for(url, server)
        os.environ["DATABASE_URL"] = url
        yield
    finally:
        os.environ.pop("DATABASE_URL", None)
        if before is not None:
            os.environ["DATABASE_URL"] = before
        server.terminate()
        server.wait(30)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the embedded PostgreSQL does not answer")
