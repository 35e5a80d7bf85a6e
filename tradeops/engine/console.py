"""What the engine's commands share: who asks, how answers are shown, which exit code they mean.

Exit codes: 0 ok · 1 error · 2 usage · 3 drift · 4 refused · 5 venue unreachable. With `--json`
stdout carries one JSON object a line and nothing else.
"""

import getpass
import json
import re
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import IO, Any, NoReturn, TypeVar, cast
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandError
from ninja import Schema
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from accounts.auth import ALL_SCOPES, Principal, account_for
from accounts.models import ExchangeAccount
from orders.schemas import SYMBOL_PATTERN
from tradeops.domain.enums import Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.engine.api.asking import DEFAULT_WAIT_S, Answer, Ask, is_key

PIPE_WIDTH = 240
EXIT_ERROR, EXIT_USAGE, EXIT_REFUSED, EXIT_VENUE = 1, 2, 4, 5
_VENUE_CODES = {
    ErrorCode.VENUE_UNAVAILABLE,
    ErrorCode.PRICE_UNAVAILABLE,
    ErrorCode.OUTCOME_UNKNOWN,
    ErrorCode.LOST,
    ErrorCode.EXPIRED,
}
S = TypeVar("S", bound=Schema)


class EngineCommand(BaseCommand):
    """A command of an operator who sits at this machine and holds every account."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Account and shape of the output."""
        parser.add_argument("--account", help="name or id; the oldest account when absent")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def ask(self, route: str, *, key: str | None = None, body_hash: str = "") -> Ask:
        """An ask of whoever runs this program; `body_hash` tells requests of one key apart."""
        principal = Principal(f"cli:{getpass.getuser()}"[:80], ALL_SCOPES)
        key = key or uuid4().hex
        if not is_key(key):
            message = "A key is 1 to 128 visible ASCII characters."
            raise CommandError(message, returncode=EXIT_USAGE)
        return Ask(
            principal=principal,
            source=Source.CLI,
            request_id=key[:64],
            route=f"cli {route}",
            path=route,
            key=key,
            body_hash=body_hash,
            wait_s=DEFAULT_WAIT_S,
        )

    def asked(self, submit: Callable[[], Answer]) -> Answer:
        """The answer of `submit`; what it refuses to ask for is a wrong usage (CommandError)."""
        try:
            return submit()
        except TradeOpsError as error:
            raise CommandError(error.detail, returncode=EXIT_USAGE) from error

    def account(self, options: Mapping[str, Any]) -> ExchangeAccount:
        """The account that the options name; raises CommandError (usage)."""
        try:
            return account_for(Principal("cli", ALL_SCOPES), options["account"])
        except TradeOpsError as error:
            raise CommandError(error.detail, returncode=EXIT_USAGE) from error

    def symbol(self, text: str) -> str:
        """What could be a symbol of a venue; raises CommandError (usage)."""
        if re.fullmatch(SYMBOL_PATTERN, text, re.ASCII) is None:
            message = f"symbol: {text!r} is none, such as BTCUSDT."
            raise CommandError(message, returncode=EXIT_USAGE)
        return text

    def checked(self, schema: type[S], values: Mapping[str, Any]) -> S:
        """The values as the API would take them; raises CommandError (usage) with each fault."""
        try:
            return schema.model_validate({k: v for k, v in values.items() if v is not None})
        except ValidationError as error:
            faults = [f"{_field(fault)}: {fault['msg']}" for fault in error.errors()]
            raise CommandError("\n".join(faults), returncode=EXIT_USAGE) from error

    def confirm(self, question: str, options: Mapping[str, Any]) -> None:
        """Ask the person at the terminal, unless `--yes` answers; raises CommandError."""
        if options["yes"]:
            return
        if not sys.stdin.isatty():
            message = "Nobody can answer here: add --yes."
            raise CommandError(message, returncode=EXIT_USAGE)
        self.stderr.write(f"{question} [y/N] ", ending="")
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            message = "Nothing was done."
            raise CommandError(message, returncode=EXIT_ERROR)

    def show(
        self,
        rows: Sequence[Mapping[str, Any]],
        columns: Sequence[str],
        options: Mapping[str, Any],
    ) -> None:
        """The rows: whole as JSON, or these columns as a table."""
        if options["json"]:
            for row in rows:
                self.stdout.write(json.dumps(row, default=str))
            return
        self.table(rows, columns)

    def table(
        self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, on_stderr: bool = False
    ) -> None:
        """These columns of the rows as a table."""
        table = Table(*columns)
        for row in rows:
            table.add_row(*(_cell(row.get(column)) for column in columns))
        out = cast("IO[str]", (self.stderr if on_stderr else self.stdout)._out)
        # A pipe has no width: cutting cells there would lose what the reader came for.
        Console(file=out, width=None if out.isatty() else PIPE_WIDTH).print(table)

    def end(self, answer: Answer, columns: Sequence[str], options: Mapping[str, Any]) -> None:
        """Show what became of an ask, and leave with its exit code."""
        is_done = answer.status in (HTTPStatus.OK, HTTPStatus.CREATED)
        if is_done:
            self.show([answer.body.get("command", answer.body)], columns, options)
            return
        if options["json"]:
            self.stdout.write(json.dumps(dict(answer.body), default=str))
            sys.exit(exit_code(answer))
        self._refuse(answer)

    def _refuse(self, answer: Answer) -> NoReturn:
        command = answer.body.get("command")
        if command is not None:
            message = f"Command {command['id']} is {command['status']}: it has no outcome yet."
            raise CommandError(message, returncode=exit_code(answer))
        lines = [f"{answer.body['code']}: {answer.body['detail']}"]
        lines += refused_gates(answer.body.get("gates", ()))
        raise CommandError("\n".join(lines), returncode=exit_code(answer))


def _field(fault: Mapping[str, Any]) -> str:
    """Which field is at fault; a rule about the whole may blame one (OrderIn)."""
    named: str = fault.get("ctx", {}).get("field", "")
    return ".".join(map(str, fault["loc"])) or named or "order"


def refused_gates(gates: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each gate that said no."""
    return [f"  ✗ {gate['gate']}: {gate['detail']}" for gate in gates if not gate["passed"]]


def exit_code(answer: Answer) -> int:
    """Exit code of an answer that is no success."""
    code = answer.body.get("code", "")
    if code in _VENUE_CODES:
        return EXIT_VENUE
    if answer.command is None or not answer.command.is_terminal:
        return EXIT_ERROR
    return EXIT_ERROR if code == ErrorCode.INTERNAL_ERROR else EXIT_REFUSED


def _cell(value: object) -> str:
    return "" if value is None else str(value)
