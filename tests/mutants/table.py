"""The guards that keep "never twice, never lost", each with the tests that must miss it."""

from tests.mutants.mutant import Mutant
from tests.mutants.table_facts import FACTS
from tests.mutants.table_outcomes import OUTCOMES
from tests.mutants.table_sending import SENDING
from tests.mutants.table_venue import VENUE

MUTANTS: tuple[Mutant, ...] = (*SENDING, *OUTCOMES, *FACTS, *VENUE)
