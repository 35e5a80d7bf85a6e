"""`manage.py halt --all`: refuse openings, cancel those that rest. It asks nothing."""

from argparse import ArgumentParser
from typing import Any

from tradeops.engine.api.control import ControlIn, Verb, control
from tradeops.engine.console import EngineCommand

COLUMNS = ("id", "kind", "status", "result")


class Command(EngineCommand):
    """Halt the desk, an account or a symbol."""

    help = "Refuse openings and cancel those that rest; exits and cancels still pass."
    verb = Verb.HALT

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How far it goes, and why."""
        super().add_arguments(parser)
        parser.add_argument("--all", action="store_true", help="the whole desk")
        parser.add_argument("--symbol", help="only this symbol of the account")
        parser.add_argument("--reason", default="")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Tell the engine and show what came of it."""
        scope = "all" if options["all"] else "symbol" if options["symbol"] else "account"
        names = ("account", "symbol", "reason")
        values = {"scope": scope, **{name: options[name] for name in names}}
        body = self.checked(ControlIn, values)
        if scope != "all":
            self.account(options)
        answer = self.asked(lambda: control(self.ask(self.verb.value), self.verb, body))
        self.end(answer, COLUMNS, options)
