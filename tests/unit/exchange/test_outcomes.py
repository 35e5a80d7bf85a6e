"""The outcome tree: what a reply proves, and what it does not."""

import json

import pytest

from tradeops.exchange.binance.outcomes import (
    ALREADY_SO,
    each_understood,
    failure_of,
    is_refusal,
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


# Every code of binance.md §7, by what it proves. A new code of the venue is a refusal.
CODES: dict[type[ExchangeError], tuple[int, ...]] = {
    Ambiguous: (-1000, -1001, -1006, -1007, -4116),
    ClockSkew: (-1021, -5028),
    Throttled: (-1003, -1008, -1015),
    Unauthorized: (-1002, -1022, -2014, -2015, -2017, -4088),
    NotFound: (-2011, -2013),
    Rejected: (
        # our bug, or stale filters
        -1102, -1104, -1106, -1111, -1116, -1121, -4003, -4004, -4005, -4013, -4014, -4015, -4016,
        -4023, -4024, -4029, -4137, -4138, -4164, -4183, -4184, -4210, -4211, -5029, -5037, -5038,
        -5039, -5040,
        # refused
        -2010, -2018, -2019, -2020, -2021, -2022, -2023, -2024, -2025, -2026, -2027, -2028, -4045,
        -4118, -4131, -4142, -5021, -5022, -5041,
        # wrong mode, leverage or margin
        -4028, -4047, -4048, -4050, -4051, -4060, -4061, -4062, -4067, -4068, -4161, -4168, -4531,
        # restricted account
        -4087, -4192, -4400, -4401, -4402, -4403,
        # is so already
        -4046, -4052, -4059, -4171, -5027,
        # wrong service, another stop there, unknown listen key, unsupported, unclear
        -4120, -4130, -1125, -1020, -4084, -4112,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "code"), [(kind, code) for kind, codes in CODES.items() for code in codes]
)
def test_failure_of_each_documented_code_is_what_it_proves(
    kind: type[ExchangeError], code: int
) -> None:
    error = failure(400, code)

    assert type(error) is kind
    assert error.code == code


@pytest.mark.parametrize("code", sorted(code for codes in CODES.values() for code in codes))
def test_failure_of_no_code_under_a_server_error_proves_a_refusal(code: int) -> None:
    error = failure(503, code)

    assert isinstance(error, Ambiguous | Throttled)


@pytest.mark.parametrize("code", [-4046, -4052, -4059, -4171, -5027])
def test_already_so_is_told_from_other_refusals(code: int) -> None:
    assert code in ALREADY_SO
    assert ALREADY_SO.isdisjoint(set(CODES[Rejected]) - {-4046, -4052, -4059, -4171, -5027})


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"code": -2011, "msg": "Unknown order sent."}, True),
        ({"code": 200, "msg": "success"}, False),
        ({"code": "200", "msg": "success"}, False),
        ({"code": -1}, False),
        ({"orderId": 1}, False),
        ([{"code": -2011, "msg": "one of many"}], False),
        (None, False),
    ],
)
def test_is_refusal_is_told_by_code_and_message(payload: object, *, expected: bool) -> None:
    assert is_refusal(payload) is expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>403</html>",
        b"[1]",
        b"{}",
        b"null",
        b"\xff",
        b"{",
        b'{"code":Infinity,"msg":""}',
        b"[" * 99_999,
    ],
)
def test_failure_of_unreadable_body_proves_nothing(body: bytes) -> None:
    assert type(failure_of(400, {}, body, NOW_S)) is Ambiguous


@pytest.mark.parametrize(
    ("status", "code", "message", "headers", "seconds"),
    [
        (429, -1003, "Too many requests", {"Retry-After": "17"}, 17.0),
        (429, -1003, "Too many requests", {}, 52.5),
        (429, -1003, "Too many requests", {"Retry-After": "Wed, 21 Oct 2026"}, 52.5),
        (429, -1003, "Too many requests", {"Retry-After": "9" * 400}, 259_200.0),
        (418, -1003, "IP banned until 9999999999999. Please use", {}, 259_200.0),
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
