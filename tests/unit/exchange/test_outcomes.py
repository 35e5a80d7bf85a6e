"""The outcome tree: what a reply proves, and what it does not."""

import json

import pytest

from tradeops.exchange.binance.outcomes import (
    each_understood,
    failure_of,
    understood,
)
from tradeops.exchange.errors import (
    Ambiguous,
    ClockSkew,
    ExchangeError,
    NotFound,
    Rejected,
    Throttled,
    Unauthorized,
)

NOW_S = 1_795_161_607.5  # 7.5 s into a minute


def failure(
    status: int, code: int = 0, message: str = "text", headers: dict[str, str] | None = None
) -> ExchangeError:
    body = json.dumps({"code": code, "msg": message}).encode() if code else message.encode()
    return failure_of(status, headers or {}, body, NOW_S)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, -2019, Rejected),
        (400, -2010, Rejected),
        (400, -1111, Rejected),
        (400, -4164, Rejected),
        (400, -2021, Rejected),
        (400, -2022, Rejected),
        (400, -4028, Rejected),
        (400, -5022, Rejected),
        (400, -99999, Rejected),
        (400, -2011, NotFound),
        (400, -2013, NotFound),
        (401, -2014, Unauthorized),
        (401, -2015, Unauthorized),
        (400, -1022, Unauthorized),
        (400, -1021, ClockSkew),
        (400, -5028, ClockSkew),
        (429, -1003, Throttled),
        (418, -1003, Throttled),
        (429, -1015, Throttled),
        (400, -1015, Throttled),
        (503, -1008, Throttled),
        (408, -1007, Ambiguous),
        (400, -1007, Ambiguous),
        (400, -1006, Ambiguous),
        (400, -1000, Ambiguous),
        (400, -1001, Ambiguous),
        (400, -4116, Ambiguous),
        (500, -2019, Ambiguous),
        (502, 0, Ambiguous),
        (503, 0, Ambiguous),
        (504, -1007, Ambiguous),
        (403, 0, Ambiguous),
        (302, 0, Ambiguous),
        (429, 0, Throttled),
        (418, 0, Throttled),
    ],
)
def test_failure_of_reply_is_exactly_its_kind_and_keeps_the_code(
    status: int, code: int, kind: type[ExchangeError]
) -> None:
    error = failure(status, code)

    assert type(error) is kind
    assert error.code == code


@pytest.mark.parametrize("body", [b"", b"<html>403</html>", b"[1]", b"{}", b"null", b"\xff", b"{"])
def test_failure_of_unreadable_body_proves_nothing(body: bytes) -> None:
    assert type(failure_of(400, {}, body, NOW_S)) is Ambiguous


@pytest.mark.parametrize(
    ("status", "code", "message", "headers", "seconds"),
    [
        (429, -1003, "Too many requests", {"Retry-After": "17"}, 17.0),
        (429, -1003, "Too many requests", {}, 52.5),
        (429, -1003, "Too many requests", {"Retry-After": "Wed, 21 Oct 2026"}, 52.5),
        (418, -1003, "IP banned until 1795161667500. Please use", {}, 60.0),
        (418, -1003, "IP banned until 1795161600000.", {}, 0.0),
        (418, 0, "teapot", {}, 120.0),
        (429, -1015, "Too many new orders; current limit is 300 orders per TEN_SECONDS.", {}, 2.5),
        (429, -1015, "Too many new orders; current limit is 1200 orders per MINUTE.", {}, 52.5),
        (503, -1008, "Request throttled", {}, 1.0),
    ],
)
def test_failure_of_limit_tells_how_long_to_stay_away(
    status: int, code: int, message: str, headers: dict[str, str], seconds: float
) -> None:
    error = failure(status, code, message, headers)

    assert isinstance(error, Throttled)
    assert error.retry_after_s == pytest.approx(seconds)
    assert error.banned == (status == 418)


@pytest.mark.parametrize(
    "error", [KeyError("a"), ValueError("b"), TypeError("c"), AttributeError("d")]
)
def test_understood_unreadable_success_is_ambiguous(error: Exception) -> None:
    def read(_: object) -> object:
        raise error

    with pytest.raises(Ambiguous):
        understood(read, {})


def test_each_understood_one_bad_row_spoils_the_list() -> None:
    assert each_understood(int, ["1", "2"]) == [1, 2]
    with pytest.raises(Ambiguous):
        each_understood(int, ["1", "x"])
    with pytest.raises(Ambiguous):
        each_understood(int, None)
