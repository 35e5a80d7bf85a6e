"""The desk as an operator uses it: by words, buttons and keys."""

from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from tests.support.stack import Stack

USER = "olga"
PASSWORD = "a long enough word"
WAIT_MS = 20_000
ACCOUNT = "main"


class Desk:
    """One open desk page. `complaints` are errors of the console, `outside` foreign requests."""

    def __init__(self, page: Page, stack: Stack) -> None:
        self.page = page
        self.stack = stack
        self.complaints: list[str] = []
        self.outside: list[str] = []
        expect.set_options(timeout=WAIT_MS)
        page.set_default_timeout(WAIT_MS)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._see(request.url))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} {message.location.get('url')}")

    def _see(self, url: str) -> None:
        if not url.startswith((self.stack.url, self.stack.url.replace("http", "ws"), "data:")):
            self.outside.append(url)

    def open(self) -> None:
        self.page.goto("/desk/")
        self.is_live()

    def is_live(self) -> None:
        expect(self.page.locator("#link-state dd")).to_have_text("live")
        expect(self.page.locator("#stat-equity")).not_to_have_class("skeleton")

    def row(self, table: str, text: str) -> Locator:
        """Rows of `positions`, `orders`, `fills` or `journal` that hold this text."""
        return self.page.locator(f"#{table} tbody tr", has_text=text)

    def fill_ticket(self, symbol: str, side: str, amount: str, *, price: str = "") -> None:
        """Set the ticket to 10x and this; its preview follows."""
        page = self.page
        page.locator("#ticket-symbol").select_option(symbol)
        page.locator(f"input[name=side][value={side}]").check(force=True)
        kind = "LIMIT" if price else "MARKET"
        page.locator(f"input[name=type][value={kind}]").check(force=True)
        if price:
            page.get_by_label("Limit price").fill(price)
        page.get_by_label("Margin, USDT").fill(amount)

    def fill_stop(self, symbol: str, side: str, trigger: str, *, amount: str = "") -> None:
        """Set the ticket to a stop at 10x, or without an amount to one that closes the position."""
        page = self.page
        page.locator("#ticket-symbol").select_option(symbol)
        page.locator(f"input[name=side][value={side}]").check(force=True)
        page.locator("input[name=type][value=STOP_MARKET]").check(force=True)
        page.get_by_label("Close the whole position").set_checked(not amount)
        page.get_by_label("Trigger").fill(trigger)
        if amount:
            page.get_by_label("Margin, USDT").fill(amount)

    def review(self) -> Locator:
        """Open the confirmation and return its button."""
        expect(self.page.locator("#review")).to_be_enabled()
        self.page.locator("#review").click()
        button = self.page.locator("#dialog-confirm")
        expect(button).to_be_visible()
        return button

    def toast(self, text: str) -> Locator:
        return self.page.locator(".toast", has_text=text)

    def leave_flat(self) -> None:
        """Close and cancel over REST what a test left, so that the next starts from nothing."""
        for order in self.stack.api("GET", "/api/v1/orders?status=ACKNOWLEDGED").json["items"]:
            self.stack.api("DELETE", f"/api/v1/orders/{order['id']}")
        for position in self.stack.api("GET", "/api/v1/positions").json["items"]:
            body = {"account": position["account"], "reason": "end of a test"}
            self.stack.api("POST", f"/api/v1/positions/{position['symbol']}/close", body)
