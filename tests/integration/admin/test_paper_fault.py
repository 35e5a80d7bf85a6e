"""`paper_fault` against a real paper venue."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tests.support.paper import PaperServer


def _faults(*words: str) -> list[Any]:
    out = StringIO()
    call_command("paper_fault", *words, "--json", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_fault_is_switched_on_listed_and_cleared(venue: PaperServer) -> None:
    words = ("http_5xx_after", "--match", "POST /fapi/v1/order", "--count", "1")
    (made,) = _faults(*words)

    assert (made["kind"], made["match"], made["count"]) == (words[0], words[2], 1)
    assert venue.request("GET", "/paper/faults") == {"faults": [made]}
    assert _faults() == [made]
    assert _faults("--clear") == []
    assert venue.request("GET", "/paper/faults") == {"faults": []}


def test_storm_takes_its_rate_and_kinds(venue: PaperServer) -> None:
    words = ("storm", "--rate", "0.05", "--ms", "200", "--kinds", "ws_drop", "timeout_after")
    (made,) = _faults(*words)

    assert (made["rate"], made["ms"], made["kinds"]) == (0.05, 200, ["ws_drop", "timeout_after"])
    assert _faults("--clear") == []


def test_unknown_kind_is_wrong_usage_in_the_venues_words(venue: PaperServer) -> None:
    with pytest.raises(CommandError, match="kind must be one of") as refused:
        _faults("earthquake")

    assert refused.value.returncode == 2


@pytest.mark.parametrize(
    ("environment", "url", "code"),
    [("testnet", None, 2), ("paper", "http://127.0.0.1:1", 5)],
)
def test_no_paper_venue_no_fault(
    venue: PaperServer, settings: Settings, environment: str, url: str | None, code: int
) -> None:
    settings.TRADEOPS_ENV = environment
    settings.PAPER_URL = url or venue.url

    with pytest.raises(CommandError) as refused:
        _faults("http_5xx_before")

    assert refused.value.returncode == code
    assert venue.request("GET", "/paper/faults") == {"faults": []}
