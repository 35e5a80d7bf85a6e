"""`/healthz`: whether this deployment can trade, in one look.

The checks are given by the composition root: this package stands below everything they ask.
"""

import logging
from collections.abc import Callable, Mapping

from django.http import HttpRequest, JsonResponse

logger = logging.getLogger(__name__)

OK, FAIL = "ok", "fail"
Check = Callable[[], object]


def health_view(
    environment: str, *, vital: Mapping[str, Check], informative: Mapping[str, Check]
) -> Callable[[HttpRequest], JsonResponse]:
    """A view that answers 200, or 503 when a vital check is not `ok`.

    A check returns what is shown; one that raises shows `fail`. `status` is `degraded` while an
    informative check fails: orders still work, something about them does not.
    """

    def healthz(_request: HttpRequest) -> JsonResponse:
        found = {name: _result(name, check) for name, check in vital.items()}
        is_up = all(result == OK for result in found.values())
        found |= {name: _result(name, check) for name, check in informative.items()}
        is_whole = is_up and FAIL not in found.values()
        status = OK if is_whole else "degraded" if is_up else FAIL
        body = {"status": status, "env": environment, "checks": {"process": OK, **found}}
        return JsonResponse(
            body, status=200 if is_up else 503, headers={"Cache-Control": "no-store"}
        )

    return healthz


def _result(name: str, check: Check) -> object:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - whatever fails is what this page is for
        logger.warning("health check %s: %s", name, type(error).__name__)
        return FAIL
