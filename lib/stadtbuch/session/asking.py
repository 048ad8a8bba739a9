"""
Asking with noise: first the budget is debited, then the answer is drawn, and an answer is kept for good.

The entry in the book comes before the noise, and nothing ever takes it back: whoever is killed in between has paid.
A question that was answered before, about the same data, gets the same answer and costs nothing: a second draw would
tell more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stadtbuch import atomic
from stadtbuch.book import standing
from stadtbuch.book.ledger import Reader, canonical
from stadtbuch.disclosure import answers, budget, questions
from stadtbuch.disclosure.answers import Answer
from stadtbuch.disclosure.questions import Asked
from stadtbuch.model.analysis import Question
from stadtbuch.model.dataset import Budget, Dataset
from stadtbuch.session import noise
from stadtbuch.session.snapshots import Snapshot, conditions
from stadtbuch.store import read_frame

if TYPE_CHECKING:
    from stadtbuch.session.city import City

PREFIX = "private."
Ask = Callable[..., Mapping[str, Any]]


def answer(
    city: City, name: str, question: Question, *, purpose: str | None, role: str | None = None
) -> Mapping[str, Any]:
    """
    Answer a question: from what was answered before, or paid from the dataset's budget of the year.

    Parameters
    ----------
    name
        What the manifest calls it.
    purpose, role
        As for `City.snapshot`: who may not read the rows may not ask either.

    Returns
    -------
    Mapping
        The public record, see `privacy.answers.Answer`.

    Raises
    ------
    Refused
        ``budget.none``, ``budget.overspent``, ``budget.unknown``, ``private.unit`` or ``private.column``;
        ``book.behind`` and the like if the book is an older copy.
    UsageError, AccessDenied, SourceError
        As `questions.read`, `City.snapshot`; ``private.missing``.
    """
    asked, decided, snapshot = _prepared(city, name, question, purpose=purpose, role=role)
    path = _place(city, _digest(asked, snapshot))
    known = _known(path)
    if known is not None:
        return _named(known, asked)
    with atomic.queue(
        path.with_suffix(".lock")
    ):  # who asks the same at the same time waits, and gets the same
        known = _known(path)
        if known is not None:
            return _named(known, asked)
        noise.require()
        standing.require_current(city.book, city.settings.folder("public"))
        debit(city, asked, decided, key=path.stem)
        record = draw(asked, snapshot, year=year(city)).to_record()
        atomic.write(path, canonical(record).encode(), mode=0o600)
    return record


def foreseen(
    city: City, name: str, question: Question, *, purpose: str | None, role: str | None = None
) -> Mapping[str, Any]:
    """
    Give the answer that there is, or one without numbers: for plans that must not spend anything.

    Raises
    ------
    Refused, UsageError, AccessDenied, SourceError
        As `answer`, also where the budget would not cover it.
    """
    asked, decided, snapshot = _prepared(city, name, question, purpose=purpose, role=role)
    known = _known(_place(city, _digest(asked, snapshot)))
    if known is not None:
        return _named(known, asked)
    _require(city, asked, decided, city.book.entries)
    return _made(asked, snapshot.dataset, snapshot, (), year=year(city), mechanism="").to_record()


def debit(city: City, asked: Asked, decided: Budget, *, key: str) -> None:
    """
    Pay for an answer: look at the budget and enter the debit in one step that no other process can get between.

    Raises
    ------
    Refused
        ``budget.overspent``, ``budget.unknown``.
    """
    question = asked.question
    city.book.append(
        budget.DEBITED,
        subject=question.dataset,
        actor=city.actor,
        now=city.now,
        details={
            "year": year(city),
            "epsilon": question.epsilon,
            "delta": question.delta,
            "question": key,
            "name": asked.name,
            "ask": question.ask,
        },
        given=lambda entries: _require(city, asked, decided, entries),
    )


def draw(asked: Asked, snapshot: Snapshot, *, year: int) -> Answer:
    """Draw the answer to a question that was paid for."""
    question = asked.question
    frame = questions.counted(read_frame(snapshot.data), asked)
    numbers, mechanism = _DRAWN[question.ask](frame, asked)
    return _made(asked, snapshot.dataset, snapshot, numbers, year=year, mechanism=mechanism)


def year(city: City) -> int:
    """Give the calendar year whose budget pays: of the clock, whatever moment a command was told."""
    return (city.clock or city.now).astimezone(city.settings.city.zone).year


def _prepared(
    city: City, name: str, question: Question, *, purpose: str | None, role: str | None
) -> tuple[Asked, Budget, Snapshot]:
    """Check the question, and read what it is about: only the columns that it needs."""
    dataset = city.dataset(question.dataset)
    told = {column: _listed(city, one) for column, one in question.categories.items()}
    asked, decided = questions.read(name, question, dataset, categories=told)
    snapshot = city.snapshot(
        dataset.id, purpose=purpose, columns=asked.columns, rows=dict(question.rows), role=role
    )
    return asked, decided, snapshot


def _listed(city: City, given: Sequence[str] | str) -> Sequence[str]:
    return city.choices(given) if isinstance(given, str) else given


def _digest(asked: Asked, snapshot: Snapshot) -> str:
    """Name what an answer depends on: the data and the question, not what it is called."""
    told = asked.question.model_dump(mode="json", exclude={"title", "categories"})
    labels = {name: list(one) for name, one in asked.labels.items()}
    return sha256(
        canonical({"version": snapshot.version, "question": told, "labels": labels}).encode()
    ).hexdigest()


def _place(city: City, digest: str) -> Path:
    return city.state.folder("answers") / f"{digest}.json"


def _known(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _named(record: dict[str, Any], asked: Asked) -> dict[str, Any]:
    """Give an earlier answer under the name and title of today."""
    return record | {"name": asked.name, "title": asked.question.title.as_dict()}


def _require(city: City, asked: Asked, decided: Budget, entries: Reader) -> None:
    """Refuse what the budget does not cover, as the book stands."""
    question, now = asked.question, year(city)
    zone = city.settings.city.zone
    gaps = standing.acknowledgements(entries(standing.ACKNOWLEDGED))
    if any(one.at.astimezone(zone).year == now for one in gaps):
        raise budget.lost(dataset=question.dataset, year=now)
    budget.require(
        decided,
        budget.spent(entries(budget.DEBITED), dataset=question.dataset, year=now),
        dataset=question.dataset,
        year=now,
        name=asked.name,
        epsilon=question.epsilon,
        delta=question.delta,
    )


def _made(
    asked: Asked, dataset: Dataset, snapshot: Snapshot, numbers: Any, *, year: int, mechanism: str
) -> Answer:
    question = asked.question
    return Answer(
        name=asked.name,
        title=question.title,
        dataset=dataset.id,
        unit=dataset.privacy.unit,
        ask=question.ask,
        by=question.by,
        of=question.of,
        bounds=question.bounds,
        most_rows=question.most_rows,
        epsilon=question.epsilon,
        delta=question.delta,
        year=year,
        mechanism=mechanism,
        numbers=numbers,
        where=conditions(snapshot.rows),
    )


def _counts(frame: Any, asked: Asked) -> tuple[Any, str]:
    question = asked.question
    noisy = noise.added(
        questions.tallies(frame, asked),
        sensitivity=question.most_rows,
        epsilon=question.epsilon,
        delta=question.delta,
        sure=answers.SURE,
    )
    return answers.counts(asked, noisy.values, within=noisy.within), noisy.mechanism


def _sums(frame: Any, asked: Asked) -> tuple[Any, str]:
    question = asked.question
    noisy = noise.added(
        questions.sums(frame, asked),
        sensitivity=question.most_rows * asked.reach,
        epsilon=question.epsilon,
        delta=question.delta,
        sure=answers.SURE,
    )
    return answers.sums(asked, noisy.values, within=noisy.within), noisy.mechanism


def _means(frame: Any, asked: Asked) -> tuple[Any, str]:
    """Pay half for the sums and half for the sizes; both ends hold together."""
    question = asked.question
    half: dict[str, float] = {
        "epsilon": question.epsilon / 2,
        "delta": question.delta / 2,
        "sure": 1 - (1 - answers.SURE) / 2,
    }
    total = noise.added(questions.sums(frame, asked), sensitivity=question.most_rows * asked.reach, **half)
    size = noise.added(questions.tallies(frame, asked), sensitivity=question.most_rows, **half)
    made = answers.means(asked, total.values, size.values, within=total.within, within_sizes=size.within)
    return made, total.mechanism


_DRAWN = {"counts": _counts, "histogram": _counts, "sum": _sums, "mean": _means}
