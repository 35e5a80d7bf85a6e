"""What the engine's routes share: the asker, quotas of writes, the shape of an error."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Schema
from ninja.throttling import BaseThrottle
from pydantic import Field

from accounts.auth import Principal
from tradeops.kit.throttle import take

CANCELS_PER_ORDER = 10  # stopping must stay possible when ordering is not
IDEMPOTENCY_HEADERS = {
    "parameters": [
        {
            "in": "header",
            "name": "Idempotency-Key",
            "required": True,
            "schema": {"type": "string", "maxLength": 128},
            "description": "New for each order, the same when an order is repeated.",
        },
        {
            "in": "header",
            "name": "Prefer",
            "required": False,
            "schema": {"type": "string", "examples": ["wait=5"]},
            "description": "How many seconds to wait for the outcome: 0 to 30, 5 when absent.",
        },
    ]
}


class ProblemError(Schema):
    """One field at fault."""

    pointer: str
    code: str
    detail: str


class Problem(Schema):
    """RFC 9457 problem; `code` is of the closed list of docs/api.md."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[ProblemError] = Field(default_factory=list)
    exchange: dict[str, Any] | None = None
    command_id: str | None = None
    gates: list[dict[str, Any]] | None = None


def principal_of(request: HttpRequest) -> Principal:
    """Who asks: what the route's guard found."""
    principal = getattr(request, "auth", None)
    if not isinstance(principal, Principal):
        raise TypeError("this route has no guard")
    return principal


class WriteQuota(BaseThrottle):
    """So many writes a minute for each principal.

    `has_preview` is for the one route where `validate=true` writes nothing: any other ignores the
    word, so that it must not open a way around the quota there.
    """

    def __init__(self, policy: str, *, factor: int = 1, has_preview: bool = False) -> None:
        self.policy = policy
        self.factor = factor
        self.has_preview = has_preview

    def allow_request(self, request: HttpRequest) -> bool:
        if self.has_preview and request.GET.get("validate") == "true":
            return True
        principal = principal_of(request)
        quota = (principal.writes_per_minute or settings.ORDER_WRITES_PER_MINUTE) * self.factor
        verdict = take(f"{self.policy}:{principal.name}", quota=quota)
        request.answer_headers = verdict.headers(self.policy)  # type: ignore[attr-defined]  # ours
        return verdict.allowed


ORDER_QUOTA = WriteQuota("orders")
ORDER_OR_PREVIEW_QUOTA = WriteQuota("orders", has_preview=True)
CONTROL_QUOTA = WriteQuota("control", factor=CANCELS_PER_ORDER)
