"""A client of the REST API over Django's test client, and what a test says about its answers."""

import json
import uuid
from typing import Any

from django.test import Client

PROBLEM = "application/problem+json"


class Api:
    """Sends JSON with a bearer token (none when it is empty)."""

    def __init__(self, token: str, *, address: str = "127.0.0.1") -> None:
        self._client = Client(raise_request_exception=False, REMOTE_ADDR=address)
        self._token = token

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        **headers: str,
    ) -> Any:
        """A request; `body` is JSON unless it is text; `key` None: a fresh one for writes."""
        if self._token:
            headers = {"Authorization": f"Bearer {self._token}", **headers}
        if method not in {"GET", "HEAD"} and key != "":
            headers["Idempotency-Key"] = key or uuid.uuid4().hex
        text = body if isinstance(body, str | bytes) else "" if body is None else json.dumps(body)
        return self._client.generic(
            method, path, text, content_type="application/json", headers=headers
        )

    def get(self, path: str, **headers: str) -> Any:
        """A read."""
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any, *, key: str | None = None, **headers: str) -> Any:
        """A write."""
        return self.send("POST", path, body, key=key, **headers)


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The answer is an RFC 9457 problem with this status and code; returns it."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == PROBLEM
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["code"] == code, body
    assert body["type"] == f"urn:tradeops:error:{code}"
    assert body["detail"]
    assert body["request_id"]
    assert response["X-Request-ID"]
    return body
