"""The main job on the desk, in headless Chromium, against every process of the product."""

import os
import re
import signal

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.desk import ACCOUNT, USER, Desk
from tests.support.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_buy_shows_position_fill_and_toast_then_close_leaves_it_flat(
    desk: Desk, stack: Stack
) -> None:
    desk.fill_ticket("BTCUSDT", "BUY", "50")
    desk.review().click()

    toast = desk.toast("BUY")
    expect(toast).to_have_class(re.compile("done"))
    expect(toast.locator("li.reached")).to_have_text(["sent", "ack", "filled"])
    position = desk.row("positions", "BTCUSDT")
    expect(position).to_contain_text("LONG")
    expect(desk.row("fills", "BTCUSDT").first).to_contain_text("BUY")
    shown = position.locator("[data-label=Quantity]").inner_text()
    (held,) = [p for p in stack.truth(ACCOUNT)["positions"] if p["symbol"] == "BTCUSDT"]
    assert held["quantity"] == shown

    position.get_by_role("button", name="Close BTCUSDT").click()
    desk.page.locator("#dialog-confirm").click()

    expect(desk.toast("Close LONG")).to_have_class(re.compile("done"))
    expect(position).to_have_count(0)
    expect(desk.page.locator("#positions-empty")).to_be_visible()
    expect(desk.row("fills", "BTCUSDT").first).to_contain_text("SELL")


def test_admin_shows_the_order_its_fill_and_its_events(desk: Desk, stack: Stack) -> None:
    desk.fill_ticket("ETHUSDT", "SELL", "40")
    desk.review().click()
    expect(desk.row("positions", "ETHUSDT")).to_contain_text("SHORT")
    (order,) = stack.api("GET", "/api/v1/orders?symbol=ETHUSDT&limit=1").json["items"]

    desk.page.goto(f"/admin/orders/order/{order['id']}/change/")
    text = desk.page.locator("body").inner_text()
    assert order["client_order_id"] in text
    (fill,) = stack.api("GET", f"/api/v1/fills?order_id={order['id']}").json["items"]
    assert fill["trade_id"] in text
    timeline = desk.page.locator("section.panel", has_text="Event timeline")
    for event in ("CommandSubmitted", "OrderPlaced", "TradeExecuted", "CommandCompleted"):
        expect(timeline.get_by_role("link", name=event)).to_have_count(1)
    expect(timeline.locator("tr", has_text="CommandSubmitted")).to_contain_text(USER)
    traded = timeline.locator("tr", has_text="TradeExecuted")
    expect(traded).to_contain_text(f"price={fill['price']} quantity={fill['quantity']}")
    gates = desk.page.locator("section.panel", has_text="Gates")
    limit = gates.locator("tr", has_text="max_order_notional")
    expect(limit).to_contain_text("passed")
    expect(limit).to_contain_text("limit=50000")
    expect(desk.page.get_by_role("link", name="Cancel…")).to_have_count(0)  # it is filled
    desk.page.get_by_role("link", name="Close position…").click()
    expect(desk.page.locator("#confirm-form")).to_contain_text("Close: ETHUSDT")
    desk.page.goto("/admin/orders/fill/")
    expect(desk.page.locator("body")).to_contain_text(fill["trade_id"])


def test_limit_order_rests_and_is_cancelled_by_key(desk: Desk) -> None:
    desk.fill_ticket("BTCUSDT", "BUY", "50", price="30000")
    desk.review().click()
    order = desk.row("orders", "BTCUSDT")
    expect(order).to_contain_text("30,000")
    expect(desk.toast("limit")).to_contain_text("Rests at 30,000")

    desk.page.locator("body").click(position={"x": 5, "y": 700})
    desk.page.keyboard.press("c")

    expect(order).to_have_count(0)
    expect(desk.toast("Cancel")).to_have_class(re.compile("done"))


def test_confirming_twice_sends_one_order(desk: Desk, stack: Stack) -> None:
    before = len(stack.truth(ACCOUNT)["orders"])
    desk.fill_ticket("BTCUSDT", "BUY", "50")
    desk.review()
    desk.page.evaluate(
        "() => { const b = document.getElementById('dialog-confirm'); b.click(); b.click(); }"
    )

    expect(desk.toast("BUY")).to_have_class(re.compile("done"))
    assert len(stack.truth(ACCOUNT)["orders"]) == before + 1


def test_preview_names_the_gate_that_would_refuse(desk: Desk) -> None:
    desk.fill_ticket("BTCUSDT", "BUY", "600000")

    expect(desk.page.locator(".gates .refused", has_text="max order notional")).to_be_visible()
    expect(desk.page.locator(".gates .passed", has_text="symbol")).to_be_visible()
    expect(desk.page.locator("#review")).to_be_disabled()


def test_halt_needs_its_phrase_and_stops_orders_until_resumed(desk: Desk) -> None:
    page = desk.page
    page.keyboard.press("Shift+K")
    confirm = page.locator("#dialog-confirm")
    expect(confirm).to_be_disabled()
    page.keyboard.type(f"HALT {ACCOUNT}")
    confirm.click()

    expect(page.locator("#engine-state dd")).to_have_text("HALTED")
    expect(page.locator("#banner-engine")).to_contain_text("by olga")
    desk.fill_ticket("BTCUSDT", "BUY", "50")
    expect(page.locator(".gates .refused")).to_contain_text("HALTED")

    page.get_by_role("button", name="Resume…").click()
    page.locator("#dialog-confirm").click()
    expect(page.locator("#engine-state dd")).to_have_text("RUNNING")
    expect(page.locator("#review")).to_be_enabled()


