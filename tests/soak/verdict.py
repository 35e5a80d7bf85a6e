"""What must hold after a soak, as lines of a table: both sides' books, duplicates, ends, times."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.soak.weather import Silence
from tests.support import books
from tests.support.stack import Stack

STREAM_P99_MS = 200.0
MUTED_MAX_S = 30.0
SHOWN = 5
_PROBE = Path(__file__).with_name("probe.py")
# What a conditional order is called here, by the venue's word for it; None: as its order is.
_ENDS = {
    "NEW": "ACKNOWLEDGED",
    "CANCELED": "CANCELLED",
    "EXPIRED": "EXPIRED",
    "REJECTED": "REJECTED",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the verdict; `ok` None is told, not judged."""

    what: str
    measured: str
    wanted: str = ""
    ok: bool | None = None
    detail: tuple[str, ...] = ()


def ledger(stack: Stack) -> dict[str, Any]:
    """What the product's own ledger says."""
    printed = stack.manage("shell", "--no-imports", "-v", "0", "-c", _PROBE.read_text())
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found


def differences(stack: Stack, accounts: Sequence[str]) -> list[str]:
    """One line for each entry that the two sides do not share, conditional orders included."""
    found = [line for name in accounts for line in books.differences(stack, name)]
    return found + [line for name in accounts for line in _conditional(stack, name)]


def judged(
    stack: Stack, accounts: Sequence[str], found: dict[str, Any], silences: Sequence[Silence]
) -> list[Line]:
    """Every line that is judged, and the ledger's own counts."""
    apart = differences(stack, accounts)
    twice = [line for name in accounts for line in sent_twice(stack.truth(name))]
    rebuilt = json.loads(stack.manage("rebuild", "--json").splitlines()[-1])
    hanging = [item for item in found["unended"] if not item["is_alarmed"]]
    return [
        Line("sent twice", str(len(twice)), "0", not twice, tuple(twice)),
        Line("books differ", str(len(apart)), "0", not apart, tuple(apart)),
        Line(
            "commands neither ended nor alarmed",
            f"{len(hanging)} of {sum(found['commands'].values())}",
            "0",
            not hanging,
            tuple(json.dumps(item) for item in hanging),
        ),
        Line("rebuild differs", str(rebuilt["differences"]), "0", rebuilt["differences"] == 0),
        *times(found["fills"], silences),
        Line("holds left", str(len(found["holds"])), detail=tuple(found["holds"])),
        Line("drifts left", str(len(found["drifts"])), detail=tuple(found["drifts"])),
    ]


def times(fills: Sequence[dict[str, Any]], silences: Sequence[Silence]) -> list[Line]:
    """How long fills took from the venue to the journal, told by the stream and found by asking."""
    heard, asked, muted = [], [], []
    for fill in fills:
        traded = datetime.fromisoformat(fill["traded_at"])
        took_ms = (datetime.fromisoformat(fill["recorded_at"]) - traded).total_seconds() * 1_000
        if fill["source"] == "STREAM":
            heard.append(took_ms)
        else:
            asked.append(took_ms)
        if any(s.account == fill["account"] and s.began <= traded <= s.ended for s in silences):
            muted.append(took_ms)
    lines = [_line("fill → journal, told by the stream", heard, p99_ms=STREAM_P99_MS)]
    lines.append(_line("fill → journal, found by asking", asked, max_ms=MUTED_MAX_S * 1_000))
    if silences:
        lines.append(_line("fill → journal, stream muted", muted, p99_ms=MUTED_MAX_S * 1_000))
    return lines


def _line(
    what: str, times_ms: Sequence[float], *, p99_ms: float = 0.0, max_ms: float = 0.0
) -> Line:
    ordered = sorted(times_ms)
    wanted = f"p99 < {p99_ms:g} ms" if p99_ms else f"max < {max_ms:g} ms"
    if not ordered:
        return Line(what, "no fills", wanted)
    p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * q))] for q in (0.5, 0.99))
    text = f"n {len(ordered)}, p50 {p50:.0f}, p99 {p99:.0f}, max {ordered[-1]:.0f} ms"
    ok = p99 < p99_ms if p99_ms else ordered[-1] < max_ms
    return Line(what, text, wanted, ok)


def sent_twice(truth: dict[str, Any]) -> list[str]:
    """Client ids under which more than one order came, accepted or refused."""
    conditional = Counter(row["client_algo_id"] for row in truth["algo_orders"])
    # The order that a conditional one triggers has its id and was not sent by anybody.
    ordinary = Counter(
        row["client_order_id"]
        for row in (*truth["orders"], *truth["rejected"])
        if row["client_order_id"] not in conditional
    )
    both = Counter({name: n for name, n in (conditional | ordinary).items() if n > 1})
    return [f"{name}: {n} times" for name, n in both.items() if name.startswith("ae-")]


def _conditional(stack: Stack, account: str) -> list[str]:
    """Conditional orders whose state is not the same on both sides."""
    truth = stack.truth(account)
    ends = {str(row["order_id"]): row["status"] for row in truth["orders"]}
    here: dict[str, Any] = {}
    cursor = ""
    while True:
        path = f"/api/v1/orders?account={account}&limit=1000"
        answer = stack.api("GET", f"{path}&cursor={cursor}" if cursor else path)
        assert answer.status == 200, answer.text
        here |= {row["algo_id"]: row for row in answer.json["items"] if row["algo_id"]}
        cursor = answer.json["next"] or ""
        if not cursor:
            break
    there = {str(row["algo_id"]): row for row in truth["algo_orders"]}
    lines = []
    for number in sorted(here.keys() | there.keys()):
        row, algo = here.get(number), there.get(number)
        if row is None or algo is None:
            side = "ours" if row else "venue"
            lines.append(f"{account} conditional {number}: only {side}: {row or algo}")
            continue
        wanted = _ENDS.get(algo["status"]) or books.status_here(ends[str(algo["order_id"])])
        if row["status"] != wanted or row["client_order_id"] != algo["client_algo_id"]:
            lines.append(
                f"{account} conditional {number} {row['client_order_id']}: "
                f"ours {row['status']}, venue {algo['status']} {wanted}"
            )
    return lines
