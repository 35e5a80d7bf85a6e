"""What is kept of a frame or report that could not be used: short and harmless text."""

import json
import re
from collections.abc import Mapping

from tradeops.observability.logs import redactor

KEPT_LENGTH = 4000
_MASK = "***"
# Keys of the venue, its listen keys included, are 64 letters and digits.
_KEY = re.compile(r"[A-Za-z0-9]{60,}")


def specimen(raw: Mapping[str, object]) -> str:
    """The frame as JSON, or as the text that is not JSON; at most `KEPT_LENGTH` of ASCII."""
    text = raw.get("text") if raw.keys() == {"text"} else None
    return harmless(text if isinstance(text, str) else _as_json(raw))


def harmless(text: str) -> str:
    """Text for logs and the journal: no secret, no control character, no lone surrogate."""
    # Cut before searching: a hostile text could keep the patterns busy for minutes.
    masked = _KEY.sub(_MASK, redactor().text(text[: 2 * KEPT_LENGTH]))
    return ascii(masked)[1:-1][:KEPT_LENGTH]


def _as_json(raw: Mapping[str, object]) -> str:
    try:
        return json.dumps(raw, default=str, separators=(",", ":"))
    except (ValueError, TypeError, RecursionError):
        return f"not to be written out: {sorted(map(str, raw))}"
