"""Where a worker dies: hooks around boundaries of the product, set in the dying process only.

A boundary that was renamed raises AttributeError here; one that is no longer passed lets the run
end without a death, which is a failure, too.
"""

import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import aiohttp
from django.db.transaction import Atomic
from yarl import URL

from tradeops.engine import execute, ledger, send
from tradeops.engine import ingest as door
from tradeops.exchange.reports import FillReport
from tradeops.journal import command_store, event_store

Hook = Callable[..., None]
ORDER = "/fapi/v1/order"


def die(*_args: object, **_kwargs: object) -> NoReturn:
    """End this process as `kill -9` does, wherever it stands."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def before(owner: object, name: str, hook: Hook) -> None:
    """Call `hook` with the arguments before each call of `owner.name`."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        hook(*args, **kwargs)
        return original(*args, **kwargs)

    setattr(owner, name, wrapped)


def after(owner: object, name: str, hook: Hook) -> None:
    """Call `hook` with the arguments after each call of `owner.name` that returned."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        hook(*args, **kwargs)
        return result

    setattr(owner, name, wrapped)


def in_command_commit() -> None:
    """CP1: rows and event are written, the transaction is open."""
    after(command_store, "append", die)


def before_hint() -> None:
    """CP2: committed, not published."""
    before(command_store, "publish_hint", die)


def after_lost_hint(lose: Callable[[], None]) -> None:
    """CP3: published, then lost with the broker."""

    def lost(*_args: object) -> None:
        lose()
        die()

    after(command_store, "publish_hint", lost)


def after_claim() -> None:
    """CP4: the claim is committed."""
    after(execute, "claim", die)


def before_request(method: str, path: str) -> None:
    """CP5: the request is made up, no byte of it has left."""
    original = aiohttp.ClientSession._request

    async def dying(session: aiohttp.ClientSession, verb: str, url: Any, **options: Any) -> Any:
        if _is(method, path, verb, url):
            die()
        return await original(session, verb, url, **options)

    setattr(aiohttp.ClientSession, "_request", dying)  # noqa: B010 - a method of a class


def after_request(method: str, path: str, first: Callable[[], None] = lambda: None) -> None:
    """CP6, CP13: the venue has dealt with it, nobody here has read what it says.

    `first` runs before the bytes leave.
    """
    original = aiohttp.ClientSession._request

    async def dying(session: aiohttp.ClientSession, verb: str, url: Any, **options: Any) -> Any:
        meant = _is(method, path, verb, url)
        if meant:
            first()
        try:
            return await original(session, verb, url, **options)
        finally:
            if meant:
                die()

    setattr(aiohttp.ClientSession, "_request", dying)  # noqa: B010 - a method of a class


def _is(method: str, path: str, verb: str, url: object) -> bool:
    return verb.upper() == method and URL(str(url)).path == path


def after_reply() -> None:
    """CP7: the outcome is known to this process and to nobody else."""
    name = "submit_order"
    original = getattr(send, name)

    async def dying(*args: Any, **kwargs: Any) -> Any:
        try:
            return await original(*args, **kwargs)
        finally:
            die()

    setattr(send, name, dying)


def before_ack(task: str) -> None:
    """CP8: for `Broker(before_ack=…)`."""
    if task == command_store.EXECUTE_TASK:
        die()


def on_news_of_fill() -> None:
    """CP9: whoever brings a fill, stream, comparison or sweeper, dies before writing it."""

    def dies_of(_account_id: int, reports: Sequence[Any], **_kwargs: Any) -> None:
        if any(isinstance(report, FillReport) for report in reports):
            die()

    # Whoever imported it, stream, comparison or sweeper, now calls the deadly one.
    users = [each for each in sys.modules.values() if getattr(each, "ingest", None) is door.ingest]
    for user in users:
        before(user, "ingest", dies_of)


def before_commit_of_fill() -> None:
    """CP10: events and rows of a fill are written, the transaction is open."""

    def dies_of(written: ledger.AccountLedger) -> None:
        if any(type(stored.event).__name__ == "TradeExecuted" for stored in written.written):
            die()

    after(ledger.AccountLedger, "flush", dies_of)


def after_commit_of_fill() -> None:
    """CP11, CP14: a fill is committed and nobody was told."""

    def dies_of(_account_id: int, events: Sequence[event_store.Stored]) -> None:
        if any(type(stored.event).__name__ == "TradeExecuted" for stored in events):
            die()

    before(event_store, "_announce", dies_of)


def before_comparison_applies() -> None:
    """CP12: this thread has read; the first transaction in which it writes is not begun."""
    thread = threading.get_ident()

    def dies_here(_transaction: object) -> None:
        if threading.get_ident() == thread:
            die()

    before(Atomic, "__enter__", dies_here)
