"""An account, its operator, and a database that other threads see.

Models are imported inside the fixtures: pytest loads this file before Django is set up when the
folder is named on the command line.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tradeops.kit import append_only

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from accounts.models import ExchangeAccount


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


@pytest.fixture
def account(db: None) -> "ExchangeAccount":
    from accounts.models import ExchangeAccount  # noqa: PLC0415

    return ExchangeAccount.objects.create(name="main")


@pytest.fixture
def operator(account: "ExchangeAccount") -> "User":
    """Somebody who may work on `account`."""
    from django.contrib.auth.models import User  # noqa: PLC0415

    user = User.objects.create_user("olga", password="a long enough word", is_staff=True)
    account.operators.add(user)
    return user
