"""The admin's pages: what they show, what they refuse, what they cost."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission, User
from django.db import models
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import ApiToken, Balance, Credential, ExchangeAccount
from accounts.services.account_create import create_account
from orders.models import Fill, Order
from positions.models import Position
from risk.models import EngineStatus, RiskLimit
from risk.services.limit_change import change_limit
from tests.integration.admin import seed
from tests.integration.admin.conftest import API_KEY, API_SECRET
from tests.integration.admin.seed import page
from tradeops.admin_site import site
from tradeops.domain.enums import Source
from tradeops.exchange.reports import MarkPriceReport
from tradeops.journal.models import Command, Event
from tradeops.market.cache import store_marks
from tradeops.reconcile.models import Drift, ReconcileRun
from tradeops.streams.models import StreamLease

pytestmark = pytest.mark.django_db

LEDGERS: list[type[models.Model]] = [
    Event,
    Command,
    Order,
    Fill,
    Position,
    Balance,
    EngineStatus,
    StreamLease,
    ReconcileRun,
    Drift,
    ApiToken,
]


@pytest.fixture
def desk(account: ExchangeAccount, now: datetime) -> ExchangeAccount:
    """One row of everything."""
    seed.order(account, now)
    seed.position(account, now, "BTCUSDT", "0.007")
    seed.around(account, now)
    change_limit(
        limit_id=None,
        changes={"metric": "max_order_notional", "value": "1000"},
        actor="user:1",
        source=Source.ADMIN,
        reason="start",
        now=now,
    )
    ApiToken.objects.create(
        name="bot",
        prefix="abcd1234",
        secret_hash="f" * 64,
        owner=seed.superuser("owner"),
        scopes=["read"],
        created_at=now,
    )
    return account


def test_every_list_and_detail_opens(boss: Client, desk: ExchangeAccount) -> None:
    for model in site._registry:
        assert boss.get(page(model, "changelist")).status_code == 200, model
        row = model._default_manager.first()
        if row is not None:
            assert boss.get(page(model, "change", row.pk)).status_code == 200, model


@pytest.mark.parametrize(
    "query",
    [
        "account=99999999999999999999999",
        "account=%00",
        "account_id=99999999999999999999999",
        "symbol=%00",
        "type=%00",
        "kind=%00",
        "q=%00",
        "p=99999999999999999999999",
        "status__exact=%00",
    ],
)
def test_forged_filter_breaks_no_list(boss: Client, desk: ExchangeAccount, query: str) -> None:
    for model in (Order, Fill, Position, Event, Command, RiskLimit, Drift):
        answer: Any = boss.get(f"{page(model, 'changelist')}?{query}")
        assert answer.status_code in {200, 302, 400}, model


@pytest.mark.parametrize("model", LEDGERS)
def test_ledger_denies_add_change_and_delete_to_a_superuser(
    boss: Client, desk: ExchangeAccount, model: type[models.Model]
) -> None:
    row = model._default_manager.all()[0]

    opts = model._meta
    assert boss.get(f"/admin/{opts.app_label}/{opts.model_name}/add/").status_code == 403
    assert boss.post(page(model, "change", row.pk), {"reason": "x"}).status_code == 403
    assert boss.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    boss.post(
        page(model, "changelist"),
        {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"},
    )
    assert model._default_manager.filter(pk=row.pk).exists()


def test_order_page_shows_fills_gates_and_timeline(boss: Client, desk: ExchangeAccount) -> None:
    order = Order.objects.get()

    text = boss.get(page(Order, "change", order.pk)).content.decode()

    assert "CommandSubmitted" in text
    assert "max_order_notional" in text
    assert "500 is above 400" in text
    assert "0.1912974 USDT" in text
    assert "68320.5" in text
    assert "68320.50" not in text


def test_orders_are_found_by_each_of_their_ids(
    boss: Client, account: ExchangeAccount, now: datetime
) -> None:
    wanted, other = seed.order(account, now), seed.order(account, now)

    for term in (wanted.client_order_id, str(wanted.pk), wanted.venue_order_id):
        text = boss.get(page(Order, "changelist"), {"q": term}).content.decode()
        assert str(wanted.pk) in text
        assert str(other.pk) not in text
    nothing = boss.get(page(Order, "changelist"), {"q": "nonsense"}).content.decode()
    assert str(wanted.pk) not in nothing
    assert str(other.pk) not in nothing


def test_positions_show_open_ones_with_the_mark_of_now(
    boss: Client, account: ExchangeAccount, now: datetime
) -> None:
    seed.position(account, now, "BTCUSDT", "-0.010")
    seed.position(account, now, "ETHUSDT", "0")
    store_marks([MarkPriceReport("BTCUSDT", Decimal("67900.50"), now)])

    text = boss.get(page(Position, "changelist")).content.decode()

    assert "SHORT" in text
    assert "67900.5<" in text
    assert "+0.995<" in text  # (67900.5 - 68000) x -0.01
    flat = page(Position, "change", f"{account.pk}:ETHUSDT:BOTH")
    assert flat not in text
    assert flat in boss.get(page(Position, "changelist"), {"state": "all"}).content.decode()


def test_no_page_renders_key_or_secret(boss: Client, desk: ExchangeAccount, now: datetime) -> None:
    create_account(name="second", api_key=API_KEY, api_secret=API_SECRET, actor="c", now=now)
    sealed = Credential.objects.get(account=desk).sealed
    urls = ["/admin/"]
    for model in site._registry:
        urls.append(page(model, "changelist"))
        urls += [page(model, "change", row.pk) for row in model._default_manager.all()[:20]]

    for url in urls:
        text = boss.get(url).content.decode()
        assert API_SECRET not in text, url
        assert API_KEY not in text, url
        assert sealed not in text, url
        assert "f" * 64 not in text, url


@pytest.mark.parametrize(
    ("environment", "badge", "banner"),
    [("paper", "PAPER", False), ("testnet", "TESTNET", False), ("mainnet", "MAINNET", True)],
)
def test_every_page_names_the_environment_and_mainnet_warns(
    boss: Client, settings: Settings, environment: str, badge: str, banner: bool
) -> None:
    settings.TRADEOPS_ENV = environment

    for url in ("/admin/", page(Order, "changelist")):
        text = boss.get(url).content.decode()
        assert f"[{badge}]" in text
        assert ('class="mainnet-banner"' in text) is banner


def test_index_says_what_needs_somebody(boss: Client, desk: ExchangeAccount) -> None:
    text = boss.get("/admin/").content.decode()

    assert "NEEDS YOU" in text
    assert "main HALTED: drill" in text
    assert "1 open drift" in text
    assert "stream of main: not served" in text  # the lease of the seed is long over
    assert "10482.17 USDT" in text


def test_index_without_trouble_is_calm(boss: Client) -> None:
    assert "ALL CALM" in boss.get("/admin/").content.decode()


# Cost ---------------------------------------------------------------------------------------------

QUERIES = {
    Order: 8,
    Fill: 8,
    Position: 8,
    Balance: 8,
    RiskLimit: 9,
    Command: 11,
    Event: 11,
    EngineStatus: 9,
    StreamLease: 7,
    ReconcileRun: 8,
    Drift: 8,
    ExchangeAccount: 9,
}


def _more_rows(account: ExchangeAccount, now: datetime) -> None:
    for name in ("second", "third"):
        other = create_account(name=name, api_key="k" * 12, api_secret="s" * 12, actor="c", now=now)
        seed.order(other, now)
        seed.position(other, now, "BTCUSDT", "1")
        seed.around(other, now)
        change_limit(
            limit_id=None,
            changes={"metric": "max_order_notional", "value": "5", "account_id": other.pk},
            actor="c",
            source=Source.CLI,
            reason="",
            now=now,
        )


@pytest.mark.parametrize("model", QUERIES)
def test_list_costs_the_same_queries_however_many_rows(
    boss: Client,
    desk: ExchangeAccount,
    now: datetime,
    model: type[models.Model],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(QUERIES[model]):
        boss.get(page(model, "changelist"))

    _more_rows(desk, now)

    with django_assert_num_queries(QUERIES[model]):
        boss.get(page(model, "changelist"))


# Whose ----------------------------------------------------------------------------------------


@pytest.fixture
def operator(client: Client, account: ExchangeAccount) -> Callable[..., Client]:
    """A browser of somebody who operates the account `main` with the given permissions."""

    def log_in(*codenames: str) -> Client:
        user: User = get_user_model().objects.create_user("op", password="x" * 12, is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        account.operators.add(user)
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return log_in


def test_operator_sees_only_own_accounts(
    operator: Callable[..., Client], account: ExchangeAccount, now: datetime
) -> None:
    browser = operator(
        "view_order", "view_event", "view_command", "view_exchangeaccount", "view_risklimit"
    )
    other = create_account(
        name="foreign", api_key="k" * 12, api_secret="s" * 12, actor="c", now=now
    )
    own, theirs = seed.order(account, now), seed.order(other, now)

    for model in (Order, Command):
        text = browser.get(page(model, "changelist")).content.decode()
        assert str(own.pk) in text
        assert str(theirs.pk) not in text
    for model in (Order, Command):
        assert browser.get(page(model, "change", theirs.pk)).status_code == 302
    assert "foreign" not in browser.get(page(ExchangeAccount, "changelist")).content.decode()
    events = browser.get(page(Event, "changelist")).content.decode()
    assert f">{account.name}<" in events
    assert ">foreign<" not in events
    found = browser.get("/admin/search/", {"s": str(theirs.pk)}).content.decode()
    assert page(Order, "change", theirs.pk) not in found
    assert page(Command, "change", theirs.pk) not in found


def test_operator_with_view_alone_may_not_ask(
    operator: Callable[..., Client], account: ExchangeAccount, now: datetime
) -> None:
    order = seed.order(account, now, status="ACKNOWLEDGED", filled="0")
    browser = operator("view_order")

    asked = browser.post(page(Order, "cancel", order.pk), {"confirmed": "yes"})

    assert asked.status_code == 403
    assert Command.objects.count() == 1


def test_stranger_is_sent_to_the_login(client: Client, db: None) -> None:
    answer: Any = client.get(page(Order, "changelist"))

    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")


def test_login_without_a_next_leads_to_the_index(client: Client, db: None) -> None:
    seed.superuser()

    answer: Any = client.post("/admin/login/", {"username": "boss", "password": "x" * 12})

    assert answer["Location"] == "/admin/"
