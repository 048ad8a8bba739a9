"""
Every table that leaves is remembered, and a new one is tested with all of them (`privacy.history`).

``var/disclosure/`` holds for each table that was ever public what equations need: predicates and published numbers,
by content; and one line in ``releases.jsonl`` for each edition that told it. That stays when an edition is withdrawn,
deleted or its content removed: what readers may have copied they can still subtract.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stadtbuch import atomic
from stadtbuch.disclosure import released
from stadtbuch.errors import Refused
from stadtbuch.model.dataset import FieldType
from stadtbuch.model.report import Edition
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.reports import editions
from stadtbuch.session.city import City
from stadtbuch.state import State
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from stadtbuch.disclosure.history import Exposure, Release

RULE = "privacy.differencing"
INDEX = "releases.jsonl"
FORMAT = 1
MOST_NAMED = 5
"""How many earlier releases a finding names; a table that needs more to be told apart is rare."""

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Base:
    """What can be subtracted from each other: tables of one dataset that measure the same."""

    dataset: str
    measure: str

    @classmethod
    def of(cls, record: Record) -> Base:
        """Give the base of a table."""
        told = {
            name: one for name, one in record.get("measure", {}).items() if name in ("count", "sum", "weight")
        }
        return cls(str(record["dataset"]), json.dumps(told, sort_keys=True))


@dataclass(frozen=True)
class Told:
    """One table in one edition: what it is called, which content it has, and what it was tested with."""

    edition: str
    table: str
    base: Base
    content: str
    at: str
    tested: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Give what findings call it."""
        return f"{self.edition} ({self.table})"

    def line(self) -> str:
        """Give it as one line of JSON."""
        told = {
            "format": FORMAT,
            "edition": self.edition,
            "table": self.table,
            "dataset": self.base.dataset,
            "measure": self.base.measure,
            "content": self.content,
            "at": self.at,
            "tested": dict(self.tested),
        }
        return json.dumps(told, ensure_ascii=False)

    @classmethod
    def read(cls, line: str) -> Told:
        """Read it back."""
        told = json.loads(line)
        base = Base(told["dataset"], told["measure"])
        return cls(told["edition"], told["table"], base, told["content"], told["at"], told["tested"])


@dataclass
class Beside:
    """Tables that one build would release, in their order; those that were accepted count as told already."""

    accepted: dict[Base, dict[str, Release]] = field(default_factory=dict)

    def take(self, base: Base, digest: str, release: Release) -> None:
        """Count a table as told."""
        self.accepted.setdefault(base, {}).setdefault(digest, release)


# ---- what was told ------------------------------------------------------------------------------------


def told(state: State) -> list[Told]:
    """Give every table of every edition that was ever released, in their order."""
    index = state.folder("disclosure") / INDEX
    if not index.exists():
        _take_over(state, index)
    found = index.stat()
    return list(_read(index, (found.st_mtime_ns, found.st_size)))


@lru_cache(maxsize=4)  # asked for every table of every page
def _read(index: Path, stamp: tuple[int, int]) -> tuple[Told, ...]:
    return tuple(Told.read(line) for line in index.read_text(encoding="utf-8").splitlines())


def _take_over(state: State, index: Path) -> None:
    """Remember what an older library released: every table that is still in the archive."""
    found = sorted(editions.history(state), key=lambda one: one.edition.made_at)
    lines = []
    for archived in found:
        paths = [file.path for file in archived.edition.files if (archived.folder / file.path).is_file()]
        files = {path: (archived.folder / path).read_bytes() for path in paths if _may_be_table(path)}
        for record in tables(files):
            moment = _moment(archived.edition)
            lines.append(
                Told(archived.edition.id, record["name"], Base.of(record), _put(state, record), moment)
            )
    atomic.write(index, "".join(f"{one.line()}\n" for one in lines).encode(), mode=0o600)


def tables(files: Mapping[str, bytes]) -> Iterator[Record]:
    """Give the records of the protected tables among the files of an edition."""
    for path in sorted(files):
        if _may_be_table(path):
            record = json.loads(files[path])
            if isinstance(record, Mapping) and record.get("kind") == released.TABLE:
                yield record


def _may_be_table(path: str) -> bool:
    return path.startswith("data/") and path.endswith(".json") and not path.endswith("datapackage.json")


