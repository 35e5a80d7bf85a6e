"""`/healthz`: whether this deployment can trade, in one look that never takes long.

The checks are given by the composition root: this package stands below everything they ask.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db import close_old_connections
from django.http import HttpRequest, JsonResponse

from tradeops.observability.asking import Answer, Panel

logger = logging.getLogger(__name__)

OK, FAIL = "ok", "fail"
LIMIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Ill:
    """A failure that has more to show than `fail`."""

    shown: object


Check = Callable[[], object]
Reasons = Callable[[], Sequence[Mapping[str, str]]]


def health_view(
    environment: str,
    *,
    vital: Mapping[str, Check],
    informative: Mapping[str, Check],
    reasons: Reasons,
) -> Callable[[HttpRequest], JsonResponse]:
    """A view that answers 200, or 503 when a vital check is not `ok`.

    A check returns what is shown; one that raises or hangs shows `fail`. `status` is `degraded`
    while an informative check fails: orders still work, something about them does not. `reasons`
    are the numbers that hold in this process; it must not wait for anything.
    """
    panel: Panel[object] = Panel({**vital, **informative}, after=close_old_connections)

    def healthz(_request: HttpRequest) -> JsonResponse:
        answers = panel.ask(limit_s=LIMIT_S)
        found = {name: _result(name, answer) for name, answer in answers.items()}
        is_up = all(found[name] == OK for name in vital)
        is_ill = any(isinstance(result, Ill) for result in found.values())
        status = FAIL if not is_up else "degraded" if is_ill else OK
        shown = {name: r.shown if isinstance(r, Ill) else r for name, r in found.items()}
        body = {
            "status": status,
            "env": environment,
            "reasons": list(reasons()),
            "checks": {"process": OK, **shown},
        }
        return JsonResponse(
            body, status=200 if is_up else 503, headers={"Cache-Control": "no-store"}
        )

    return healthz


def _result(name: str, answer: Answer[object]) -> object:
    if answer.error is None and not answer.hangs:
        return Ill(FAIL) if answer.value == FAIL else answer.value
    what = "hangs" if answer.hangs else type(answer.error).__name__
    logger.warning("health check %s: %s", name, what)
    return Ill(FAIL)
