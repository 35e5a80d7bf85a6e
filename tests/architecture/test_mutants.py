"""`make mutants` is run by hand; here CI sees that its table still fits the sources."""

import ast

import pytest

from tests.mutants.mutant import ROOT, Mutant
from tests.mutants.table import MUTANTS

pytestmark = pytest.mark.once


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.guard)
def test_guard_stands_where_the_table_says(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text()

    mutated = mutant.mutated(ROOT)

    assert mutated != text
    ast.parse(mutated)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.guard)
def test_tests_that_must_notice_exist(mutant: Mutant) -> None:
    assert mutant.tests
    for node in mutant.tests:
        path, _, name = node.partition("::")
        functions = {
            item.name
            for item in ast.parse((ROOT / path).read_text()).body
            if isinstance(item, ast.FunctionDef)
        }
        assert name in functions if name else any(x.startswith("test_") for x in functions)


def test_guards_have_names_of_their_own() -> None:
    names = [mutant.guard for mutant in MUTANTS]

    assert len(set(names)) == len(names)
