"""The paper venue as a process: what a kill leaves, how it starts and ends, a whole capture."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from tests.contract.paper.venue import BTC, market, signed_post, without_marks
from tests.support.paper import ROOT, PaperServer

ORDER = "/fapi/v1/order"
CAPTURE = ROOT.parent / "shared" / "corpus" / "market" / "wsraw_usdm_btcusdt_20240808.gz"


def test_books_survive_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with PaperServer(state=state) as server:
        asyncio.run(_trade_once(server))
        deadline = time.monotonic() + 20
        while "ae-resting" not in (state.read_text() if state.exists() else ""):
            assert time.monotonic() < deadline, "nothing was saved"
            time.sleep(0.02)
        before = without_marks(server.truth())
        server.kill()
        server.start()

        assert without_marks(server.truth()) == before
        assert before["accounts"][0]["fills"]
        json.loads(state.read_text())


async def _trade_once(server: PaperServer) -> None:
    async with aiohttp.ClientSession(base_url=server.url) as session:
        server.set_price(BTC, "60000")
        await signed_post(session, ORDER, market("ae-filled"))
        resting = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        resting |= {"price": "59000", "quantity": "0.010", "newClientOrderId": "ae-resting"}
        await signed_post(session, ORDER, resting)


def test_broken_state_file_stops_the_start_with_one_sentence(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text('{"version": 1}')

    done = _start("--state", str(state))

    assert done.returncode == 1
    assert "is not a saved state" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert state.read_text() == '{"version": 1}'


def test_taken_port_stops_the_start_with_one_sentence() -> None:
    with PaperServer() as server:
        done = _start("--port", str(server.port))

    assert done.returncode == 1
    assert "cannot start" in done.stderr
    assert "Traceback" not in done.stderr


def test_accounts_come_from_a_file(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.json"
    accounts.write_text('[{"name": "x", "api_key": "key-of-x", "api_secret": "s", "balance": "5"}]')

    with PaperServer(options=["--accounts", str(accounts)]) as server:
        (account,) = server.truth()["accounts"]

    assert (account["name"], account["balances"][0]["wallet"]) == ("x", "5")


def test_sigterm_saves_and_ends_cleanly(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with PaperServer(state=state) as server:
        assert server.stop() == 0

    assert state.exists()


def test_sigterm_ends_although_clients_are_connected_and_requests_held(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with PaperServer(state=state) as server:
        server.fault(kind="timeout_before", match="GET /fapi/v1/time", ms=60_000)
        assert asyncio.run(_stop_under_clients(server)) == 0

    assert state.exists()


async def _stop_under_clients(server: PaperServer) -> int:
    async with aiohttp.ClientSession(base_url=server.url) as session:
        held = asyncio.ensure_future(session.get("/fapi/v1/time"))
        paths = ("/ws/btcusdt@aggTrade", "/ws-fapi/v1")
        sockets = [await session.ws_connect(path) for path in paths]
        code = await asyncio.to_thread(server.stop)
        for socket in sockets:
            await socket.close()
        with pytest.raises(aiohttp.ClientError):
            await held
    return code


@pytest.mark.skipif(not CAPTURE.exists(), reason="the corpus is not beside the repository")
def test_recorded_capture_plays_to_its_end_while_orders_go_through() -> None:
    with PaperServer(tape=CAPTURE, speed="1000", options=["--weight-limit", "1000000"]) as server:
        asyncio.run(_trade_until_the_tape_ends(server))
        truth = server.truth("main")

    assert truth["fills"]
    assert {o["status"] for o in truth["orders"]} == {"FILLED"}


async def _trade_until_the_tape_ends(server: PaperServer) -> None:
    async with aiohttp.ClientSession(base_url=server.url) as session:
        number = 0
        while True:
            number += 1
            side = "BUY" if number % 2 else "SELL"
            await signed_post(session, ORDER, market(f"n-{number}") | {"side": side})
            async with session.get("/paper/health") as reply:
                if (await reply.json())["tape_ended"]:
                    return
            await asyncio.sleep(0.2)


def _start(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tradeops.exchange.paper", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
