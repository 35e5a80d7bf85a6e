"""Frames that no venue should send, and one that it does."""

import json
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "binance"
AT_MS = 1_795_161_607_500
LISTEN_KEY = "WsCMN0a4KHUPTQuX6IUnqEZfB1inxmv1qR4kbf1LuEjur5VdbzqvyxqG9TSjVVxv"

Frame = str | bytes


def good_frame(number: int, **changes: Any) -> str:
    """The fill of a market order of somebody else's; `number` is its trade and order id."""
    order = {
        "s": "BTCUSDT", "c": f"web_{number}", "S": "BUY", "o": "MARKET", "f": "GTC", "q": "0.001",
        "p": "0", "ap": "61000", "sp": "0", "x": "TRADE", "X": "FILLED", "i": 7_000_000 + number,
        "l": "0.001", "z": "0.001", "L": "61000", "N": "USDT", "n": "0.0244", "T": AT_MS,
        "t": number, "b": "0", "a": "0", "m": False, "R": False, "wt": "CONTRACT_PRICE",
        "ot": "MARKET", "ps": "BOTH", "cp": False, "rp": "0", "V": "NONE", "pm": "NONE", "gtd": 0,
    }  # fmt: skip
    event = {"e": "ORDER_TRADE_UPDATE", "E": AT_MS + 1, "T": AT_MS, "o": order | changes}
    return json.dumps(event)


def nested(depth: int, opening: str, core: str, closing: str) -> str:
    return opening * depth + core + closing * depth


# What must come out as MALFORMED or UNKNOWN, and be kept.
HOSTILE: dict[str, Frame] = {
    "empty": "",
    "not json": "<html>502 Bad Gateway</html>",
    "half": good_frame(1)[:80],
    "binary": bytes(range(256)),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xabV*.",
    "invalid utf-8": b'{"e":"ORDER_TRADE_UPDATE","o":{"s":"\xff\xfe"}}',
    "utf-8 mark": b'\xef\xbb\xbf{"e":"NOBODY_KNOWS"}',
    "unknown event": '{"e":"EVENT_OF_2027","E":1,"o":{"s":"BTCUSDT"}}',
    "event without a name": '{"e":{"e":"ORDER_TRADE_UPDATE"},"o":{}}',
    "event name of 10 MB": json.dumps({"e": "A b" * 3_400_000}),
    "event name with a line": '{"e":"X\\nERROR forged line\\u0000\\ud800"}',
    "no order": '{"e":"ORDER_TRADE_UPDATE","E":1}',
    "order is a list": '{"e":"ORDER_TRADE_UPDATE","E":1,"o":[]}',
    "order is null": '{"e":"ORDER_TRADE_UPDATE","E":1,"o":null}',
    "order is a text": '{"e":"ORDER_TRADE_UPDATE","E":1,"o":"BTCUSDT"}',
    "not a number": good_frame(2, l="x"),
    "nan": good_frame(3, L=float("nan")),
    "infinity": good_frame(4, q=float("inf")),
    "minus infinity text": good_frame(5, z="-Infinity"),
    "huge exponent": good_frame(6, q="1e999999999"),
    "exponent beyond decimal": '{"e":"ORDER_TRADE_UPDATE","o":{"q":1e99999999999999999999}}',
    "tiny exponent": good_frame(7, L="1e-999999999"),
    "5000 digits": good_frame(8, q="9" * 5_000),
    "integer of 5000 digits": '{"e":"ORDER_TRADE_UPDATE","o":{"i":' + "9" * 5_000 + "}}",
    "number in full-width digits": good_frame(9, q="\uff11"),
    "number is true": good_frame(10, q=True),
    "side nobody knows": good_frame(11, S="HOLD"),
    "side is a list": good_frame(12, S=["BUY"]),
    "symbol of 10 MB": good_frame(13, s="A" * 10_000_000),
    "symbol with NUL": good_frame(14, s="BTC\x00USDT"),
    "symbol with a lone surrogate": good_frame(15, s="BTC\ud800"),
    "client id of 10 MB": good_frame(16, c="A." * 5_000_000),
    "client id is an object": good_frame(17, c={"a": 1}),
    "trade id is no number": good_frame(18, t="abc"),
    "trade id beyond 63 bits": good_frame(19, t=2**63),
    "time of the year 300000": good_frame(20, T=10**16),
    "time before all time": good_frame(21, T=-(10**17)),
    "time beyond the platform's clock": good_frame(25, T=2**70),
    "time is a text": good_frame(22, T="yesterday"),
    "deep lists": nested(100_000, "[", "", "]"),
    "lists deep enough to parse": nested(400, "[", good_frame(23), "]"),
    "deep objects": nested(100_000, '{"e":', "1", "}"),
    "deep envelopes": nested(300, '{"stream":"a","data":', good_frame(24), "}"),
    "account is a list": '{"e":"ACCOUNT_UPDATE","T":1,"a":[]}',
    "balance without asset": '{"e":"ACCOUNT_UPDATE","T":1,"a":{"m":"ORDER","B":[{"wb":"1"}]}}',
    "position is a text": '{"e":"ACCOUNT_UPDATE","T":1,"a":{"m":"ORDER","P":["BTCUSDT"]}}',
    "funding without amount": (
        '{"e":"ACCOUNT_UPDATE","T":1,"a":{"m":"FUNDING_FEE","B":[{"a":"USDT","wb":"1"}]}}'
    ),
    "algo without id": '{"e":"ALGO_UPDATE","T":1,"o":{"s":"BTCUSDT","S":"BUY","X":"NEW"}}',
    "margin call without legs": '{"e":"MARGIN_CALL","E":1,"p":[]}',
    "leverage is half": '{"e":"ACCOUNT_CONFIG_UPDATE","T":1,"ac":{"s":"BTCUSDT","l":2.5}}',
    "torn listen key": '{"e":"listenKeyExpired","E":1,"listenKey":"' + LISTEN_KEY[:50],
    "key in an unknown event": json.dumps({"e": "NEWS", "listenKey": LISTEN_KEY, "x": LISTEN_KEY}),
}


def published(folder: str) -> dict[str, bytes]:
    """Real payloads that others have published, by file name; empty where they are not at hand."""
    return {path.stem: path.read_bytes() for path in sorted((CORPUS / folder).glob("*.json"))}
