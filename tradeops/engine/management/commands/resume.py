"""`manage.py resume --all --reason …`: admit openings again after a halt or a pause."""

from argparse import ArgumentParser
from typing import Any

from tradeops.engine.api.control import Verb
from tradeops.engine.management.commands import halt


class Command(halt.Command):
    """Resume the desk, an account or a symbol."""

    help = "Admit openings again; needs a reason."
    verb = Verb.RESUME

    def add_arguments(self, parser: ArgumentParser) -> None:
        """As for a halt, and the answer to the question."""
        super().add_arguments(parser)
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, then tell the engine."""
        self.confirm("Admit openings again?", options)
        super().handle(*args, **options)
