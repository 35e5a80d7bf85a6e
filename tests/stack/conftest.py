"""The product on the recorded tape."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack import Stack

TAPE = Path(__file__).resolve().parents[3] / "shared/corpus/market/wsraw_usdm_btcusdt_20240808.gz"
SPEED = "5"


@pytest.fixture
def tape_stack(tmp_path: Path) -> Iterator[Stack]:
    """Every process, with a paper venue that plays the capture at 5x."""
    if not TAPE.exists():
        pytest.skip("the recorded tape is not beside the project")
    arguments = ("--tape", str(TAPE), "--speed", SPEED)
    with Stack(tmp_path / "home", paper_arguments=arguments) as running:
        yield running
