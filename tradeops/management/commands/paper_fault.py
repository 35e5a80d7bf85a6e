"""`manage.py paper_fault <kind> [--match …]`: make the paper venue fail, to see what the desk does.

`paper_fault storm --rate 0.05 --ms 500` brings some of everything; `--kinds` limits it.

Exit codes: 0 ok · 2 usage · 5 the paper venue is not reached.
"""

import json
import urllib.error
import urllib.request
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

USAGE, UNREACHABLE = 2, 5
TIMEOUT_S = 5
FIELDS = ("match", "count", "rate", "ms", "kinds")


class Command(BaseCommand):
    """Switch faults of the paper venue on and off."""

    help = "Switch a fault of the paper venue on; without a kind, list those that are on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What fails, how often, how long."""
        parser.add_argument("kind", nargs="?", help="timeout_after, ws_mute, storm, …; none: list")
        parser.add_argument("--match", help='part of "METHOD /path account" or "account EVENT"')
        parser.add_argument("--count", type=int, help="how often it strikes; for ever when absent")
        parser.add_argument("--rate", type=float, help="how likely, 0 to 1")
        parser.add_argument("--ms", type=int, help="how long it lasts, or holds a call or frame")
        parser.add_argument("--kinds", nargs="+", help="what a storm may bring; all when absent")
        parser.add_argument("--clear", action="store_true", help="switch every fault off")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Ask the venue and show what is on."""
        if settings.TRADEOPS_ENV != "paper":
            message = "Only the paper venue fails on demand."
            raise CommandError(message, returncode=USAGE)
        if options["clear"]:
            _ask("DELETE")
        if options["kind"]:
            fields = {name: options[name] for name in FIELDS if options[name] is not None}
            _ask("POST", {"kind": options["kind"], **fields})
        for fault in _ask("GET")["faults"]:
            self.stdout.write(json.dumps(fault) if options["json"] else _line(fault))


def _ask(method: str, body: dict[str, Any] | None = None) -> Any:
    request = urllib.request.Request(  # noqa: S310 - the address is the deployment's own setting
        f"{settings.PAPER_URL}/paper/faults",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise CommandError(_said(error), returncode=USAGE) from error
    except OSError as error:
        message = f"The paper venue is not reached at {settings.PAPER_URL}."
        raise CommandError(message, returncode=UNREACHABLE) from error


def _said(error: urllib.error.HTTPError) -> str:
    text = error.read().decode(errors="replace")
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text or str(error)


def _line(fault: dict[str, Any]) -> str:
    words = (f"{name}={value}" for name, value in fault.items() if value not in (None, "", 0, []))
    return " ".join(words)