def _moment(edition: Edition) -> str:
    return edition.made_at.isoformat()


def _content(record: Record) -> tuple[Release, bytes]:
    """Give a table as equations, and the bytes by which it is told from others."""
    from stadtbuch.disclosure.history import Release  # noqa: PLC0415 - the solver; most commands need none

    release = Release.of(str(record["name"]), record)
    return release, json.dumps(release.content, ensure_ascii=False, separators=(",", ":")).encode()


def _put(state: State, record: Record) -> str:
    """Keep the equations of a table, once; give their checksum."""
    _, data = _content(record)
    digest = atomic.digest(data)
    path = state.folder("disclosure") / f"{digest}.json"
    if not path.exists():
        atomic.write(path, data, mode=0o600)
    return digest


def _get(state: State, one: Told) -> Release:
    from stadtbuch.disclosure.history import Release  # noqa: PLC0415 - as in `_content`

    data = (state.folder("disclosure") / f"{one.content}.json").read_bytes()
    if atomic.digest(data) != one.content:
        raise ValueError("what was released is not kept as it was")
    return Release.read(one.name, json.loads(data))


def _first_told(state: State, base: Base) -> dict[str, Told]:
    """Give the tables of one base by their content, each as it was told first."""
    found: dict[str, Told] = {}
    for one in told(state):
        if one.base == base:
            found.setdefault(one.content, one)
    return found


# ---- a new one ----------------------------------------------------------------------------------------


def judged(
    city: City, made: Mapping[str, Record], beside: Beside, *, report: str = ""
) -> tuple[list[Finding], dict[str, Record]]:
    """
    Test the protected tables of a preparing run with everything that was released, and with each other.

    A table that would expose somebody is repaired where that is possible: more of it is withheld, never its total.

    Parameters
    ----------
    made
        Records by name.
    beside
        What the same build would release besides; tables that pass are added.
    report
        The report that releases them: what it withheld for earlier tables once, it withholds again.

    Returns
    -------
    tuple
        Findings, and the records as they may be released.

    Raises
    ------
    ValueError
        If what was released cannot be read, or the numbers of a table contradict each other.
    SourceError
        If an open dataset that says how columns hang together is away.
    """
    found: list[Finding] = []
    kept = dict(made)
    for name, record in made.items():
        if record.get("kind") == released.TABLE:
            kept[name] = _carried(city.state, record, report)
            found += _judged(city, name, kept, beside)
    return found, kept


def _judged(city: City, name: str, kept: dict[str, Record], beside: Beside) -> Iterator[Finding]:
    """Test one table, and repair it in its place."""
    record, base = kept[name], Base.of(kept[name])
    found, release, digest = _tested(city, record, beside.accepted.get(base, {}))
    if found is None:
        yield _too_fine(name, base.dataset)
        return
    if found.atoms:
        again = _repaired(city, record, beside.accepted.get(base, {}))
        if again is None:
            yield _exposed(name, base.dataset, found)
            return
        more = sum(one is None for one in again) - release.hidden
        kept[name] = _withholding(record, again)
        release, data = _content(kept[name])
        digest = atomic.digest(data)
        yield _withheld(name, found, more)
    beside.take(base, digest, replace(release, id=name))


def _carried(state: State, record: Record, report: str) -> Record:
    """Give a table as its report released it last, if that only withheld more of the same numbers."""
    own = [
        one
        for one in told(state)
        if one.table == record["name"] and one.base == Base.of(record) and _report(one) == report
    ]
    if not own:
        return record
    release, before = _content(record)[0], _get(state, own[-1])
    same = (release.columns, release.choices, release.cells.tolist()) == (
        before.columns,
        before.choices,
        before.cells.tolist(),
    )
    fewer = all(last in (None, now) for last, now in zip(before.values, release.values, strict=False))
    return _withholding(record, before.values) if same and fewer else record


def _report(one: Told) -> str:
    return one.edition.partition("@")[0].partition("/")[0]


def _repaired(city: City, record: Record, beside: Mapping[str, Release]) -> tuple[int | None, ...] | None:
    """Give the numbers that may be released; None if more than that would have to be withheld."""
    from stadtbuch.disclosure import history, repair  # noqa: PLC0415 - as in `_content`

    release, _ = _content(record)
    before = _first_told(city.state, Base.of(record))
    near = history.related(release, [*(_get(city.state, one) for one in before.values()), *beside.values()])
    total = [at for at, cell in enumerate(record["cells"]) if not any(cell["labels"])]
    made = repair.repaired(release, near, together=_together(city, [release, *near]), kept=total)
    return None if made is None else made.values


