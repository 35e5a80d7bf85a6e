"""Numbered reasons: why a process refuses to start, went SAFE, or what `doctor` found. Closed list.

The number is what logs, `/healthz`, problems, `doctor` and docs/runbooks/reasons.md have in common.
A number is never given to something else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """What a reason does to the process that meets it, worst first."""

    REFUSES = "refuses to start"
    STOPS = "refuses to start; SAFE while running: claims nothing, web writes answer 503"
    CLOSES = "SAFE: openings are refused, exits and cancels pass"
    FAILS = "told as a failure"
    WARNS = "told as a warning"


class Reason(StrEnum):
    """T001… settings · T010… database · T030… Redis · T040… the rest of a deployment."""

    SECRET_KEY_SHORT = "T001"  # noqa: S105 - a number
    AUTH_TOKEN_SHORT = "T002"  # noqa: S105 - a number
    ENVIRONMENT_CONTRADICTION = "T003"
    MAINNET_NOT_ALLOWED = "T004"
    TIME_ZONE_WRONG = "T005"
    SEAL_KEY_MISSING = "T006"
    SQLITE_UNSAFE = "T007"
    DATABASE_NAME_FOREIGN = "T008"
    DEBUG_ON = "T009"
    DATABASE_GONE = "T010"
    DATABASE_READ_ONLY = "T011"
    DATABASE_FULL = "T012"
    DATABASE_DAMAGED = "T013"
    DISK_LOW = "T014"
    SCHEMA_BEHIND = "T015"
    SCHEMA_AHEAD = "T016"
    BUILD_FOREIGN = "T017"
    DATABASE_FOREIGN = "T018"
    SEAL_KEY_WRONG = "T019"
    NOT_PREPARED = "T020"
    SQLITE_OLD = "T021"
    REDIS_GONE = "T030"
    REDIS_EVICTS = "T031"
    REDIS_READ_ONLY = "T032"
    JOURNAL_UNGUARDED = "T040"
    JOURNAL_BROKEN = "T041"
    WORKER_SILENT = "T042"
    WORKER_SAFE = "T043"
    BUILDS_DIFFER = "T044"
    STREAM_DOWN = "T045"
    OPENINGS_HELD = "T046"
    CLOCK_OFF = "T047"
    VENUE_UNREACHABLE = "T048"
    VENUE_BLOCKS = "T049"
    ACCOUNT_UNUSABLE = "T050"
    RECONCILE_STALE = "T051"
    DRIFT_OPEN = "T052"
    COMMANDS_WAIT = "T053"
    COMMANDS_OVERDUE = "T054"
    OUTCOMES_UNKNOWN = "T055"
    PART_HANGS = "T056"
    SETTING_DOUBTFUL = "T057"


@dataclass(frozen=True, slots=True)
class Entry:
    """`meaning` is one sentence for the operator, `remedy` what to do."""

    effect: Effect
    meaning: str
    remedy: str


REASONS: Mapping[Reason, Entry] = {
    Reason.SECRET_KEY_SHORT: Entry(
        Effect.REFUSES,
        "SECRET_KEY is missing or too short.",
        "`make run` writes one into .env; elsewhere set SECRET_KEY or SECRET_KEY_FILE.",
    ),
    Reason.AUTH_TOKEN_SHORT: Entry(
        Effect.REFUSES,
        "AUTH_TOKEN is missing or too short.",
        "`make run` writes one into .env; elsewhere set AUTH_TOKEN or AUTH_TOKEN_FILE.",
    ),
    Reason.ENVIRONMENT_CONTRADICTION: Entry(
        Effect.REFUSES,
        "USE_TESTNET and TRADEOPS_ENV contradict each other.",
        "Remove USE_TESTNET, or set TRADEOPS_ENV=testnet.",
    ),
    Reason.MAINNET_NOT_ALLOWED: Entry(
        Effect.REFUSES,
        "TRADEOPS_ENV=mainnet trades real money and is not allowed yet.",
        "Set TRADEOPS_ALLOW_MAINNET=true as well, when that is what you want.",
    ),
    Reason.TIME_ZONE_WRONG: Entry(
        Effect.REFUSES,
        "Times must be aware and UTC: day limits and the journal depend on it.",
        "Leave USE_TZ=True and TIME_ZONE='UTC' in the settings.",
    ),
    Reason.SEAL_KEY_MISSING: Entry(
        Effect.REFUSES,
        "SEAL_PUBLIC_KEY is missing: venue credentials cannot be sealed.",
        "`make run` writes the pair into .env; SEAL_PRIVATE_KEYS goes to workers only.",
    ),
    Reason.SQLITE_UNSAFE: Entry(
        Effect.REFUSES,
        "This SQLite can corrupt a WAL database, and this is mainnet.",
        "Install pysqlite3 (SQLite 3.51.3 or newer), or set DATABASE_URL to PostgreSQL.",
    ),
    Reason.DATABASE_NAME_FOREIGN: Entry(
        Effect.REFUSES,
        "The database is named after another environment.",
        "One database never mixes environments: give each its own DATABASE_URL.",
    ),
    Reason.DEBUG_ON: Entry(
        Effect.REFUSES,
        "DEBUG shows settings and code to strangers and keeps every query in memory.",
        "Leave DEBUG=False outside of paper.",
    ),
    Reason.DATABASE_GONE: Entry(
        Effect.STOPS,
        "The database does not answer.",
        "Start it, or correct DATABASE_URL; processes leave SAFE by themselves. Meanwhile close "
        "positions at the venue.",
    ),
    Reason.DATABASE_READ_ONLY: Entry(
        Effect.STOPS,
        "The database refuses to be written.",
        "SQLite: give the process's user the file and its folder. PostgreSQL: is this a standby, "
        "or is default_transaction_read_only on? Processes leave SAFE by themselves.",
    ),
    Reason.DATABASE_FULL: Entry(
        Effect.STOPS,
        "The database has no room: nothing can be recorded, so nothing is sent.",
        "Free disk space or lift the quota; processes leave SAFE by themselves. Meanwhile close "
        "positions at the venue.",
    ),
    Reason.DATABASE_DAMAGED: Entry(
        Effect.STOPS,
        "The database's files are damaged, or the disk fails.",
        "Stop everything, keep a copy of the files, restore the last backup, then `manage.py "
        "bootstrap` and `manage.py reconcile`: the venue gives back orders and fills.",
    ),
    Reason.DISK_LOW: Entry(
        Effect.CLOSES,
        "Less than 1 GiB (MIN_FREE_MIB) is free where the data lies.",
        "Free disk space; openings are admitted again by themselves.",
    ),
    Reason.SCHEMA_BEHIND: Entry(
        Effect.STOPS,
        "The database lacks migrations that this code needs: half a deploy.",
        "Run `manage.py bootstrap` (harmless on a live system), then start again.",
    ),
    Reason.SCHEMA_AHEAD: Entry(
        Effect.STOPS,
        "The database has migrations that this code does not know: an old build on a new database.",
        "Bring this machine to the build that migrated, or restore the backup of the old one.",
    ),
    Reason.BUILD_FOREIGN: Entry(
        Effect.STOPS,
        "The database was prepared by a build whose commands and events have another shape.",
        "One build everywhere: deploy it here, or run `manage.py bootstrap` with the wanted one.",
    ),
    Reason.DATABASE_FOREIGN: Entry(
        Effect.STOPS,
        "The database belongs to another environment: that was written into it once.",
        "Correct TRADEOPS_ENV or DATABASE_URL. Never change the row.",
    ),
    Reason.SEAL_KEY_WRONG: Entry(
        Effect.REFUSES,
        "The private seal keys do not open what this deployment sealed.",
        "Give workers the right SEAL_PRIVATE_KEYS (old ones stay in the list until every "
        "credential is sealed anew). Lost for good: new pair, `manage.py bootstrap "
        "--seal-key-lost`, enter every venue key again.",
    ),
    Reason.NOT_PREPARED: Entry(
        Effect.STOPS,
        "The database was never prepared for this product.",
        "Run `manage.py bootstrap`.",
    ),
    Reason.SQLITE_OLD: Entry(
        Effect.WARNS,
        "This SQLite can corrupt a WAL database; mainnet would refuse it.",
        "Install pysqlite3 (SQLite 3.51.3 or newer), or set DATABASE_URL to PostgreSQL.",
    ),
    Reason.REDIS_GONE: Entry(
        Effect.FAILS,
        "Redis does not answer: commands are stored and wait, desks are stale.",
        "Start Redis; the sweeper finds what waits. Openings older than 10 s expire. Meanwhile "
        "close positions at the venue.",
    ),
    Reason.REDIS_EVICTS: Entry(
        Effect.FAILS,
        "Redis may evict keys: queues and bindings could vanish.",
        "Set maxmemory-policy noeviction.",
    ),
    Reason.REDIS_READ_ONLY: Entry(
        Effect.FAILS,
        "Redis refuses writes (replica, full disk or memory).",
        "Point REDIS_URL at the primary, free memory or disk.",
    ),
    Reason.JOURNAL_UNGUARDED: Entry(
        Effect.FAILS,
        "Events can be changed or deleted: a trigger is missing.",
        "Run `manage.py bootstrap`, then verify the chain with `doctor --deep`.",
    ),
    Reason.JOURNAL_BROKEN: Entry(
        Effect.FAILS,
        "An event was changed, deleted or added behind the product's back.",
        "Halt the account, keep a copy of the database, compare with the last backup.",
    ),
    Reason.WORKER_SILENT: Entry(
        Effect.FAILS,
        "A kind of worker has not been heard for 15 s.",
        "Start it; its log tells why it ended.",
    ),
    Reason.WORKER_SAFE: Entry(
        Effect.FAILS,
        "Another process of this deployment is SAFE.",
        "See the number that it names.",
    ),
    Reason.BUILDS_DIFFER: Entry(
        Effect.WARNS,
        "Processes of different builds run side by side, compatible with the database.",
        "End the deploy: restart what still runs the old build.",
    ),
    Reason.STREAM_DOWN: Entry(
        Effect.FAILS,
        "An account's user stream is not connected or not served.",
        "Is the streams worker alive and the venue reachable? It reconnects for ever by itself.",
    ),
    Reason.OPENINGS_HELD: Entry(
        Effect.WARNS,
        "A scope refuses openings.",
        "Its own reason says whose decision it is; system holds end by themselves.",
    ),
    Reason.CLOCK_OFF: Entry(
        Effect.FAILS,
        "This machine's clock is more than 500 ms off the venue's: openings are held.",
        "Repair time synchronisation (chrony, systemd-timesyncd).",
    ),
    Reason.VENUE_UNREACHABLE: Entry(
        Effect.FAILS,
        "The venue does not answer.",
        "Look at the network and the venue's status page; nothing is lost meanwhile.",
    ),
    Reason.VENUE_BLOCKS: Entry(
        Effect.FAILS,
        "The venue's rate limit is used up, or it has banned this address for a while.",
        "Wait for the time it named; stop other programs on this address.",
    ),
    Reason.ACCOUNT_UNUSABLE: Entry(
        Effect.FAILS,
        "An account's venue key is missing, cannot be read, or is refused.",
        "Replace the key in the admin; check its permissions and address list at the venue.",
    ),
    Reason.RECONCILE_STALE: Entry(
        Effect.FAILS,
        "An account was not compared with its venue for a minute.",
        "Is the work process alive? `manage.py reconcile --account NAME` does it now.",
    ),
    Reason.DRIFT_OPEN: Entry(
        Effect.FAILS,
        "The venue and these books differ.",
        "See docs/runbooks/drift.md.",
    ),
    Reason.COMMANDS_WAIT: Entry(
        Effect.FAILS,
        "Commands wait for a worker.",
        "Is the orders worker alive and not SAFE?",
    ),
    Reason.COMMANDS_OVERDUE: Entry(
        Effect.FAILS,
        "The outcome of a sent command is unknown for more than 120 s.",
        "Look at the venue. It is queried on and never sent again.",
    ),
    Reason.OUTCOMES_UNKNOWN: Entry(
        Effect.WARNS,
        "The outcome of a sent command is not known yet.",
        "It is looked up by itself; do not send again by hand.",
    ),
    Reason.PART_HANGS: Entry(
        Effect.FAILS,
        "A part did not answer in time, or its check broke.",
        "Look at that part; the other findings are complete.",
    ),
    Reason.SETTING_DOUBTFUL: Entry(
        Effect.WARNS,
        "Django's own checks complain.",
        "The message says what to change.",
    ),
}


def stops(reason: Reason) -> bool:
    """Whether a running process that meets this may neither claim nor write."""
    return REASONS[reason].effect is Effect.STOPS


def page() -> str:
    """The runbook page (docs/runbooks/reasons.md), in Markdown."""
    source = "`manage.py doctor --reasons` writes this page."
    lines = ["# Numbered reasons", ""]
    lines += [f"What start-up, logs, `/healthz`, problems and `doctor` name. {source}"]
    for effect in Effect:
        lines += ["", f"## {effect.value[0].upper()}{effect.value[1:]}", ""]
        lines += ["| number | what it means | what to do |", "|---|---|---|"]
        lines += [
            f"| {reason} | {entry.meaning} | {entry.remedy} |"
            for reason, entry in REASONS.items()
            if entry.effect is effect
        ]
    return "\n".join(lines) + "\n"
