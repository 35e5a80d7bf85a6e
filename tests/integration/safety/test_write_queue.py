"""Who dies while it writes leaves the queue, and nothing of what it wrote."""

import os
import subprocess
import sys

import pytest

from accounts.models import ExchangeAccount
from tests.integration.safety.test_start import ROOT, environment
from tradeops.kit.db import write_transaction

pytestmark = pytest.mark.usefixtures("committed_db")

HOLDER = """
import django, sys, time
django.setup()
from accounts.models import ExchangeAccount
from tradeops.kit.db import write_transaction
with write_transaction():
    ExchangeAccount.objects.create(name="half")
    print("holds", flush=True)
    time.sleep(600)
"""


@pytest.mark.stack
def test_holder_that_is_killed_frees_the_queue_and_leaves_nothing() -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        cwd=ROOT,
        env={**os.environ, **environment()},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "holds\n"
    holder.kill()
    holder.wait()
    holder.stdout.close()

    with write_transaction():
        ExchangeAccount.objects.create(name="whole")

    assert list(ExchangeAccount.objects.values_list("name", flat=True)) == ["whole"]
