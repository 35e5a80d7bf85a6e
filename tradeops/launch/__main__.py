"""`python -m tradeops.launch`: what `make run` does once `.venv` exists. Ctrl-C ends everything."""

import argparse
import os
import signal
import sys
from pathlib import Path

from tradeops.launch.failure import LaunchError
from tradeops.launch.runner import Runner, prepare

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> int:
    """Run until Ctrl-C or SIGTERM; 0 after a clean end, 1 with one sentence when it cannot."""
    parser = argparse.ArgumentParser(prog="python -m tradeops.launch", description=__doc__)
    parser.add_argument(
        "--db",
        choices=("", "sqlite", "pg"),
        default="",
        help="database to use from now on (default: what .env says, else sqlite)",
    )
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, _as_interrupt)  # a script may have started us with it ignored
    os.umask(0o066)  # database and logs are the operator's alone; PostgreSQL must pass through
    signal.signal(signal.SIGTERM, _as_interrupt)
    signal.signal(signal.SIGHUP, _as_interrupt)
    try:
        plan, environment = prepare(ROOT, database=arguments.db)
        Runner(plan, environment).run()
    except LaunchError as error:
        sys.stderr.write(f"tradeops: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _as_interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
