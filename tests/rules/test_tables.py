"""
How counts are protected, as small tables: what was counted, and what may be published.

`·` is withheld, `–` is zero. The minimum count is 3. The tables can stand in the documentation as they stand
here.
"""

import pandas as pd
import pytest

from stadtbuch.disclosure import tables

RULES = [
    (
        "Large counts are published as they are, with their sums.",
        """
        .      | m  | w
        Nord   | 12 | 20
        Süd    | 30 | 41
        """,
        """
        .      | m  | w  | total
        Nord   | 12 | 20 | 32
        Süd    | 30 | 41 | 71
        total  | 42 | 61 | 103
        """,
    ),
    (
        "Zero names nobody: it is published, and marked as a true zero.",
        """
        .      | m  | w
        Nord   | 12 | 0
        Süd    | 30 | 41
        """,
        """
        .      | m  | w  | total
        Nord   | 12 | –  | 12
        Süd    | 30 | 41 | 71
        total  | 42 | 41 | 83
        """,
    ),
    (
        "A combination that never occurs is a zero.",
        """
        .      | m  | w
        Nord   | 12 |
        Süd    | 30 | 41
        """,
        """
        .      | m  | w  | total
        Nord   | 12 | –  | 12
        Süd    | 30 | 41 | 71
        total  | 42 | 41 | 83
        """,
    ),
    (
        "A count below the minimum is withheld, and the cheapest others with it, so that no sum tells it.",
        """
        .      | m  | w
        Nord   | 2  | 20
        Mitte  | 9  | 11
        Süd    | 30 | 41
        """,
        """
        .      | m  | w  | total
        Nord   | ·  | ·  | 22
        Mitte  | ·  | ·  | 20
        Süd    | 30 | 41 | 71
        total  | 41 | 72 | 113
        """,
    ),
    (
        "Exactly the minimum count is published.",
        """
        .      | m  | w
        Nord   | 3  | 20
        Süd    | 30 | 41
        """,
        """
        .      | m  | w  | total
        Nord   | 3  | 20 | 23
        Süd    | 30 | 41 | 71
        total  | 33 | 61 | 94
        """,
    ),
    (
        "In one dimension the second withheld cell is the smallest other one.",
        """
        .      | count
        Nord   | 1
        Mitte  | 8
        Süd    | 5
        """,
        """
        .      | count
        Nord   | ·
        Mitte  | 8
        Süd    | ·
        total  | 14
        """,
    ),
    (
        "Two small counts whose sum tells that both are 1 do not protect each other: a third one goes.",
        """
        .      | count
        Nord   | 1
        Mitte  | 1
        Süd    | 5
        West   | 9
        """,
        """
        .      | count
        Nord   | ·
        Mitte  | ·
        Süd    | ·
        West   | 9
        total  | 16
        """,
    ),
    (
        "Small counts of 2 and 1 add up to 3, so neither could reach the minimum: a third one goes.",
        """
        .      | count
        Nord   | 1
        Mitte  | 2
        Süd    | 5
        """,
        """
        .      | count
        Nord   | ·
        Mitte  | ·
        Süd    | ·
        total  | 8
        """,
    ),
    (
        "A row with a single small count cannot hide it: its sum is withheld too, and another row's.",
        """
        .      | m  | w
        Nord   | 2  | 0
        Mitte  | 6  | 7
        Süd    | 30 | 41
        """,
        """
        .      | m  | w  | total
        Nord   | ·  | –  | ·
        Mitte  | ·  | 7  | ·
        Süd    | 30 | 41 | 71
        total  | 38 | 48 | 86
        """,
    ),
]


def read(text: str) -> tuple[list[str], list[list[str]]]:
    """Read a small table: column headings, and per line its label and cells."""
    lines = [[part.strip() for part in line.split("|")] for line in text.strip().splitlines()]
    return lines[0][1:], lines[1:]


def counted(text: str) -> pd.Series:
    """Turn what was counted into the Series that pandas would give."""
    heads, lines = read(text)
    cells = {
        (line[0], head): int(cell)
        for line in lines
        for head, cell in zip(heads, line[1:], strict=True)
        if cell
    }
    index = pd.MultiIndex.from_tuples(cells, names=["district", "sex"])
    counts = pd.Series(list(cells.values()), index=index)
    return counts.droplevel("sex") if heads == ["count"] else counts


def published(table: tables.ProtectedTable) -> dict[tuple[str, ...], str]:
    """Give what readers see in each cell."""
    frame = table.frame
    shown = [mark or str(value) for value, mark in zip(frame["value"], frame["mark"], strict=True)]
    return dict(zip(frame[list(table.variables)].itertuples(index=False, name=None), shown, strict=True))


def expected(text: str) -> dict[tuple[str, ...], str]:
    """Read what readers shall see."""
    heads, lines = read(text)
    if heads == ["count"]:
        return {(line[0],): line[1] for line in lines}
    return {(line[0], head): cell for line in lines for head, cell in zip(heads, line[1:], strict=True)}


@pytest.mark.parametrize(("rule", "before", "after"), RULES, ids=[rule for rule, _, _ in RULES])
def test_rule(rule: str, before: str, after: str) -> None:
    """What may be published is exactly what the table of the rule says."""
    counts = counted(before)
    table = tables.protect(
        counts,
        rows="district",
        columns="sex" if "sex" in counts.index.names else None,
        min_count=3,
        node_limit=1000,
        dataset="demo.people",
        name="people",
        unit="person",
        column_names=["district", "sex"],
    )
    assert published(table) == expected(after)
