"""The `.env` file: what a first start writes into it. Nobody else writes there but the operator."""

import os
import secrets
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from tradeops.launch.plan import POSTGRES_PORT, REDIS_PORT
from tradeops.launch.ports import pick_port

HEAD = """\
# Written by `make run` for this machine only (mode 600); every name is explained in .env.example.
"""


def read(path: Path) -> dict[str, str]:
    """Return the names and values of a file of `NAME=value` lines; a missing file is empty."""
    if not path.is_file():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}


def complete(path: Path, environ: Mapping[str, str], *, database: str) -> dict[str, str]:
    """Add what is missing to `path` (fresh secrets, ports) and return all that it says then.

    A name that the process environment sets, or that the file has, is left alone. `database`
    (`pg`, `sqlite`, or empty for no wish) is remembered, so that the next start and manage.py
    use the same one.
    """
    known = read(path)
    present = {**known, **environ}
    wanted = {"TRADEOPS_DB": database} if database else {}
    changed = {name: value for name, value in wanted.items() if known.get(name) != value}
    added = {
        name: value
        for name, value in _missing({**present, **wanted}).items()
        if name not in known and name not in environ
    }
    if added or changed or not path.exists():
        _write(path, {**added, **changed})
    path.chmod(0o600)
    return {**known, **added, **changed}


def _missing(present: Mapping[str, str]) -> dict[str, str]:
    fresh = {
        "TRADEOPS_ENV": "paper",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "AUTH_TOKEN": secrets.token_urlsafe(32),
    }
    if not present.get("SEAL_PUBLIC_KEY") and not present.get("SEAL_PUBLIC_KEY_FILE"):
        public, private = _keypair()
        fresh |= {"SEAL_PUBLIC_KEY": public, "SEAL_PRIVATE_KEYS": private}
    if not present.get("REDIS_URL") and not present.get("REDIS_URL_FILE"):
        fresh["REDIS_PASSWORD"] = secrets.token_urlsafe(24)
        if "TRADEOPS_REDIS_PORT" not in present:
            fresh["TRADEOPS_REDIS_PORT"] = str(pick_port(REDIS_PORT))
    if present.get("TRADEOPS_DB") == "pg" and not present.get("DATABASE_URL"):
        fresh["POSTGRES_PASSWORD"] = secrets.token_urlsafe(24)
        if "TRADEOPS_PG_PORT" not in present:
            fresh["TRADEOPS_PG_PORT"] = str(pick_port(POSTGRES_PORT))
    if present.get("USE_TESTNET"):
        del fresh["TRADEOPS_ENV"]
    return {name: value for name, value in fresh.items() if f"{name}_FILE" not in present}


def _keypair() -> tuple[str, str]:
    # Loaded when it is needed: once in the life of a deployment, and the launcher stays small.
    pair: tuple[str, str] = import_module("accounts.sealing.envelope").generate_keypair()
    return pair


def _write(path: Path, values: Mapping[str, str]) -> None:
    """Replace the lines of `values`, append new ones; never leave a half-written file."""
    lines = path.read_text().splitlines() if path.is_file() else HEAD.splitlines()
    kept = [line for line in lines if line.split("=", 1)[0].strip() not in values]
    text = "\n".join([*kept, *(f"{name}={value}" for name, value in values.items())]) + "\n"
    draft = path.with_name(f"{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    draft.replace(path)
