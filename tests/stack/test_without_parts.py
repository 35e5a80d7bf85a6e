"""The live product without Redis, under a second bootstrap, and in the middle of a deploy."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack import Answer, Stack

pytestmark = [pytest.mark.stack, pytest.mark.once, pytest.mark.timeout(400)]

WORKERS = ("orders", "streams", "work")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home: Path = tmp_path_factory.mktemp("parts") / "home"
    with Stack(home) as running:
        yield running


def ask(stack: Stack, verb: str, reason: str) -> Answer:
    """A command that needs no venue."""
    body = {"scope": "all", "reason": reason}
    return stack.api("POST", f"/api/v1/engine/{verb}", body, headers={"Prefer": "wait=0"})


def status_of(stack: Stack, answer: Answer) -> str:
    """What has become of a command that was accepted."""
    row = stack.api("GET", f"/api/v1/commands/{answer.json['command']['id']}")
    return str(row.json["status"])


def test_without_redis_commands_wait_and_are_found_afterwards(stack: Stack) -> None:
    stack.kill("redis")
    try:
        answer = ask(stack, "pause", "redis is away")
        health = stack.api("GET", "/healthz", token="")
        code, report = stack.doctor()
    finally:
        stack.restart("redis")

    assert answer.status == 202, answer.text
    assert (health.status, health.json["checks"]["redis"]) == (503, "fail")
    assert health.json["checks"]["database"] == "ok"
    assert (code, "T030" in report) == (1, True)
    stack.wait_until(lambda: status_of(stack, answer) == "ACK", "the command is done", timeout_s=90)
    ask(stack, "resume", "redis is back")
    stack.wait_until(stack.ready, "the desk is ready again", timeout_s=90)


def test_bootstrap_beside_the_live_system_is_harmless(stack: Stack) -> None:
    before = stack.pids

    stack.manage("bootstrap")

    answer = ask(stack, "resume", "after bootstrap")
    stack.wait_until(lambda: status_of(stack, answer) == "ACK", "the command is done")
    assert stack.pids == before


def test_half_a_deploy_stops_workers_and_writes_until_one_build_is_everywhere(
    stack: Stack,
) -> None:
    waiting = "from tradeops.models import Deployment as D; D.objects.update(schema='another')"
    stack.manage("shell", "--no-imports", "-c", waiting)

    stack.wait_until(
        lambda: not set(WORKERS) & set(stack.pids), "every worker has ended", timeout_s=120
    )
    refused = ask(stack, "resume", "in between")
    health = stack.api("GET", "/healthz", token="")
    code, report = stack.doctor()
    stack.manage("bootstrap")
    for name in WORKERS:
        stack.restart(name)

    assert (refused.status, refused.json["code"]) == (503, "SAFE")
    assert refused.json["detail"].startswith("T017: ")
    assert [item["number"] for item in health.json["reasons"]] == ["T017"]
    assert (code, "T017" in report) == (1, True)
    stack.wait_until(stack.ready, "the desk is ready again", timeout_s=120)
    answer = ask(stack, "resume", "one build")
    stack.wait_until(lambda: status_of(stack, answer) == "ACK", "the command is done")