def _withholding(record: Record, values: Sequence[int | None]) -> Record:
    """Give a record in which more is withheld."""
    from stadtbuch.disclosure.tables import HIDDEN  # noqa: PLC0415 - as in `_content`

    cells = [
        {**cell, "value": None, "mark": HIDDEN} if value is None else cell
        for cell, value in zip(record["cells"], values, strict=True)
    ]
    return {**record, "cells": cells}


def withholds_more(published: Record, fresh: Record) -> bool:
    """Say whether a published table is a fresh one of which more was withheld for the sake of earlier tables."""
    values = [cell["value"] for cell in published["cells"]]
    return len(values) == len(fresh["cells"]) and _withholding(fresh, values) == dict(published)


def _tested(
    city: City, record: Record, beside: Mapping[str, Release]
) -> tuple[Exposure | None, Release, str]:
    """Test one table; what is public already tells nothing new. None if it is too fine for a test."""
    from stadtbuch.disclosure import history  # noqa: PLC0415 - as in `_content`

    release, data = _content(record)
    digest, base = atomic.digest(data), Base.of(record)
    before = _first_told(city.state, base)
    if digest in before or digest in beside:
        return history.Exposure(), release, digest

    def test() -> Exposure | None:
        earlier = [*(_get(city.state, one) for one in before.values()), *beside.values()]
        near = history.related(release, earlier)
        try:
            return history.exposure(release, near, together=_together(city, [release, *near]))
        except history.TooFineError:
            return None

    return city.once(f"differencing {digest} {sorted({*before, *beside})}", test), release, digest


