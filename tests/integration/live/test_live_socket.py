"""`/ws/v1/live` through the real consumer, channel layer and database."""

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from accounts.auth import ALL_SCOPES, Principal, issue_ticket
from accounts.models import ExchangeAccount
from positions import consumers, live
from positions.live import in_thread, publish_marks
from tests.integration.live.client import LiveClient, journal, play, session_of, tell
from tradeops.domain.enums import EngineState
from tradeops.domain.events import EnginePaused
from tradeops.journal import event_store
from tradeops.journal.models import SYSTEM_ACCOUNT_ID

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def mute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Committed events are told to nobody, as when their worker dies right after the commit."""
    monkeypatch.setattr(event_store, "_listeners", [])


async def _subscribed(client: LiveClient, account: ExchangeAccount, **extra: object) -> int:
    assert await client.connect()
    await client.send({"subscribe": [f"account:{account.pk}"], **extra})
    snapshot = await client.frame()
    assert snapshot["type"] == "snapshot"
    return int(snapshot["seq"])


def test_session_gets_snapshot_then_events_rising_by_one(
    account: ExchangeAccount, operator: User
) -> None:
    cookie = session_of(operator)
    journal(account.pk)

    async def scene() -> None:
        client = LiveClient(cookie=cookie)
        seq = await _subscribed(client, account)
        for _ in range(3):
            await in_thread(journal, account.pk)
        frames = [await client.frame() for _ in range(3)]
        await client.close()

        assert seq == 1
        assert [frame["seq"] for frame in frames] == [2, 3, 4]
        assert {frame["event"] for frame in frames} == {"WebSocketConnected"}
        assert frames[0]["data"]["stream"] == "user"

    play(scene)


@pytest.mark.usefixtures("mute")
def test_event_that_no_message_brought_is_read_from_the_journal(
    account: ExchangeAccount, operator: User
) -> None:
    cookie = session_of(operator)

    async def scene() -> None:
        client = LiveClient(cookie=cookie)
        await _subscribed(client, account)
        await in_thread(journal, account.pk)  # its worker died before telling
        tell(await in_thread(journal, account.pk))
        frames = [await client.frame() for _ in range(2)]
        await client.close()

        assert [frame["seq"] for frame in frames] == [1, 2]

    play(scene)


@pytest.mark.usefixtures("mute")
def test_last_event_lost_comes_with_the_next_ping(
    account: ExchangeAccount, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "PING_S", 0.2)
    cookie = session_of(operator)

    async def scene() -> None:
        client = LiveClient(cookie=cookie)
        await _subscribed(client, account)
        await in_thread(journal, account.pk)
        frame = await client.frame("event")
        await client.close()

        assert frame["seq"] == 1

    play(scene)


@pytest.mark.usefixtures("mute")
def test_messages_in_the_wrong_order_arrive_in_order_and_once(
    account: ExchangeAccount, operator: User
) -> None:
    cookie = session_of(operator)

    async def scene() -> None:
        client = LiveClient(cookie=cookie)
        await _subscribed(client, account)
        batches = [await in_thread(journal, account.pk) for _ in range(4)]
        for batch in (*reversed(batches), *batches):
            tell(batch)
        frames = [await client.frame() for _ in range(4)]

        assert [frame["seq"] for frame in frames] == [1, 2, 3, 4]
        assert await client.is_silent()
        await client.close()

    play(scene)


@pytest.mark.usefixtures("mute")
def test_client_that_missed_too_much_is_told_to_resync(
    account: ExchangeAccount, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "MAX_MISSED", 5)
    monkeypatch.setattr(live, "MAX_MISSED", 5)
    cookie = session_of(operator)

    async def scene() -> None:
        client = LiveClient(cookie=cookie)
        await _subscribed(client, account)
        for _ in range(7):
            batch = await in_thread(journal, account.pk)
        tell(batch)
        resync, snapshot = await client.frame(), await client.frame()
        tell(await in_thread(journal, account.pk))
        after = await client.frame()
        await client.close()

        assert resync == {"type": "resync", "account": account.pk}
        assert (snapshot["type"], snapshot["seq"]) == ("snapshot", 7)
        assert after["seq"] == 8

    play(scene)


def test_asking_for_resync_gives_a_new_snapshot(account: ExchangeAccount, operator: User) -> None:
    cookie = session_of(operator)

    async def scene() -> None:
        client = LiveClient(cookie=cookie)
        await _subscribed(client, account)
        await in_thread(journal, account.pk)
        await client.send({"resync": account.pk})
        snapshot = await client.frame("snapshot")
        await client.close()

        assert snapshot["seq"] == 1

    play(scene)


def test_foreign_account_gives_an_error_and_nothing_else(operator: User) -> None:
    cookie = session_of(operator)
    foreign = ExchangeAccount.objects.create(name="foreign")

    async def scene() -> None:
        client = LiveClient(cookie=cookie)
        assert await client.connect()
        for name in (f"account:{foreign.pk}", "account:999", "account:0", "all", "", None, 1.5):
            await client.send({"subscribe": [name]})
            error = await client.frame()
            assert (error["type"], error["code"]) == ("error", "FORBIDDEN")
        tell(await in_thread(journal, foreign.pk))
        publish_marks(foreign.pk, {"BTCUSDT": {"mark": "1", "upnl": "0"}})
        await client.send({"resync": foreign.pk})

        assert (await client.frame())["code"] == "NOT_FOUND"
        assert await client.is_silent()
        await client.close()

    play(scene)


@pytest.mark.parametrize("text", ["{", "[]", "1", '{"subscribe":"account:1"}', "[" * 4000])
def test_frame_that_means_nothing_is_refused_and_the_client_stays(
    operator: User, text: str
) -> None:
    cookie = session_of(operator)

    async def scene() -> None:
        client = LiveClient(cookie=cookie)
        assert await client.connect()
        await client.send(text)
        assert (await client.frame())["code"] == "VALIDATION_ERROR"
        await client.close()

    play(scene)


def test_oversized_frame_closes_the_connection(operator: User) -> None:
    cookie = session_of(operator)

    async def scene() -> None:
        client = LiveClient(cookie=cookie)
        assert await client.connect()
        await client.send(" " * 5000)
        assert (await client.frame())["code"] == 1009

    play(scene)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", f"http://{'testserver'}:8001", "", "null", "file://"]
)
def test_session_of_another_origin_is_not_let_in(operator: User, origin: str) -> None:
    cookie = session_of(operator)

    async def scene() -> None:
        assert not await LiveClient(cookie=cookie, origin=origin).connect()

    play(scene)


@pytest.mark.parametrize("cookie", ["", "made-up"])
def test_nobody_is_not_let_in(account: ExchangeAccount, cookie: str) -> None:
    async def scene() -> None:
        assert not await LiveClient(cookie=cookie).connect()

    play(scene)


def test_ticket_lets_a_program_in_once(account: ExchangeAccount) -> None:
    ticket = issue_ticket(Principal("token:desk", ALL_SCOPES))

    async def scene() -> None:
        client = LiveClient(origin="", query=f"ticket={ticket}")
        await _subscribed(client, account)
        await client.close()
        assert not await LiveClient(origin="", query=f"ticket={ticket}").connect()

    play(scene)


def test_ticket_is_bound_to_the_accounts_of_its_principal(account: ExchangeAccount) -> None:
    other = ExchangeAccount.objects.create(name="other")
    ticket = issue_ticket(Principal("token:desk", ALL_SCOPES, frozenset({other.pk})))

    async def scene() -> None:
        client = LiveClient(origin="", query=f"ticket={ticket}")
        assert await client.connect()
        await client.send({"subscribe": [f"account:{account.pk}"]})
        assert (await client.frame())["code"] == "FORBIDDEN"
        await client.close()

    play(scene)


@pytest.mark.parametrize("lost", ["session", "account"])
def test_client_that_loses_its_right_is_closed(
    account: ExchangeAccount, operator: User, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    monkeypatch.setattr(consumers, "AUTH_S", 0.2)
    cookie = session_of(operator)

    def take_away() -> None:
        if lost == "session":
            Session.objects.all().delete()
        else:
            account.operators.clear()

    async def scene() -> None:
        client = LiveClient(cookie=cookie)
        await _subscribed(client, account)
        await in_thread(take_away)
        assert (await client.frame())["code"] == 4401

    play(scene)


def test_marks_are_merged_to_four_frames_a_second(account: ExchangeAccount, operator: User) -> None:
    cookie = session_of(operator)

    async def scene() -> None:
        client = LiveClient(cookie=cookie)
        await _subscribed(client, account)
        for number in range(40):
            publish_marks(account.pk, {"BTCUSDT": {"mark": str(number), "upnl": "0"}})
        frames = [await client.frame("marks")]
        while frames[-1]["data"]["BTCUSDT"]["mark"] != "39":
            frames.append(await client.frame("marks"))
        await client.close()

        assert len(frames) <= 3

    play(scene)


def test_client_that_wants_state_gets_the_rows_after_an_event(
    account: ExchangeAccount, operator: User
) -> None:
    cookie = session_of(operator)

    async def scene() -> None:
        client = LiveClient(cookie=cookie)
        await _subscribed(client, account, state=True)
        paused = EnginePaused(f"account:{account.pk}", "lunch")
        tell(await in_thread(journal, account.pk, events=[paused]))
        state = await client.frame("state")
        await client.close()

        assert state["seq"] == 1
        assert state["engine"]["state"] == EngineState.PAUSED
        assert state["engine"]["reason"] == "lunch"

    play(scene)


def test_desk_wide_event_brings_a_new_snapshot(account: ExchangeAccount, operator: User) -> None:
    cookie = session_of(operator)

    async def scene() -> None:
        client = LiveClient(cookie=cookie)
        await _subscribed(client, account)
        paused = EnginePaused("all", "storm")
        tell(await in_thread(journal, SYSTEM_ACCOUNT_ID, events=[paused]))
        snapshot = await client.frame()
        await client.close()

        assert snapshot["type"] == "snapshot"
        assert snapshot["engine"]["state"] == EngineState.PAUSED

    play(scene)
