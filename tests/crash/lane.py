"""`python -m tests.crash.lane`: the runs of one database, one after another.

Reads names of cases from stdin and prints a line of JSON for each run.
"""

import argparse
import sys
from pathlib import Path

import django


def main() -> int:
    """Run the cases of stdin; 0 whatever they said."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.lane", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--postgres", default="", help="URL of a server to make databases on")
    asked = parser.parse_args()
    django.setup()
    from tests.crash.forks import serve  # noqa: PLC0415 - models need a Django that is set up

    serve(asked.folder, asked.postgres, sys.stdin, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
