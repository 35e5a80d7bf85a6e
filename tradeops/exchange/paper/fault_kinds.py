"""The kinds of faults, what each can strike, and how often a storm brings each. Pure data.

The F-numbers are those of the fault catalogue, reliability.md 1.
"""

# Calls. "Before": the venue never sees the call. "After": it has acted, the caller cannot know.
LATENCY = "latency"  # F92, F65: the request reaches the venue late
HTTP_5XX_BEFORE = "http_5xx_before"  # F1: 503, nothing was done
HTTP_5XX_AFTER = "http_5xx_after"  # F1: 503, it was done
TIMEOUT_BEFORE = "timeout_before"  # F36: silence and a cut, nothing was done
TIMEOUT_AFTER = "timeout_after"  # F37: silence and a cut, it was done
GARBAGE_BEFORE = "garbage_before"  # F9: an HTML page of the edge, nothing was done
GARBAGE_AFTER = "garbage_after"  # F9: half a reply with status 200, it was done
THROTTLE_429 = "throttle_429"  # F8
BAN_418 = "ban_418"  # F8
CLOCK_1021 = "clock_1021"  # F64: outside the window, refused
STALE_READ = "stale_read"  # F28: answered from books that are `ms` old
EMPTY_READ = "empty_read"  # F14: an empty list where there is something
READ_LAG = "read_lag"  # F3: an accepted order is not found for `ms`
PARTIAL_FILL = "partial_fill"  # F27: a taker executes in pieces, a limit order only the first

# Frames.
WS_MUTE = "ws_mute"  # F16: connected, and no events
WS_DROP = "ws_drop"  # F40: this frame is lost
WS_DUPLICATE = "ws_duplicate"  # F24: it comes twice
WS_DELAY = "ws_delay"  # F22: it and all behind it come `ms` late
WS_REORDER = "ws_reorder"  # F27: the next one overtakes it
WS_TRUNCATE = "ws_truncate"  # F21: the text ends early
WS_GARBAGE = "ws_garbage"  # F21: other bytes in its place
WS_CLOSE = "ws_close"  # F20: the connection ends in its place

# Connections, by order of the control routes.
WS_DISCONNECT = "ws_disconnect"  # F20: all end; new ones are turned away while it lasts
LISTEN_KEY_EXPIRE = "listen_key_expire"  # F17

# Some of everything at a rate: "5 % of all calls and frames".
STORM = "storm"

BEFORE = (
    HTTP_5XX_BEFORE, TIMEOUT_BEFORE, GARBAGE_BEFORE, THROTTLE_429, BAN_418, CLOCK_1021,
)  # fmt: skip
AFTER = (HTTP_5XX_AFTER, TIMEOUT_AFTER, GARBAGE_AFTER, EMPTY_READ)
CALL_KINDS = (LATENCY, *BEFORE, *AFTER, STALE_READ, READ_LAG, PARTIAL_FILL)
FRAME_KINDS = (
    WS_MUTE, WS_DROP, WS_DUPLICATE, WS_DELAY, WS_REORDER, WS_TRUNCATE, WS_GARBAGE, WS_CLOSE,
)  # fmt: skip
KINDS = (*CALL_KINDS, *FRAME_KINDS, WS_DISCONNECT, LISTEN_KEY_EXPIRE, STORM)
# For these `ms` is how long the fault lasts; for the others it is how long a request or a frame is
# held, how old a read is, how long an order stays unseen.
LASTING = (
    BAN_418, WS_MUTE, WS_DROP, WS_DUPLICATE, WS_TRUNCATE, WS_GARBAGE, WS_CLOSE, WS_DISCONNECT,
)  # fmt: skip
FIRST_BAN_MS = 120_000

# Throttling is left out: one answer stops an address for a minute, which is a test of its own.
STORM_WEIGHTS = {
    LATENCY: 4, HTTP_5XX_BEFORE: 3, HTTP_5XX_AFTER: 3, TIMEOUT_BEFORE: 2, TIMEOUT_AFTER: 2,
    GARBAGE_BEFORE: 1, GARBAGE_AFTER: 1, CLOCK_1021: 1, STALE_READ: 3, EMPTY_READ: 1, READ_LAG: 3,
    PARTIAL_FILL: 4, WS_DROP: 3, WS_DUPLICATE: 4, WS_DELAY: 4, WS_REORDER: 4, WS_TRUNCATE: 2,
    WS_GARBAGE: 2, WS_CLOSE: 1,
}  # fmt: skip

_LISTS = ("openOrders", "openAlgoOrders", "positionRisk", "userTrades", "balance", "income")
_BOOKS = (*_LISTS, "account", "allOrders", "allAlgoOrders", "order", "openOrder", "algoOrder")
_TRADING = ("POST /fapi/v1/order", "POST /fapi/v1/batchOrders")
_PLACING = (*_TRADING, "POST /fapi/v1/algoOrder")


def applies(kind: str, label: str) -> bool:
    """True when a fault of this kind can strike what the label names."""
    method, _, rest = label.partition(" ")
    target = f"{method} {rest.partition(' ')[0]}"
    if kind in (STALE_READ, EMPTY_READ):
        books = _LISTS if kind == EMPTY_READ else _BOOKS
        return method == "GET" and target.rpartition("/")[2] in books
    if kind == READ_LAG:
        return target in _PLACING
    if kind == PARTIAL_FILL:
        return target in _TRADING
    return True
