"""
The budget of noisy answers: what was spent of it in a calendar year, and whether one more answer fits.

Losses of privacy add up: the sum of all epsilons, and of all deltas, of a year is what the year told about one unit
(basic composition: Dwork and Roth, The Algorithmic Foundations of Differential Privacy, 2014, theorem 3.16).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from stadtbuch.errors import Refused
from stadtbuch.model.dataset import Budget
from stadtbuch.model.entry import Entry
from stadtbuch.texts import Text

DEBITED = "budget-debited"
"""The kind of entry that says that an answer was paid for, before it was drawn."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What was paid in one year; whole fractions, so that ten tenths are one."""

    epsilon: Fraction = Fraction(0)
    delta: Fraction = Fraction(0)
    answers: int = 0

    def more(self, *, epsilon: float, delta: float) -> Spent:
        """Give what it is after one more answer."""
        return Spent(self.epsilon + exact(epsilon), self.delta + exact(delta), self.answers + 1)

    def within(self, budget: Budget) -> bool:
        """Tell whether the budget holds."""
        return self.epsilon <= exact(budget.epsilon) and self.delta <= exact(budget.delta)

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {"epsilon": float(self.epsilon), "delta": float(self.delta), "answers": self.answers}


def exact(number: float) -> Fraction:
    """
    Give a number as it is written in decimals.

    Examples
    --------
    >>> 10 * exact(0.1) == 1
    True
    """
    return Fraction(repr(float(number)))


def spent(entries: Iterable[Entry], *, dataset: str, year: int) -> Spent:
    """
    Add up what was paid from one dataset's budget in one year.

    Examples
    --------
    >>> spent([], dataset="population.residents", year=2026).answers
    0
    """
    return by_year(entries).get((dataset, year), Spent())


def by_year(entries: Iterable[Entry]) -> dict[tuple[str, int], Spent]:
    """Add up what was paid: (dataset, calendar year) -> sum."""
    sums: dict[tuple[str, int], Spent] = {}
    for entry in entries:
        if entry.kind == DEBITED:
            whose = (entry.subject, int(entry.details["year"]))
            paid = sums.get(whose, Spent())
            sums[whose] = paid.more(epsilon=entry.details["epsilon"], delta=entry.details["delta"])
    return sums


def require(
    budget: Budget, before: Spent, *, dataset: str, year: int, name: str, epsilon: float, delta: float
) -> None:
    """
    Refuse an answer that the budget of the year does not cover.

    Raises
    ------
    Refused
        ``budget.overspent``, with what is left.
    """
    if before.more(epsilon=epsilon, delta=delta).within(budget):
        return
    left = float(max(exact(budget.epsilon) - before.epsilon, Fraction(0)))
    more = f", δ {delta:g}" if delta else ""
    left_delta = float(max(exact(budget.delta) - before.delta, Fraction(0)))
    rest = f"{left:g}" + (f", δ {left_delta:g}" if delta else "")
    raise Refused(
        "budget.overspent",
        Text(
            de=f"{name} kostet ε {epsilon:g}{more}; vom Budget {year} von {dataset} ist noch ε {rest} übrig.",
            en=f"{name} costs ε {epsilon:g}{more}; of the budget {year} of {dataset}, ε {rest} is left.",
        ),
        why=Text(
            de="Jede Antwort verrät ein wenig über jede Person, und das summiert sich; das Jahr hat eine Grenze.",
            en="Every answer tells a little about every person, and it adds up; the year has a limit.",
        ),
        remedy=Text(
            de="Fragen Sie mit kleinerem epsilon:, verwenden Sie eine frühere Antwort, oder warten Sie auf das "
            "nächste Jahr. stadtbuch book budget zeigt, was verbraucht ist.",
            en="Ask with a smaller epsilon:, use an earlier answer, or wait for the next year. "
            "stadtbuch book budget shows what is spent.",
        ),
    )


def lost(*, dataset: str, year: int) -> Refused:
    """Say that nobody knows what was spent, because entries of the book are lost."""
    return Refused(
        "budget.unknown",
        Text(
            de=f"Wie viel vom Budget {year} von {dataset} verbraucht ist, weiß niemand mehr.",
            en=f"Nobody knows any more how much of the budget {year} of {dataset} is spent.",
        ),
        why=Text(
            de="In diesem Jahr gingen Einträge des Buchs verloren; eine Wiederherstellung füllt kein Budget auf.",
            en="Entries of the book were lost in this year; a restore refills no budget.",
        ),
        remedy=Text(
            de="Frühere Antworten gelten weiter. Neue gibt es im nächsten Kalenderjahr.",
            en="Earlier answers stay valid. There are new ones in the next calendar year.",
        ),
    )
