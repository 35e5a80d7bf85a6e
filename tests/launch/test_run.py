"""`make run` as the operator sees it: one command up, Ctrl-C down, nothing lost, clear refusals."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.stack import OWN_NAMES
from tradeops.launch.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
READY_S = 180
END_S = 60
PERIOD_S = 90
TRADE = {"symbol": "BTCUSDT", "side": "BUY", "amount": "50", "leverage": 10}


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a folder that everybody may enter: as root, PostgreSQL runs as nobody."""
    with tempfile.TemporaryDirectory(prefix="tradeops-run-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def environment(home: Path) -> dict[str, str]:
    """Return what moves a run into `home` and onto free ports; with PostgreSQL on that leg."""
    outside = {k: v for k, v in os.environ.items() if not k.startswith(OWN_NAMES)}
    outside.pop("DJANGO_SETTINGS_MODULE", None)
    return outside | {
        "TRADEOPS_HOME": str(home / "var"),
        "TRADEOPS_DOTENV": str(home / ".env"),
        "TRADEOPS_PORT": str(free_port()),
        "TRADEOPS_PAPER_PORT": str(free_port()),
        "TRADEOPS_REDIS_PORT": str(free_port()),
        "TRADEOPS_PG_PORT": str(free_port()),
        "TRADEOPS_DB": os.environ.get("TRADEOPS_TEST_DB", "sqlite"),
    }


def launch(env: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tradeops.launch"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def running(env: dict[str, str], how: signal.Signals) -> Iterator[dict[str, Any]]:
    """Run until the block ends, then end it with `how` and see that no process is left."""
    process = launch(env)
    run_file = Path(env["TRADEOPS_HOME"]) / "run.json"
    try:
        deadline = time.monotonic() + READY_S
        while not run_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                process.terminate()
                pytest.fail(f"did not start: {process.communicate(timeout=END_S)[0]}")
            time.sleep(0.1)
        run = json.loads(run_file.read_text())
        yield run
    finally:
        process.send_signal(how)
        output, _ = process.communicate(timeout=END_S)
    run["output"] = output
    assert process.returncode == 0
    assert not run_file.exists()
    left = {name: pid for name, pid in run["pids"].items() if Path(f"/proc/{pid}").exists()}
    assert left == {}


def request(env: dict[str, str], method: str, path: str, body: Any = None) -> Any:
    token = re.search(r"^AUTH_TOKEN=(.+)$", Path(env["TRADEOPS_DOTENV"]).read_text(), re.M)
    assert token
    connection = http.client.HTTPConnection("127.0.0.1", int(env["TRADEOPS_PORT"]), timeout=30)
    headers = {"Authorization": f"Bearer {token[1]}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        reply = connection.getresponse()
        content = reply.read()
        assert reply.status == http.client.OK, content
        return json.loads(content)
    finally:
        connection.close()


def wait_for_a_period(env: dict[str, str]) -> None:
    """Return when a comparison ran that nobody but the schedule asked for: its age falls."""
    deadline = time.monotonic() + PERIOD_S
    before = age = request(env, "GET", "/healthz")["checks"]["reconcile_age_s"]
    while age >= before:
        assert time.monotonic() < deadline, f"no comparison for {age} s"
        time.sleep(0.5)
        before, age = age, request(env, "GET", "/healthz")["checks"]["reconcile_age_s"]


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_run_trades_ends_without_a_trace_and_keeps_everything(home: Path) -> None:
    env = environment(home)

    with running(env, signal.SIGINT) as first:
        filled = request(env, "POST", "/api/trade", TRADE)
        before = request(env, "GET", "/api/positions")
    with running(env, signal.SIGTERM) as second:
        after = request(env, "GET", "/api/positions")
        wait_for_a_period(env)

    assert filled["status"] == "FILLED"
    assert [p["positionAmt"] for p in before] == [filled["executedQty"]]
    assert [p["positionAmt"] for p in after] == [p["positionAmt"] for p in before]
    servers = {"redis", "paper"} | ({"postgres"} if env["TRADEOPS_DB"] == "pg" else set())
    own = {"launch", "web", "orders", "streams", "work"}
    assert set(first["pids"]) == servers | own
    assert "password: " in first["output"]
    assert "password: " not in second["output"]
    secret = (home / ".env").read_text().split("SECRET_KEY=")[1].split("\n")[0]
    assert secret not in first["output"] + second["output"]


def refused(env: dict[str, str]) -> str:
    """Return the one sentence of a start that is refused."""
    process = launch(env)
    output, _ = process.communicate(timeout=END_S)
    assert process.returncode == 1
    assert len(output.strip().splitlines()) == 1
    return output


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("TRADEOPS_PORT", "web server"),
        ("TRADEOPS_PAPER_PORT", "paper venue"),
        ("TRADEOPS_REDIS_PORT", "Redis"),
    ],
)
def test_run_with_a_taken_port_names_port_purpose_and_setting(
    tmp_path: Path, setting: str, name: str
) -> None:
    env = environment(tmp_path)
    with socket.create_server(("127.0.0.1", int(env[setting]))):
        sentence = refused(env)

    assert f"Port {env[setting]} for the {name}" in sentence
    assert f"set {setting} in .env" in sentence


def test_run_with_an_unusable_folder_says_so(tmp_path: Path) -> None:
    # A file where a folder should be: the superuser, too, cannot write there.
    (tmp_path / "file").touch()
    env = environment(tmp_path) | {"TRADEOPS_HOME": str(tmp_path / "file" / "var")}

    assert f"{tmp_path}/file/var cannot be written" in refused(env)


def test_run_with_a_port_that_is_no_number_says_so(tmp_path: Path) -> None:
    env = environment(tmp_path) | {"TRADEOPS_PORT": "web"}

    assert "TRADEOPS_PORT must be a whole number, not 'web'" in refused(env)
