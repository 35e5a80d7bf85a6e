"""The order lattice: only upwards, in whatever order news arrives."""

from itertools import permutations

import pytest

from orders.domain.lifecycle import TERMINAL, advance
from tradeops.domain.enums import OrderStatus as S

NEWS = (S.SUBMITTED, S.ACKNOWLEDGED, S.PARTIALLY_FILLED, S.FILLED)


def test_all_orders_of_news_end_alike() -> None:
    for order in permutations(NEWS):
        status = S.NEW
        for news in order:
            status = advance(status, news)

        assert status is S.FILLED


@pytest.mark.parametrize("terminal", sorted(TERMINAL - {S.REJECTED}))
@pytest.mark.parametrize("news", list(S))
def test_terminal_states_stay(terminal: S, news: S) -> None:
    assert advance(terminal, news) is terminal


@pytest.mark.parametrize(
    ("news", "after"),
    [
        (S.SUBMITTED, S.REJECTED),
        (S.REJECTED, S.REJECTED),
        (S.ACKNOWLEDGED, S.ACKNOWLEDGED),
        (S.FILLED, S.FILLED),
    ],
)
def test_rejected_gives_way_to_proof_of_existence(news: S, after: S) -> None:
    assert advance(S.REJECTED, news) is after
