"""Two accounts, two operators, keys, and a client that speaks JSON.

Models are imported inside the fixtures: pytest loads this file before Django is set up when the
folder is named on the command line.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.api.client import Api
from tradeops.kit import append_only

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from accounts.models import ExchangeAccount

PASSWORD = "a long enough word"
KeyMaker = Callable[..., str]


@pytest.fixture
def account(db: None) -> "ExchangeAccount":
    """The account of whoever names none."""
    from accounts.models import ExchangeAccount  # noqa: PLC0415

    return ExchangeAccount.objects.create(name="main")


@pytest.fixture
def second(account: "ExchangeAccount") -> "ExchangeAccount":
    """An account that the operator does not hold."""
    from accounts.models import ExchangeAccount  # noqa: PLC0415

    return ExchangeAccount.objects.create(name="second")


@pytest.fixture
def operator(account: "ExchangeAccount") -> "User":
    """Somebody who may work on `main` only."""
    from django.contrib.auth.models import User  # noqa: PLC0415

    user = User.objects.create_user("olga", password=PASSWORD, is_staff=True)
    account.operators.add(user)
    return user


@pytest.fixture
def make_key(operator: "User") -> KeyMaker:
    """Make an API key of the operator's."""
    from accounts.services.api_token_create import create_api_token  # noqa: PLC0415

    def make(*scopes: str, **options: Any) -> str:
        options = {"now": datetime.now(UTC), "owner": operator, **options}
        _, key = create_api_token(
            name="robot", scopes=scopes or ("read", "trade", "cancel"), actor="cli:test", **options
        )
        return key

    return make


@pytest.fixture
def api(account: "ExchangeAccount") -> Api:
    """A client with the deployment's own token."""
    from django.conf import settings  # noqa: PLC0415

    return Api(settings.AUTH_TOKEN)


@pytest.fixture(autouse=True)
def _forget_redis(redis_url: str) -> None:
    """Empty quotas, tickets and marks before each test."""
    import redis  # noqa: PLC0415

    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()


@pytest.fixture
def committed_db(transactional_db: None) -> Iterator[None]:
    """Committed rows; the journal is emptied here, since its trigger refuses Django's DELETE."""
    from django.db import connection  # noqa: PLC0415

    from tradeops.journal.models import Event  # noqa: PLC0415

    yield
    if connection.vendor == "sqlite":
        append_only.remove(connection, Event._meta.db_table)
        Event.objects.all().delete()
        append_only.install(connection, Event._meta.db_table)
