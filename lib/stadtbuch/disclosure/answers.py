"""
Answers with noise: numbers that were made uncertain on purpose, each with the interval that says how uncertain.

An `Answer` is all that leaves the city of a question. It holds no exact number; `questions` makes those, and
`session.noise` adds to them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from stadtbuch.disclosure.questions import Asked
from stadtbuch.errors import UsageError
from stadtbuch.texts import LANGUAGES, Text, decimal

KIND = "noisy-answer"
RECORD_FORMAT = 1
SURE = 0.95
"""How often the true number lies between the two ends."""
MARK = "·"
UNITS = {
    "person": Text(de="Person", en="person"),
    "household": Text(de="Haushalt", en="household"),
    "company": Text(de="Unternehmen", en="company"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One number with noise; `value` is None where a mean rests on too few rows to say anything."""

    labels: tuple[str, ...]
    value: float | int | None
    at_least: float | int | None
    at_most: float | int | None


@dataclass(frozen=True)
class Answer:
    """
    A question's answer that may be published.

    Attributes
    ----------
    title
        What the numbers are, in both languages.
    variables
        The columns that tell the cells apart.
    of
        The column of a sum, mean or histogram.
    epsilon, delta
        What the answer cost of the dataset's budget of `year`.
    mechanism
        From which distribution the noise was drawn.
    where
        The conditions that hold for all rows that were asked about.
    """

    name: str
    title: Text
    dataset: str
    unit: str
    ask: str
    by: tuple[str, ...]
    of: str | None
    bounds: tuple[float, float] | None
    most_rows: int
    epsilon: float
    delta: float
    year: int
    mechanism: str
    numbers: tuple[Cell, ...]
    where: tuple[Mapping[str, Any], ...] = ()

    @property
    def variables(self) -> tuple[str, ...]:
        """Give the names of the columns before the numbers."""
        return (f"{self.of}_group",) if self.ask == "histogram" else self.by

    @property
    def frame(self) -> pd.DataFrame:
        """
        Give the answer in long form: one column per variable, ``value``, ``at_least``, ``at_most``.

        Counts can be below zero: what would be cut off there would make sums of several groups too large.
        """
        kind = "Float64" if self.ask in ("sum", "mean") else "Int64"
        content: dict[str, Any] = {
            name: pd.array([one.labels[at] for one in self.numbers], dtype="str")
            for at, name in enumerate(self.variables)
        }
        for column in ("value", "at_least", "at_most"):
            content[column] = pd.array([getattr(one, column) for one in self.numbers], dtype=kind)
        return pd.DataFrame(content)

    @property
    def legend(self) -> Text:
        """Say in plain words what was done to the numbers, and what that protects."""
        return Text(**{language: " ".join(self._sentences(language)) for language in LANGUAGES})

    def _sentences(self, language: str) -> list[str]:
        unit = UNITS[self.unit].pick(language)
        epsilon, factor = (
            decimal(self.epsilon, language, places=2),
            decimal(math.exp(self.epsilon), language, places=2),
        )
        said = [
            Text(
                de="Geschätzt: Zu jeder Zahl ist mit Absicht ein Zufallswert addiert; in 95 von 100 Fällen liegt die "
                "wahre Zahl zwischen den beiden Grenzen.",
                en="Estimated: a random value was added to each number on purpose; in 95 of 100 cases the true number "
                "lies between the two ends.",
            ).pick(language),
            Text(
                de=f"Ob eine einzelne Einheit ({unit}) in den Daten steht, ändert die Wahrscheinlichkeit keines "
                f"Ergebnisses um mehr als das {factor}-Fache (ε = {epsilon}{self._delta(language)}).",
                en=f"Whether one single {unit} is in the data changes the probability of no result by more than "
                f"{factor} times (ε = {epsilon}{self._delta(language)}).",
            ).pick(language),
        ]
        if self.bounds:
            low, high = (decimal(one, language, places=0 if one.is_integer() else 2) for one in self.bounds)
            said.append(
                Text(
                    de=f"Werte unter {low} und über {high} zählen als diese Grenzen.",
                    en=f"Values below {low} and above {high} count as these bounds.",
                ).pick(language)
            )
        if self.most_rows > 1:
            said.append(
                Text(
                    de=f"Von jeder Einheit ({unit}) zählen höchstens {self.most_rows} Zeilen.",
                    en=f"Of each {unit} at most {self.most_rows} rows count.",
                ).pick(language)
            )
        return said

    def _delta(self, language: str) -> str:
        if not self.delta:
            return ""
        word = Text(de="mit Ausnahme einer Wahrscheinlichkeit von", en="but for a probability of").pick(
            language
        )
        return f"; {word} δ = {self.delta:g}"

    def to_record(self) -> dict[str, Any]:
        """Give the public record, as JSON can hold it."""
        return {
            "format": RECORD_FORMAT,
            "kind": KIND,
            "name": self.name,
            "title": self.title.as_dict(),
            "dataset": self.dataset,
            "unit": self.unit,
            "ask": self.ask,
            "by": list(self.by),
            "of": self.of,
            "bounds": list(self.bounds) if self.bounds else None,
            "most_rows": self.most_rows,
            "epsilon": self.epsilon,
            "delta": self.delta,
            "year": self.year,
            "mechanism": self.mechanism,
            "sure": SURE,
            "legend": self.legend.as_dict(),
            "where": [dict(one) for one in self.where],
            "numbers": [
                {
                    "labels": list(one.labels),
                    "value": one.value,
                    "at_least": one.at_least,
                    "at_most": one.at_most,
                }
                for one in self.numbers
            ],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Answer:
        """
        Read an answer back from its public record.

        Raises
        ------
        UsageError
            ``private.record`` if it is none, or one of a newer format.
        """
        try:
            if record["format"] != RECORD_FORMAT or record["kind"] != KIND:
                raise _not_a_record()
            return cls(
                name=str(record["name"]),
                title=Text(**record["title"]),
                dataset=str(record["dataset"]),
                unit=str(record["unit"]),
                ask=str(record["ask"]),
                by=tuple(record["by"]),
                of=record["of"],
                bounds=tuple(map(float, record["bounds"])) if record["bounds"] else None,  # type: ignore[arg-type]
                most_rows=int(record["most_rows"]),
                epsilon=float(record["epsilon"]),
                delta=float(record["delta"]),
                year=int(record["year"]),
                mechanism=str(record["mechanism"]),
                numbers=tuple(
                    Cell(tuple(one["labels"]), one["value"], one["at_least"], one["at_most"])
                    for one in record["numbers"]
                ),
                where=tuple(dict(one) for one in record["where"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise _not_a_record() from None

    def _repr_html_(self) -> str:
        """Show the answer in the lab, with its words."""
        return f"{self.frame.to_html(index=False)}<p>{escape(self.legend.de)}</p>"


def counts(asked: Asked, noisy: Sequence[int], *, within: float) -> tuple[Cell, ...]:
    """
    Give counts with their ends.

    Parameters
    ----------
    within
        How far the true number is away at most, in `SURE` of all draws.
    """
    reach = math.floor(within)
    pairs = zip(asked.cells, noisy, strict=True)
    return tuple(Cell(labels, one, max(0, one - reach), max(0, one + reach)) for labels, one in pairs)


def sums(asked: Asked, noisy: Sequence[int], *, within: float) -> tuple[Cell, ...]:
    """Give sums in the unit of the column, with their ends."""
    return tuple(
        Cell(labels, *(_rounded(end * asked.step) for end in (one, one - within, one + within)))
        for labels, one in zip(asked.cells, noisy, strict=True)
    )


def means(
    asked: Asked, sums: Sequence[int], sizes: Sequence[int], *, within: float, within_sizes: float
) -> tuple[Cell, ...]:
    """
    Give means from noisy sums (of distances from the middle) and noisy sizes.

    `within` and `within_sizes` hold together in `SURE` of all draws. Where even the size may be none, there is no mean.
    """
    made = zip(asked.cells, sums, sizes, strict=True)
    return tuple(_mean(asked, *one, within=within, within_sizes=within_sizes) for one in made)


def _mean(
    asked: Asked, labels: tuple[str, ...], total: int, size: int, *, within: float, within_sizes: float
) -> Cell:
    fewest, most = size - within_sizes, size + within_sizes
    if fewest < 1:
        return Cell(labels, None, None, None)
    ends = [(total + sign * within) / rows for sign in (-1, 1) for rows in (fewest, most)]
    low, high = asked.question.bounds or (0.0, 0.0)
    told = (asked.middle + one * asked.step for one in (total / size, min(ends), max(ends)))
    return Cell(labels, *(_rounded(min(max(one, low), high)) for one in told))


def _rounded(number: float) -> float:
    """Write as many digits as noise leaves: two decimals."""
    return round(float(number), 2)


def _not_a_record() -> UsageError:
    return UsageError(
        "private.record",
        Text(de="Das ist keine Antwort mit Rauschen.", en="This is no answer with noise."),
        remedy=Text(
            de='Nehmen Sie, was city.load("private.<name>") gibt.',
            en='Use what city.load("private.<name>") gives.',
        ),
    )