def test_stop_waits_with_its_trigger_and_is_cancelled(desk: Desk) -> None:
    desk.fill_stop("BTCUSDT", "BUY", "90000", amount="50")
    desk.review().click()
    order = desk.row("orders", "BTCUSDT")
    expect(order).to_contain_text("STOP MARKET")
    expect(order.locator("[data-label=Trigger]")).to_have_text("90,000")
    expect(desk.toast("stop at")).to_contain_text("Waits for 90,000")

    order.get_by_role("button", name="Cancel").click()

    expect(order).to_have_count(0)
    expect(desk.toast("Cancel stop market")).to_have_class(re.compile("done"))


def test_stop_that_closes_a_position_needs_one(desk: Desk) -> None:
    desk.fill_stop("BTCUSDT", "SELL", "30000")
    expect(desk.page.locator("#gates")).to_contain_text("no position in BTCUSDT")
    expect(desk.page.locator("#review")).to_be_disabled()

    desk.fill_ticket("BTCUSDT", "BUY", "50")
    desk.review().click()
    expect(desk.row("positions", "BTCUSDT")).to_contain_text("LONG")
    desk.fill_stop("BTCUSDT", "SELL", "30000")
    desk.review().click()

    expect(desk.row("orders", "BTCUSDT")).to_contain_text("STOP MARKET · close")


def test_web_that_stands_still_is_shown_as_stale_and_resumes(desk: Desk, stack: Stack) -> None:
    desk.fill_ticket("BTCUSDT", "BUY", "50")
    expect(desk.page.locator("#review")).to_be_enabled()
    os.kill(stack.pids["web"], signal.SIGSTOP)
    try:
        expect(desk.page.locator("#link-state dd")).to_contain_text("stale")
        expect(desk.page.locator("html")).to_have_class(re.compile("stale"))
        expect(desk.page.locator("#banner-stale")).to_contain_text("Ordering is off")
        expect(desk.page.locator("#review")).to_be_disabled()
    finally:
        os.kill(stack.pids["web"], signal.SIGCONT)

    desk.is_live()
    expect(desk.page.locator("#banner-stale")).to_have_count(0)
    expect(desk.page.locator("#review")).to_be_enabled()


def test_desk_recovers_from_a_killed_web_process_and_shows_what_it_missed(
    desk: Desk, stack: Stack
) -> None:
    stack.kill("web")
    expect(desk.page.locator("#link-state dd")).to_contain_text("stale")
    stack.restart("web")
    stack.wait_until(stack.healthy, "web is back")
    body = {"account": ACCOUNT, "symbol": "SOLUSDT", "side": "BUY", "amount": "50", "leverage": 5}
    assert stack.api("POST", "/api/v1/orders", body).status == 201

    desk.is_live()
    expect(desk.row("positions", "SOLUSDT")).to_contain_text("LONG")
    # The browser says on the console that it could not connect: that is what was asked for.
    desk.complaints.clear()


def test_desk_goes_on_after_redis_was_killed(desk: Desk, stack: Stack) -> None:
    stack.kill("redis")
    stack.restart("redis")
    stack.wait_until(stack.ready, "every process is back")
    desk.is_live()
    body = {"account": ACCOUNT, "symbol": "XRPUSDT", "side": "SELL", "amount": "50", "leverage": 5}
    assert stack.api("POST", "/api/v1/orders", body).status in {201, 202}

    expect(desk.row("positions", "XRPUSDT")).to_contain_text("SHORT")
    desk.page.locator("#tab-journal").click()
    expect(desk.row("journal", "TradeExecuted").filter(has_text="XRPUSDT")).to_have_count(1)
    desk.complaints.clear()  # a socket or request that ended with Redis


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_page_fits_the_screen(stack: Stack, browser: Browser, session: object, width: int) -> None:
    context = browser.new_context(
        storage_state=session,  # type: ignore[arg-type]  # as Playwright gave it
        viewport={"width": width, "height": 900},
        base_url=stack.url,
    )
    desk = Desk(context.new_page(), stack)
    desk.open()
    desk.fill_ticket("BTCUSDT", "BUY", "50")
    expect(desk.page.locator("#review")).to_be_enabled()

    assert desk.page.evaluate("document.documentElement.scrollWidth") <= width
    assert desk.complaints == []
    context.close()


def test_keys_open_dialogs_and_never_act_from_a_field(desk: Desk) -> None:
    page = desk.page
    page.keyboard.press("n")
    expect(page.get_by_label("Margin, USDT")).to_be_focused()
    page.keyboard.type("p1")
    expect(page.locator("dialog")).to_be_hidden()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys and colours")).to_be_visible()
    page.locator("#colours").select_option("korean")
    expect(page.locator("html")).to_have_attribute("data-colors", "korean")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
