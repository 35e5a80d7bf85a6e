"""A pytest plugin: begin with a migrated database instead of migrating for each mutant."""

import os
import shutil
from pathlib import Path

import pytest

VARIABLE = "MUTANTS_DATABASE"


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Put the file where the settings of this session expect it; `--reuse-db` takes it."""
    shutil.copy(os.environ[VARIABLE], Path(os.environ["TRADEOPS_HOME"]) / "test.sqlite3")
