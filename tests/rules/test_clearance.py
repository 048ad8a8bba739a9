"""
What is withheld in sums and in tables with groups, as small tables: what was handed over, and what may be published.

Lines of sums are a branch with what its companies pay. The rule is an example: one may not be more than 85 per cent.
"""

from typing import NamedTuple

import pandas as pd
import pytest

from stadtbuch.disclosure.clearance import Origin, Rules, clear
from stadtbuch.disclosure.levels import Levels
from stadtbuch.disclosure.primary import Dominance
from stadtbuch.disclosure.tabulation import Measure, Tabulation, of_counts, of_rows

HANDBOOK = "Handbook on Statistical Disclosure Control (ESSnet, 2nd ed.), chapter 4"


class Case(NamedTuple):
    """One rule, its source, what was handed over and what may be published; whether sums, and the policy of zeros."""

    rule: str
    source: str
    before: str
    after: str
    sums: bool = False
    zeros: str = "published"


RULES = [
    Case(
        "In a hierarchy the second withheld label is one of the same group, so that the group's number stays.",
        f"{HANDBOOK}, hierarchical tables",
        """
        North-1 | 2
        North-2 | 9
        South-1 | 4
        South-2 | 41
        """,
        """
        North-1 | ·
        North-2 | ·
        South-1 | 4
        South-2 | 41
        North   | 11
        South   | 45
        total   | 56
        """,
    ),
    Case(
        "A group with a single label would tell it: the group is withheld, too, and one of another group with it.",
        f"{HANDBOOK}, hierarchical tables",
        """
        North-1 | 2
        South-1 | 6
        South-2 | 8
        West-1  | 30
        West-2  | 40
        """,
        """
        North-1 | ·
        South-1 | ·
        South-2 | 8
        West-1  | 30
        West-2  | 40
        North   | ·
        South   | ·
        West    | 70
        total   | 86
        """,
    ),
    Case(
        "Where zeros may be withheld, a withheld count may be 0, and a third cell is not needed.",
        "Fischetti and Salazar-González, JASA 95 (2000); which policy holds is the city's decision",
        """
        North-1 | 1
        South-1 | 2
        West-1  | 5
        """,
        """
        North-1 | ·
        South-1 | ·
        West-1  | 5
        total   | 8
        """,
        zeros="may-be-withheld",
    ),
    Case(
        "A sum of which one company is too large a part is withheld, and the cheapest other one with it.",
        f"{HANDBOOK}, dominance rule",
        """
        craft | 900 40 30
        trade | 100 90 80 70 900
        inns  | 300 310 320
        """,
        """
        craft | ·
        inns  | ·
        trade | 1240
        total | 3140
        """,
        sums=True,
    ),
    Case(
        "Who pays nothing does not contribute: three companies of which two pay are two.",
        f"{HANDBOOK}, minimum frequency rule",
        """
        craft | 60 40 0
        trade | 100 90 80
        inns  | 300 310 320
        """,
        """
        craft | ·
        inns  | 930
        trade | ·
        total | 1300
        """,
        sums=True,
    ),
]


def lines(text: str) -> dict[str, list[str]]:
    """Read lines: a label, and what stands behind it."""
    parts = [line.partition("|") for line in text.strip().splitlines()]
    return {before.strip(): after.split() for before, _, after in parts}


def handed_over(case: Case) -> Tabulation:
    """Tabulate what a rule starts from."""
    if case.sums:
        pairs = [(label, int(one)) for label, numbers in lines(case.before).items() for one in numbers]
        rows = pd.DataFrame(pairs, columns=["branch", "tax"])
        return of_rows(rows, name="t", by=["branch"], measure=Measure(sum="tax"), hierarchies={})
    counts = pd.Series({label: int(numbers[0]) for label, numbers in lines(case.before).items()}).rename_axis(
        "area"
    )
    areas = pd.DataFrame({"area": counts.index, "part": counts.index.str.partition("-").get_level_values(0)})
    grouped = (
        {"area": Levels.of("area", areas)} if any("North " in line for line in case.after.split("\n")) else {}
    )
    return of_counts(counts, name="t", by=["area"], hierarchies=grouped)


@pytest.mark.parametrize("case", RULES, ids=[case.rule for case in RULES])
def test_rule(case: Case) -> None:
    """What may be published is exactly what the table of the rule says."""
    rules = Rules(3, 1000, zeros=case.zeros, concentration=(Dominance(1, 85),))
    table = clear(
        [handed_over(case)], rules=rules, origin=Origin("demo", "person", ["area", "branch", "tax"])
    )["t"]
    frame = table.frame
    shown = [mark or str(value) for value, mark in zip(frame["value"], frame["mark"], strict=True)]
    expected = {label: value for label, (value,) in lines(case.after).items()}
    assert dict(zip(frame.iloc[:, 0], shown, strict=True)) == expected


def test_every_rule_has_a_source() -> None:
    """A rule without a source is an opinion."""
    assert all(case.source for case in RULES)
