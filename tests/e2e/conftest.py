"""One running deployment for the session, one fresh browser for each test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.desk import PASSWORD, USER, Desk
from tests.support.stack import Stack

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUM = "/usr/bin/chromium"
MAKE_OPERATOR = f"""
from django.contrib.auth.models import User
user = User.objects.create_superuser({USER!r}, password={PASSWORD!r})
"""


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("e2e") / "home") as running:
        running.manage("shell", "-v", "0", "-c", MAKE_OPERATOR)
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is not installed: .ci/run installs it.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def session(stack: Stack, browser: Browser) -> Any:
    """The state of a browser that logged in through the form, once: logins are slow on purpose."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{stack.url}/desk/")
    page.get_by_label("Username").fill(USER)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("[type=submit]").click()
    page.wait_for_url(f"{stack.url}/desk/")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def page(stack: Stack, browser: Browser, session: Any) -> Iterator[Page]:
    context = browser.new_context(
        storage_state=session, viewport={"width": 1280, "height": 800}, base_url=stack.url
    )
    yield context.new_page()
    context.close()


@pytest.fixture
def desk(stack: Stack, page: Page) -> Iterator[Desk]:
    """The desk of a flat account. Errors on the console and requests to elsewhere fail the test."""
    opened = Desk(page, stack)
    opened.open()
    yield opened
    opened.leave_flat()
    assert opened.complaints == []
    assert opened.outside == []
