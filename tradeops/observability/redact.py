"""Take secrets out of whatever is about to be written down (I16). Pure."""

import re
from collections.abc import Iterable, Mapping

MASK = "***"
_SECRET_NAME = re.compile(
    r"(^|_|-)(secret|password|passwd|token|authorization|api[_-]?key|signature|cookie|ticket|"
    r"listen[_-]?key|private[_-]?keys?|credentials?)($|_|-)",
    re.IGNORECASE,
)
_SECRET_TEXT = (
    re.compile(r"(?P<keep>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"(?P<keep>\btok_[A-Za-z0-9]{4,12}_)[A-Za-z0-9_-]+"),
    re.compile(r"(?P<keep>)\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"),
    re.compile(
        r"(?P<keep>\b(?:signature|listenKey|ticket|apiKey|secret|password|X-MBX-APIKEY)"
        r"['\"]?\s*[=:]\s*['\"]?)[^&\s'\",}]+",
        re.IGNORECASE,
    ),
    re.compile(r"(?P<keep>\b[a-z][a-z0-9+.-]*://[^/\s:@]*:)[^/\s@]+(?=@)"),
)
_MIN_LENGTH = 8  # a shorter value would mask ordinary words


class Redactor:
    """Masks values under telling names, texts of a telling shape, and the given secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({s for s in secrets if len(s) >= _MIN_LENGTH}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def text(self, value: str) -> str:
        """The text with every secret replaced by `***`."""
        if self._known is not None:
            value = self._known.sub(MASK, value)
        for pattern in _SECRET_TEXT:
            value = pattern.sub(rf"\g<keep>{MASK}", value)
        return value

    def value(self, value: object, *, name: str = "") -> object:
        """The same for nested mappings and lists; anything else is kept or becomes text."""
        if name and value and _SECRET_NAME.search(name):
            return MASK
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {str(key): self.value(item, name=str(key)) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(str(value))
