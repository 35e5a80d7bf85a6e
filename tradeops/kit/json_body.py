"""JSON bodies, read strictly: who writes a name twice may mean either value."""

import json
from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser


class RepeatedNameError(ValueError):
    """An object of the body gives a name twice."""


class StrictParser(Parser):
    """Ninja's parser, but an object that gives a name twice is refused.

    Source: https://www.rfc-editor.org/rfc/rfc8259#section-4 (names SHOULD be unique; 2026-11).
    """

    def parse_body(self, request: HttpRequest) -> Any:
        """The body's value.

        Raises:
            ValueError: for what is no JSON; RepeatedNameError for a name that stands twice. Ninja
                makes an HttpError 400 of either.
        """
        return json.loads(request.body, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RepeatedNameError("The body gives a name twice.")
    return found
