"""What a venue call can end in, other than an answer.

    ExchangeError
    ├── Rejected            proven: the venue did not do it, and says why (code, message)
    │   ├── NotFound        the venue knows no such order (-2013, -2011)
    │   ├── Throttled       429/418/-1003/-1015; carries retry_after_s
    │   ├── Unauthorized    key, signature or permission (-1022 -2014 -2015 -1002)
    │   └── ClockSkew       -1021, -5028: outside recvWindow; never executed
    ├── Ambiguous           timeout, 5xx, reset, unreadable body: it may have happened
    └── Unavailable         nothing left this machine: no connection, budget used up, key missing

A submit that raises Ambiguous is never repeated and never called rejected; it is looked up by
client order id (D4). Reads may be repeated after Ambiguous.
"""


class ExchangeError(Exception):
    """Base of everything an adapter raises. `code` is the venue's, 0 when it gave none."""

    def __init__(self, message: str, *, code: int = 0) -> None:
        super().__init__(f"{code}: {message}" if code else message)
        self.code = code
        self.message = message


class Rejected(ExchangeError):
    """The venue refused; nothing was done."""


class NotFound(Rejected):
    """The venue does not know the order."""


class Throttled(Rejected):
    """Over a limit. `retry_after_s` is how long to stay away; `banned` after a 418."""

    def __init__(
        self, message: str, *, code: int = 0, retry_after_s: float = 0.0, banned: bool = False
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s
        self.banned = banned


class Unauthorized(Rejected):
    """Key, signature, address or permission refused: stop the account."""


class ClockSkew(Rejected):
    """Timestamp outside recvWindow; the offset must be measured again."""


class Ambiguous(ExchangeError):
    """Nobody knows whether it happened."""


class Unavailable(ExchangeError):
    """Nothing was sent."""
