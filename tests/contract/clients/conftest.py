"""One paper venue a module; nothing of the clients is changed but the URL."""

from collections.abc import Iterator

import pytest

from tests.support.paper import PaperServer


@pytest.fixture(scope="module")
def paper() -> Iterator[PaperServer]:
    """A venue whose limits admit every test of a module within one minute."""
    options = ["--weight-limit", "20000", "--order-limit-10s", "3000", "--order-limit-1m", "9000"]
    with PaperServer(options=options) as server:
        yield server
