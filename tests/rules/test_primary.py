"""
When a cell tells too much by itself, as small tables: what contributes to it, and whether it may be published.

Each rule names its source. The parameters here are examples: a city's own ones for sums stay inside the city.
"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from stadtbuch.disclosure.primary import (
    PQ,
    Contributions,
    Dominance,
    MinimumCount,
    extremes,
    means,
    rates,
)

HANDBOOK = "Handbook on Statistical Disclosure Control (ESSnet, 2nd ed.), chapter 4"


class Case(NamedTuple):
    """One rule, its source, and lines of contributions with the answer."""

    rule: str
    source: str
    judge: object
    lines: str


def by(rule) -> object:
    """Judge one cell by a rule on contributions."""
    return lambda numbers: bool(rule.unsafe(cell(numbers))[0])


def cell(numbers: list[int]) -> Contributions:
    """Make one cell from its contributions."""
    return Contributions.of(np.zeros(len(numbers)), np.array(numbers), cells=1)


RULES = [
    Case(
        "A sum needs three units; of nobody there is nothing to tell.",
        f"{HANDBOOK}, minimum frequency rule",
        by(MinimumCount(3)),
        """
        40 30 20 | published
        40 30    | withheld
        40       | withheld
                 | published
        """,
    ),
    Case(
        "One unit may not be more than 85 per cent of a sum: rule (1,85).",
        f"{HANDBOOK}, dominance rule",
        by(Dominance(1, 85)),
        """
        85 10 5 | published
        86 10 4 | withheld
        300 20 10 | withheld
        """,
    ),
    Case(
        "Two units may not be more than 90 per cent of a sum together: rule (2,90).",
        f"{HANDBOOK}, dominance rule",
        by(Dominance(2, 90)),
        """
        50 40 10 | published
        50 41 9 | withheld
        """,
    ),
    Case(
        "The second largest unit may not estimate the largest to within 10 per cent: the p% rule.",
        f"{HANDBOOK}, p% rule",
        by(PQ(10)),
        """
        100 50 10 | published
        100 50 9 | withheld
        52 50 8 | published
        """,
    ),
    Case(
        "The same if everybody is known to within 50 per cent before: the pq rule (10,50).",
        f"{HANDBOOK}, pq rule",
        by(PQ(10, 50)),
        """
        100 50 20 | published
        100 50 19 | withheld
        """,
    ),
    Case(
        "A rate needs a hundred in all, and three with and three without the feature: numerator, denominator.",
        "Two-threshold rule for rates; the numbers are a city's decision",
        lambda numbers: bool(rates(np.array(numbers[:1]), np.array(numbers[1:]))[0]),
        """
        3 100 | published
        2 100 | withheld
        3 99 | withheld
        98 100 | withheld
        0 100 | published
        """,
    ),
    Case(
        "A mean needs three values.",
        f"{HANDBOOK}; ACRO, safe outputs for researchers",
        lambda numbers: bool(means(cell(numbers), minimum=3)[0]),
        """
        7 8 9 | published
        7 8 | withheld
        """,
    ),
    Case(
        "A largest value is published only if three share it.",
        f"{HANDBOOK}; ACRO, safe outputs for researchers",
        lambda numbers: bool(extremes(cell(numbers), minimum=3)[1][0]),
        """
        9 9 9 4 | published
        9 8 7 4 | withheld
        """,
    ),
]


def lines(text: str) -> list[tuple[list[int], str]]:
    """Read contributions and answers."""
    parts = [line.partition("|") for line in text.strip("\n").splitlines() if line.strip()]
    return [([int(number) for number in before.split()], after.strip()) for before, _, after in parts]


@pytest.mark.parametrize("case", RULES, ids=[case.rule for case in RULES])
def test_rule(case: Case) -> None:
    """Every line of the rule has the answer that stands beside it."""
    for numbers, answer in lines(case.lines):
        assert ("withheld" if case.judge(numbers) else "published") == answer, numbers


def test_the_rule_book_is_the_tests(root: Path) -> None:
    """docs/reference/rules.md says what the tests of the rules say; `make docs` writes it."""
    spec = spec_from_file_location("write_rules", root / "docs" / "reference" / "write_rules.py")
    writer = module_from_spec(spec)
    spec.loader.exec_module(writer)
    assert (root / "docs" / "reference" / "rules.md").read_text(encoding="utf-8") == writer.page()


def test_every_rule_has_a_source() -> None:
    """A rule without a source is an opinion."""
    assert all(case.source for case in RULES)
