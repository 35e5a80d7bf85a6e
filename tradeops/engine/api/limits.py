"""`/limits/{id}`: a change is a command, so that it is journalled with who and why."""

import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from accounts.auth import Needs, Principal, Scope
from risk.models import RiskLimit
from risk.schemas import LimitOut, LimitPatch
from risk.selectors import limit_of
from tradeops.domain.commands import CommandStatus, UpdateConfig
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.domain.money import plain
from tradeops.engine.api.asking import Answer, Ask, Wish, ask_of, new_key, submit
from tradeops.engine.api.routes import CONTROL_QUOTA, Problem, principal_of
from tradeops.engine.control import LIMIT_SUBJECT
from tradeops.journal.models import SYSTEM_ACCOUNT_ID
from tradeops.journal.schemas import CommandAnswer
from tradeops.kit.http import ApiError, json_response, request_hash

router = Router(tags=["limits"])
_ETAG = re.compile(r'"(\d{1,9})"', re.ASCII)


def change_limit(ask: Ask, limit: RiskLimit, body: LimitPatch, *, version: int) -> Answer:
    """Ask for another value of a limit that is still at `version`."""
    changes: dict[str, Any] = {"expected_version": str(version)}
    if body.value is not None:
        changes["value"] = plain(body.value)
    if body.is_enabled is not None:
        changes["is_enabled"] = body.is_enabled
    command = UpdateConfig(LIMIT_SUBJECT, str(limit.pk), changes, body.reason)
    return submit(ask, Wish(command, limit.account_id or SYSTEM_ACCOUNT_ID))


@router.get("/limits/{int:limit_id}", auth=Needs(Scope.READ), response=LimitOut)
def get_limit(request: HttpRequest, limit_id: int) -> HttpResponse:
    """One limit; its ETag goes into If-Match of a change."""
    row = limit_of(principal_of(request).account_ids, limit_id)
    return json_response(LimitOut.of(row), headers={"ETag": _etag(row)})


@router.patch(
    "/limits/{int:limit_id}",
    auth=Needs(Scope.RISK),
    throttle=[CONTROL_QUOTA],
    response={200: LimitOut, 202: CommandAnswer, 412: Problem, 428: Problem},
    openapi_extra={
        "parameters": [
            {
                "in": "header",
                "name": "If-Match",
                "required": True,
                "schema": {"type": "string", "examples": ['"3"']},
                "description": "The ETag of the limit as you saw it.",
            }
        ]
    },
)
def patch_limit(request: HttpRequest, limit_id: int, body: LimitPatch) -> HttpResponse:
    """Change a limit that nobody changed meanwhile."""
    principal = principal_of(request)
    limit = limit_of(principal.account_ids, limit_id)
    _check_reach(principal, limit)
    version = _wanted_version(request)
    body_hash = request_hash({"version": version, **body.model_dump(mode="json")})
    ask = ask_of(request, principal, body_hash=body_hash, key=new_key())
    answer = change_limit(ask, limit, body, version=version)
    if answer.command is None or answer.command.status != CommandStatus.ACK:
        return answer.http()
    changed = limit_of(principal.account_ids, limit_id)
    headers = {**answer.headers, "ETag": _etag(changed)}
    return json_response(LimitOut.of(changed), headers=headers)


def _etag(row: RiskLimit) -> str:
    return f'"{row.version}"'


def _check_reach(principal: Principal, limit: RiskLimit) -> None:
    if limit.account_id is None and principal.account_ids is not None:
        raise TradeOpsError(ErrorCode.FORBIDDEN, "This limit binds accounts that you do not hold.")


def _wanted_version(request: HttpRequest) -> int:
    given = request.headers.get("If-Match")
    if given is None:
        raise TradeOpsError(ErrorCode.PRECONDITION_REQUIRED, "Send the limit's ETag as If-Match.")
    found = _ETAG.fullmatch(given.strip())
    if found is None:
        raise ApiError(ErrorCode.PRECONDITION_FAILED, 'An ETag of a limit looks like "3".')
    return int(found[1])
