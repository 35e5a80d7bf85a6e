"""Make `.venv` hold what a lock file names: `python3.11 tradeops/launch/venv.py runtime|dev`.

Runs before anything is installed and, to tell a wrong Python what is wrong, on any Python 3: the
standard library only, and no syntax newer than f-strings. Does nothing when the lock file is the
one of the last run. uv is used when it is on PATH, else pip; both check every hash.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
LOCKS = {"runtime": "requirements.lock", "dev": "requirements-dev.lock"}


class VenvError(Exception):
    """Says in one sentence why the environment cannot be made."""


def require_python(version: tuple[int, ...]) -> None:
    """Raise VenvError unless `version` is a 3.11."""
    if version[:2] != (3, 11):
        found = ".".join(map(str, version[:3]))
        message = f"tradeops needs Python 3.11, this is {found}: install python3.11."
        raise VenvError(message)


def ensure(kind: str) -> None:
    """Bring the environment up to the `runtime` or `dev` lock; raise VenvError when that fails."""
    lock = ROOT / LOCKS[kind]
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = VENV / f".{kind}.sha256"
    if stamp.is_file() and stamp.read_text() == digest and (VENV / "bin/python").exists():
        return
    if not os.access(ROOT, os.W_OK):
        message = f"{ROOT} cannot be written: clone into a folder of your own."
        raise VenvError(message)
    _make()
    sys.stdout.write(f"Installing {lock.name} into {VENV} ...\n")
    sys.stdout.flush()
    _install(lock)
    stamp.write_text(digest)


def _make() -> None:
    if (VENV / "bin/python").exists() and (VENV / "bin/pip").exists():
        return
    if _quietly([sys.executable, "-m", "venv", "--clear", str(VENV)]).returncode != 0:
        message = "Python's venv module does not work here: install it (Debian: python3.11-venv)."
        raise VenvError(message)


def _install(lock: Path) -> None:
    python = str(VENV / "bin/python")
    tools = [[python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]]
    uv = shutil.which("uv")
    if uv:  # ten times faster; where it cannot reach an index, the settings of pip may
        tools.insert(0, [uv, "pip", "install", "--quiet", "--python", python])
    output = ""
    for tool in tools:
        done = _quietly([*tool, "--require-hashes", "-r", str(lock)])
        if done.returncode == 0:
            return
        output = done.stdout
    log = VENV / "install.log"
    log.write_text(output)
    message = (
        f"A package differs from {lock.name}, nothing was installed (details in {log})."
        if "DO NOT MATCH THE HASHES" in output.upper()
        else f"The packages of {lock.name} could not be downloaded: check the network "
        f"(details in {log})."
    )
    raise VenvError(message)


def _quietly(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


if __name__ == "__main__":
    try:
        require_python(sys.version_info[:3])
        ensure(sys.argv[1])
    except VenvError as error:
        sys.exit(f"tradeops: {error}")
    except OSError as error:
        sys.exit(f"tradeops: the virtual environment could not be made: {error}.")
    except KeyboardInterrupt:
        sys.exit(130)
