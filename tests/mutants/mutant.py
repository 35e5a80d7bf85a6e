"""A guard, how it is taken away, and the tests that must notice."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Mutant:
    """`before` stands exactly once in `file`; with `after` in its place one of `tests` must fail.

    `tests` are pytest node ids. `postgres` runs them there: SQLite has one writer at a time, which
    makes some guards superfluous.
    """

    guard: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]
    postgres: bool = False

    def mutated(self, root: Path) -> str:
        """The file's text without the guard.

        Raises:
            ValueError: the guard's text is gone or not unique.
        """
        text = (root / self.file).read_text()
        found = text.count(self.before)
        if found != 1:
            raise ValueError(f"{self.guard}: its text stands {found} times in {self.file}")
        return text.replace(self.before, self.after)
