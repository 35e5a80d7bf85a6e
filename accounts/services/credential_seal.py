"""Turn a venue key into a sealed row and back. Only workers hold what reading needs."""

import json
from datetime import datetime

from django.conf import settings

from accounts.models import Credential, ExchangeAccount
from accounts.sealing.envelope import SealError, SealFault, key_id_of, seal, unseal
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.exchange.port import Credentials

HINT_LENGTH = 4
KEY_LENGTH = (8, 256)


def sealed_credential(
    account: ExchangeAccount, *, api_key: str, api_secret: str, now: datetime
) -> Credential:
    """An unsaved current credential of `account`, sealed with `settings.SEAL_PUBLIC_KEY`.

    Raises:
        TradeOpsError: VALIDATION_ERROR when a part is empty, too short or not plain ASCII.
        SealError: without a usable public key.
    """
    for name, value in (("API key", api_key), ("API secret", api_secret)):
        shortest, longest = KEY_LENGTH
        if not (shortest <= len(value) <= longest and value.isascii() and value.isprintable()):
            raise TradeOpsError(
                ErrorCode.VALIDATION_ERROR,
                f"The {name} must be {shortest} to {longest} printable ASCII characters.",
            )
    text = json.dumps({"api_key": api_key, "api_secret": api_secret}).encode()
    sealed = seal(text, public_key=settings.SEAL_PUBLIC_KEY, context=_context(account.pk))
    return Credential(
        account=account,
        hint=api_key[-HINT_LENGTH:],
        sealed=sealed,
        key_id=key_id_of(sealed),
        created_at=now,
    )


def open_credential(credential: Credential) -> Credentials:
    """Read a sealed key with `settings.SEAL_PRIVATE_KEYS`; in workers only.

    Raises:
        SealError: no private key fits, or the seal is broken or of another account.
    """
    text = unseal(
        credential.sealed,
        private_keys=settings.SEAL_PRIVATE_KEYS,
        context=_context(credential.account_id),
    )
    try:
        return Credentials(**json.loads(text))
    except (TypeError, ValueError) as error:
        raise SealError(SealFault.SEAL_MALFORMED, "The seal holds no venue key.") from error


def _context(account_id: int) -> str:
    # The environment belongs to the deployment: a row copied to another one must not open (F68).
    return f"{settings.TRADEOPS_ENV}:account:{account_id}"