def _together(city: City, releases: Iterable[Release]) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Find which codes of two columns occur together: open datasets with one line per area (or another key) say so."""
    columns = sorted({column for one in releases for column in one.columns})
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for dataset in city.catalog.datasets.values():
        keyed = dataset.is_open and len(dataset.table.primary_key) == 1
        own = [
            name
            for name in columns
            if keyed and name in dataset.table.names and _is_code(dataset.table.column(name))
        ]
        if len(own) > 1:
            frame = city.source(dataset.id).frame[own].dropna().astype("str").drop_duplicates()
            for one, other in permutations(own, 2):
                if one < other:
                    found.setdefault((one, other), set()).update(zip(frame[one], frame[other], strict=True))
    return found


def _is_code(column: Any) -> bool:
    return column.type in (FieldType.code, FieldType.string)


# ---- a release ----------------------------------------------------------------------------------------


def require_safe(city: City, made: Sequence[Mapping[str, bytes]]) -> None:
    """
    Refuse to release editions whose tables tell too much together with what was released since they were judged.

    Parameters
    ----------
    made
        The files of each edition, in the order in which they would be released.

    Raises
    ------
    Refused
        ``privacy.differencing``.
    """
    beside = Beside()
    for files in made:
        for record in tables(files):
            _require(city, record, beside)


def _require(city: City, record: Record, beside: Beside) -> Told:
    """Refuse a table that tells too much; say what it was tested with."""
    base, name = Base.of(record), str(record["name"])
    before, own = _first_told(city.state, base), beside.accepted.get(base, {})
    found, release, digest = _tested(city, record, own)
    if found is None or found.atoms:
        said = _too_fine(name, base.dataset) if found is None else _exposed(name, base.dataset, found)
        raise Refused(said.rule, said.text, remedy=said.remedy)
    beside.take(base, digest, replace(release, id=name))
    tested = {"releases": len(before) + len(own), "sets": found.checked, "exposed": found.atoms}
    return Told("", name, base, digest, "", before[digest].tested if digest in before else tested)


def remember(city: City, edition: Edition, files: Mapping[str, bytes]) -> None:
    """
    Remember the tables of an edition, just before it is released; an edition that is taken back stays remembered.

    Only under the lock of a build.

    Raises
    ------
    Refused
        As `require_safe`.
    """
    beside = Beside()
    known, lines = {(one.edition, one.table, one.content) for one in told(city.state)}, []
    for record in tables(files):
        one = replace(_require(city, record, beside), edition=edition.id, at=_moment(edition))
        _put(city.state, record)
        if (one.edition, one.table, one.content) not in known:
            lines.append(f"{one.line()}\n")
    if lines:
        index = city.state.folder("disclosure") / INDEX
        atomic.write(index, index.read_bytes() + "".join(lines).encode(), mode=0o600)


def listing(state: State, report: str | None = None) -> list[dict[str, Any]]:
    """
    Say which tables of which dataset are public knowledge, and what each was tested with; numbers of cells only.

    Parameters
    ----------
    report
        Only tables that this report released.
    """
    found: dict[str, list[Told]] = {}
    for one in told(state):
        if report in (None, _report(one)):
            found.setdefault(one.content, []).append(one)
    return [
        _listed(state, same)
        for same in sorted(found.values(), key=lambda own: (own[0].base.dataset, own[0].at))
    ]


def _listed(state: State, same: Sequence[Told]) -> dict[str, Any]:
    first = same[0]
    release = _get(state, first)
    exposed = first.tested.get("exposed")
    return {
        "dataset": first.base.dataset,
        "table": first.table,
        "measure": json.loads(first.base.measure),
        "editions": [one.edition for one in same],
        "first": first.at,
        "cells": len(release.values),
        "withheld": release.hidden,
        "min_count": release.min_count,
        "tested_with": first.tested.get("releases"),
        "sets": first.tested.get("sets"),
        "exposed": exposed,
        "grade": None if exposed is None else "none" if exposed else "U",
    }


# ---- what is said -------------------------------------------------------------------------------------


def _exposed(name: str, dataset: str, found: Exposure) -> Finding:
    named = ", ".join(found.with_[:MOST_NAMED]) + (", …" if len(found.with_) > MOST_NAMED else "")
    with_ = (
        Text(de=f"zusammen mit {named}", en=f"together with {named}")
        if named
        else Text(de="schon allein", en="by itself")
    )
    return _refuse(
        name,
        Text(
            de=f"Die Tabelle {name} aus {dataset} verriete {with_.de} kleine Gruppen: {found.atoms}, davon "
            f"{found.exact} genau.",
            en=f"The table {name} of {dataset} would tell of small groups {with_.en}: {found.atoms}, {found.exact} "
            f"of them exactly.",
        ),
        Text(
            de="Was veröffentlicht ist, bleibt bekannt; ändern lässt sich nur die neue Tabelle. Nehmen Sie dieselben "
            "Gruppen wie früher oder gröbere. Tabellen desselben Berichts schützt ein gemeinsamer Aufruf von "
            "sb.protect (docs/how-to/differencing.md).",
            en="What was published stays known; only the new table can change. Take the same groups as before, or "
            "coarser ones. Tables of one report are protected together by one call of sb.protect "
            "(docs/how-to/differencing.md).",
        ),
    )


def _withheld(name: str, found: Exposure, more: int) -> Finding:
    named = ", ".join(found.with_[:MOST_NAMED])
    return Finding(
        rule=RULE,
        severity=Severity.note,
        subject=name,
        text=Text(
            de=f"In der Tabelle {name} sind {more} Felder mehr geheim gehalten, weil sie zusammen mit {named} kleine "
            "Gruppen verraten hätten.",
            en=f"In the table {name} {more} more cells are withheld: together with {named} they would have told of "
            "small groups.",
        ),
        remedy=Text(
            de="Mit denselben Gruppen wie in der früheren Tabelle bliebe mehr sichtbar.",
            en="With the same groups as in the earlier table more would stay visible.",
        ),
    )


def _too_fine(name: str, dataset: str) -> Finding:
    return _refuse(
        name,
        Text(
            de=f"Die Tabelle {name} und frühere aus {dataset} schneiden die Merkmale so verschieden, dass sie "
            "sich nicht gemeinsam prüfen lassen.",
            en=f"The table {name} and earlier ones of {dataset} cut the variables in so many ways that they "
            "cannot be tested together.",
        ),
        Text(
            de="Nehmen Sie weniger Merkmale oder dieselben Gruppen wie in den früheren Tabellen.",
            en="Take fewer variables, or the same groups as in the earlier tables.",
        ),
    )


def _refuse(name: str, said: Text, remedy: Text) -> Finding:
    return Finding(rule=RULE, severity=Severity.refuse, subject=name, text=said, remedy=remedy)
