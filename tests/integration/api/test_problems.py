"""Every error of the API is a problem with a request id, whoever makes it."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from django.views.decorators.csrf import csrf_protect
from pytest_django import Settings

from tests.integration.api.client import Api, assert_problem
from tradeops.domain.errors import ErrorCode
from tradeops.kit.http import HTTP_STATUS
from tradeops.urls import urlpatterns as real_patterns


def _broken(_request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a secret detail")


@csrf_protect
def _desk_write(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


urlpatterns = [
    path("api/broken", _broken),
    path("desk/api/write", _desk_write),
    *real_patterns,
]


@pytest.fixture
def extra_urls() -> Iterator[None]:
    """The product's URLs, one that breaks, and one that wants a CSRF token."""
    with override_settings(ROOT_URLCONF=__name__):
        yield


def test_unknown_address_is_a_problem(api: Api) -> None:
    assert_problem(api.get("/api/v1/nothing"), 404, "NOT_FOUND")
    assert_problem(api.get("/api/v2/orders"), 404, "NOT_FOUND")
    assert_problem(api.get("/api/v1/orders/no-uuid"), 404, "NOT_FOUND")


def test_wrong_method_is_a_problem_that_says_the_right_ones(api: Api) -> None:
    response = api.send("PUT", "/api/v1/orders", {})

    assert_problem(response, 405, "METHOD_NOT_ALLOWED")
    assert set(response["Allow"].replace(" ", "").split(",")) == {"GET", "POST", "DELETE"}


@pytest.mark.usefixtures("extra_urls")
def test_crash_is_a_problem_that_tells_nothing(api: Api) -> None:
    response = api.get("/api/broken")

    body = assert_problem(response, 500, "INTERNAL_ERROR")
    assert "secret" not in response.content.decode()
    assert body["request_id"] == response["X-Request-ID"]


@pytest.mark.usefixtures("extra_urls")
def test_missing_csrf_token_is_a_problem(operator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")

    assert_problem(client.post("/desk/api/write"), 403, "FORBIDDEN")


def test_foreign_host_is_a_problem(account: object) -> None:
    response = Client(raise_request_exception=False).get(
        "/api/v1/orders", headers={"Host": "evil.example"}
    )

    assert_problem(response, 400, "VALIDATION_ERROR")


def test_problem_can_be_read_by_the_page_that_may_ask(account: object, settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://desk.example"]

    response = Client().get("/api/v1/nothing", headers={"Origin": "https://desk.example"})
    foreign = Client().get("/api/v1/nothing", headers={"Origin": "https://evil.example"})

    assert_problem(response, 404, "NOT_FOUND")
    assert response["Access-Control-Allow-Origin"] == "https://desk.example"
    assert "Access-Control-Allow-Origin" not in foreign


def test_pages_for_people_stay_pages(db: None) -> None:
    response = Client().get("/nothing")

    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")
    assert response["X-Request-ID"]


@pytest.mark.parametrize("given", ["abc-123", "a" * 64, "1.2:3_4"])
def test_sane_request_id_is_kept(api: Api, given: str) -> None:
    assert api.get("/api/v1/accounts", **{"X-Request-ID": given})["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "<script>", "ümlaut", "a\tb"])
def test_strange_request_id_is_replaced(api: Api, given: str) -> None:
    found = api.get("/api/v1/accounts", **{"X-Request-ID": given})["X-Request-ID"]

    assert found != given
    assert len(found) == 32


def test_every_code_has_a_status() -> None:
    assert set(HTTP_STATUS) == set(ErrorCode)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "since=yesterday", "since=2026-01-01T00:00:00",
     "cursor=zzz", "cursor=%00", "status=DONE", "symbol=%3Cb%3E"],
)  # fmt: skip
def test_bad_query_of_a_list_is_refused(api: Api, query: str) -> None:
    assert_problem(api.get(f"/api/v1/orders?{query}"), 422, "VALIDATION_ERROR")


def test_documentation_asks_no_other_site(api: Api) -> None:
    page = Client().get("/api/v1/docs").content.decode()

    assert "swagger" in page
    assert "https://" not in page
    assert "//cdn" not in page


def test_database_stays_usable_after_errors(api: Api) -> None:
    api.get("/api/v1/nothing")

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
