"""The test suite and the type checker: same parts as a run, own files, cheap password hashes."""

import os
import tempfile
from pathlib import Path

# No `.env` of the developer, no file of a run: set before base reads the environment.
os.environ.setdefault("TRADEOPS_DOTENV", os.devnull)
os.environ.setdefault("TRADEOPS_HOME", str(Path(tempfile.gettempdir()) / "tradeops-test"))
os.environ.setdefault("SECRET_KEY", "test-only-" + "k" * 50)
os.environ.setdefault("AUTH_TOKEN", "test-only-" + "t" * 33)

from tradeops.settings.base import *

TRADEOPS_HOME.mkdir(parents=True, exist_ok=True)

# A file and not Django's in-memory database: threads and processes share it, as in a run.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(TRADEOPS_HOME / "test.sqlite3")}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
LOGGING = {"version": 1, "disable_existing_loggers": False}
