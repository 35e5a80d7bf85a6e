"""Pages by a cursor over (time, id), newest first: page a million costs what page one costs."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

from tradeops.domain.errors import ErrorCode
from tradeops.kit.fields import FIRST_YEAR, LAST_YEAR
from tradeops.kit.http import ApiError

M = TypeVar("M", bound=Model)
MAX_LIMIT = 1000
DEFAULT_LIMIT = 100


def encode_cursor(at: datetime, identity: object) -> str:
    """An opaque mark behind the row with this time and id."""
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{identity}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[datetime, str]:
    """Time and id of a cursor.

    Raises:
        ApiError: VALIDATION_ERROR when it is none of ours.
    """
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at, _, identity = text.partition("|")
        moment = datetime.fromisoformat(at)
    except (ValueError, binascii.Error) as error:
        raise bad_cursor() from error
    if moment.tzinfo is None or not identity or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise bad_cursor()
    return moment, identity


def bad_cursor() -> ApiError:
    """The refusal of a cursor."""
    return ApiError(
        ErrorCode.VALIDATION_ERROR,
        "This cursor is not one that a list gave out.",
        errors=[{"pointer": "/cursor", "code": "cursor", "detail": "Not a cursor of this list."}],
    )


def page(
    rows: QuerySet[M], *, time_field: str, cursor: str | None, limit: int
) -> tuple[Sequence[M], str | None]:
    """Up to `limit` rows after the cursor, newest first, and the cursor of the next page."""
    if cursor:
        at, identity = decode_cursor(cursor)
        key = rows.model._meta.pk
        try:
            after = key.to_python(identity)
        except (ValueError, ValidationError) as error:
            raise bad_cursor() from error
        older = Q(**{f"{time_field}__lt": at}) | Q(pk__gt=after)
        rows = rows.filter(**{f"{time_field}__lte": at}).filter(older)
    found = list(rows.order_by(f"-{time_field}", "pk")[: limit + 1])
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    return found[:limit], encode_cursor(getattr(last, time_field), last.pk)
