"""One JSON object a line on stderr, with the request's id, and without secrets.

`settings.LOGGING` names `JsonFormatter`. Lines of our own go through `log_access`, `log_order` and
`log_error`, so that each kind keeps its fields (R0 step 6).
"""

import logging
from collections.abc import MutableMapping
from functools import cache
from typing import Any

import structlog
from django.conf import settings

from tradeops.observability.redact import Redactor

Line = MutableMapping[str, Any]
_SECRET_SETTINGS = (
    "SECRET_KEY",
    "AUTH_TOKEN",
    "BINANCE_API_KEY",
    "BINANCE_API_SECRET",
    "SEAL_PRIVATE_KEYS",
    "SLACK_WEBHOOK_URL",
)


@cache
def redactor() -> Redactor:
    """The redactor that knows this deployment's own secrets."""
    secrets: list[str] = []
    for name in _SECRET_SETTINGS:
        value = getattr(settings, name, "")
        secrets.extend([value] if isinstance(value, str) else value)
    return Redactor(secrets)


def _scrub(_logger: object, _method: str, line: Line) -> Line:
    return {name: redactor().value(item, name=name) for name, item in line.items()}


def _flatten_extra(_logger: object, _method: str, line: Line) -> Line:
    record = line.get("_record")
    if record is not None:
        line.update(getattr(record, "fields", {}))
    return line


_SHARED = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
    structlog.processors.format_exc_info,
]


class JsonFormatter(structlog.stdlib.ProcessorFormatter):
    """Formats records of the standard library and of every library the same way."""

    def __init__(self) -> None:
        super().__init__(
            foreign_pre_chain=_SHARED,  # type: ignore[arg-type]  # mutable mappings both
            processors=[
                _flatten_extra,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _scrub,
                structlog.processors.EventRenamer("msg"),
                structlog.processors.JSONRenderer(),
            ],
        )


_access = logging.getLogger("tradeops.access")
_orders = logging.getLogger("tradeops.orders")
_errors = logging.getLogger("tradeops.errors")


def log_access(*, method: str, path: str, status: int, latency_ms: int, principal: str) -> None:
    """One answered request; the path comes without its query, which may carry a ticket."""
    fields = {
        "method": method,
        "route": path,
        "status": status,
        "latency_ms": latency_ms,
        "principal": principal,
    }
    _access.info("request", extra={"fields": fields})


def log_order(*, command_id: str, symbol: str, side: str, quantity: str, status: str) -> None:
    """One order asked for through the API, and where it stands when the asker is answered."""
    fields = {
        "command_id": command_id,
        "symbol": symbol,
        "side": side,
        "quantity": quantity,
        "status": status,
    }
    _orders.info("order", extra={"fields": fields})


def log_error(*, code: str, detail: str, status: int) -> None:
    """One refused request; the stack of an unexpected one is logged by Django."""
    fields = {"code": code, "detail": detail, "status": status}
    _errors.warning("refused", extra={"fields": fields})
