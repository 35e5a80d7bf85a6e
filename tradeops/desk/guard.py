"""The desk's own door: a browser session, and for writing the CSRF token of its page (F82)."""

from django.http import HttpRequest
from ninja.utils import check_csrf

from accounts.auth import Principal, Scope, operator_principal
from tradeops.domain.errors import ErrorCode, TradeOpsError

SAFE_METHODS = ("GET", "HEAD")


class OperatorSession:
    """Route guard: `auth=OperatorSession(Scope.TRADE)`; the principal is `request.auth`."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def __call__(self, request: HttpRequest) -> Principal:
        """The operator.

        Raises:
            TradeOpsError: UNAUTHENTICATED without a session, FORBIDDEN without token or scope.
        """
        if not request.user.is_authenticated:
            raise TradeOpsError(ErrorCode.UNAUTHENTICATED, "Your session ended: log in again.")
        # Ninja's views are exempt from the middleware's check.
        if request.method not in SAFE_METHODS and check_csrf(request) is not None:
            raise TradeOpsError(ErrorCode.FORBIDDEN, "This page is too old: load it again.")
        principal = operator_principal(request.user)
        request.principal_name = principal.name  # type: ignore[attr-defined]  # for the access log
        if not principal.may(self.scope):
            raise TradeOpsError(ErrorCode.FORBIDDEN, f"This needs the scope {self.scope!s}.")
        return principal
