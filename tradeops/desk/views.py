"""The desk page: a shell; its numbers come over the websocket."""

from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.auth import operator_principal
from accounts.models import ExchangeAccount

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ENV_WORDS = {"paper": "PAPER", "testnet": "TESTNET", "mainnet": "LIVE"}
# Nothing from elsewhere, nothing inline.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


@require_safe
@never_cache
@login_required
def desk(request: HttpRequest) -> HttpResponse:
    """The page for the accounts that are the operator's."""
    principal = operator_principal(cast("User", request.user))
    accounts = ExchangeAccount.objects.filter(is_active=True).order_by("pk")
    if principal.account_ids is not None:
        accounts = accounts.filter(pk__in=principal.account_ids)
    context = {
        "env": settings.TRADEOPS_ENV,
        "env_word": ENV_WORDS[settings.TRADEOPS_ENV],
        "accounts": accounts,
        "symbols": settings.ALLOWED_SYMBOLS,
        "config": {"env": settings.TRADEOPS_ENV},
    }
    response = render(request, "desk/desk.html", context)
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response
