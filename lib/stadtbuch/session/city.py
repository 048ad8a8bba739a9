"""
`City`: the door as the lab and the planner use it.

It joins what judges (`access`, `privacy`) with what holds (`catalog`, `store`, `book`): decide, read once,
minimise, record. A plain frame comes back.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

from stadtbuch import atomic
from stadtbuch import settings as _settings
from stadtbuch.access import minimise, policy
from stadtbuch.actors import who
from stadtbuch.book.ledger import Book
from stadtbuch.book.seal import Seal
from stadtbuch.catalog import index, versions
from stadtbuch.catalog.index import Catalog
from stadtbuch.catalog.licences import LICENCES
from stadtbuch.errors import AccessDenied, SourceError, UsageError
from stadtbuch.model.actor import Actor
from stadtbuch.model.analysis import Input, Manifest, Question
from stadtbuch.model.dataset import Dataset
from stadtbuch.session import merging
from stadtbuch.session.snapshots import (
    Kept,
    Snapshot,
    Source,
    described,
    extras_of,
    fill,
    origin,
    places_rules,
    units_repeat,
)
from stadtbuch.settings import environment
from stadtbuch.stamps import Memory
from stadtbuch.state import State
from stadtbuch.store import Store, frame_bytes, read_frame
from stadtbuch.texts import LANGUAGES, Text

SEED = 20260101
"""Where every run's randomness starts; the same in the lab, so that both give the same numbers."""

WATCHERS: list[Callable[[City, Snapshot], None]] = []
"""Told of every dataset that `City.load` hands out; the lab shows there what was loaded."""


@dataclass(frozen=True, slots=True)
class Declared:
    """
    What the notebook of this session declares about itself.

    `values` gives the parameters' values at the moment of asking: in a notebook they are variables that
    change.
    """

    manifest: Manifest
    values: Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, repr=False)
class City:
    """
    A city as one session sees it: one role, one moment, each source as it was at its first reading.

    Build it with `City.open`. To see data that arrived since, open it again.

    Attributes
    ----------
    now
        The moment of this session, UTC.
    declared
        The manifest of the session's notebook, if it has one.
    clock
        What the clock says, if a command was told another moment; UTC.
    memory
        What was worked out from files whose stamps are the same; saved by whoever opened the city.
    kept
        Dataset -> versions of snapshots that were given in this session because the source is missing.
    """

    settings: _settings.Settings
    state: State
    store: Store
    catalog: Catalog
    book: Book
    actor: Actor
    now: datetime
    declared: Declared | None = None
    clock: datetime | None = None
    memory: Memory = field(kw_only=True)
    kept: dict[str, set[str]] = field(default_factory=dict, kw_only=True)
    _sources: dict[str, Source] = field(default_factory=dict)
    _seen: dict[str, Snapshot] = field(default_factory=dict)
    _choices: dict[str, list[str]] = field(default_factory=dict)
    _recorded: set[tuple[Any, ...]] = field(default_factory=set)
    _worked_out: dict[str, Any] = field(default_factory=dict)
    _made: dict[tuple[Any, ...], Snapshot] = field(default_factory=dict)

    seed = SEED
    languages = LANGUAGES

    @classmethod
    def open(
        cls,
        settings: _settings.Settings,
        *,
        now: datetime,
        as_role: str | None = None,
        login: str | None = None,
        declared: Declared | None = None,
        clock: datetime | None = None,
        rehash: bool = False,
    ) -> City:
        """
        Open a city: its catalogue, its state and the role in which is asked.

        Parameters
        ----------
        settings
            From `stadtbuch.settings.read`.
        now
            The moment that counts for grants and goes into the book; with a time zone.
        as_role
            One of one's own roles; without it, the first.
        login
            Whose roles count; without it, the operating system's login.
        declared
            The manifest of the notebook that asks.
        clock
            What the clock says, where `now` was told: what is locked until a day stays locked until it is reached.
        rehash
            Believe no stamp of a file: look at every content again.

        Raises
        ------
        CatalogError
            With every mistake in the catalogue's files.
        StateError
            If the state folder cannot be used.
        AccessDenied
            If the role is not one's own.
        """
        catalog = index.load(settings)
        state = State.open(settings.folder("state"))
        return cls(
            settings=settings,
            state=state,
            store=Store(state.folder("store")),
            catalog=catalog,
            book=Book(state.root / "book.sqlite", key=state.key),
            actor=who(settings.root, as_role=as_role, login=login),
            now=now,
            declared=declared,
            clock=clock,
            memory=Memory(state.folder("cache") / "stamps.json", rehash=rehash),
        )

    def declaring(self, declared: Declared) -> City:
        """Give the same session for a notebook that declares something."""
        return replace(self, declared=declared)

    def __repr__(self) -> str:
        return f"City({self.settings.city.name}, {self.actor.role}, {len(self.catalog.datasets)} datasets)"

    @property
    def today(self) -> date:
        """Give the day in the city's time zone."""
        return self.now.astimezone(self.settings.city.zone).date()

    @property
    def seal(self) -> Seal:
        """Give the seal that signs the book."""
        return Seal.of(self.book, self.state, self.settings)

    @property
    def reached(self) -> date:
        """Give the day that was really reached: today, but no day to come, whatever a command was told."""
        last = self.now if self.clock is None else min(self.now, self.clock)
        return last.astimezone(self.settings.city.zone).date()

    @property
    def parameters(self) -> dict[str, Any]:
        """Give the parameters' values of the session's notebook."""
        return dict(self.declared.values()) if self.declared else {}

    def load(
        self,
        dataset: str,
        purpose: str | None = None,
        columns: Sequence[str] | None = None,
        rows: Mapping[str, Any] | None = None,
    ) -> Any:
        """
        Load a dataset: decide, read, minimise, record.

        What is not stated comes from the notebook's manifest, so that the line is the same here and in a run.

        Parameters
        ----------
        dataset
            Id, ``"population.residents"``, a table that a report released, ``"<report>.<table>"``, or a question of
            the notebook's manifest, ``"private.<name>"``.
        purpose
            Why; needed for everything that is not open.
        columns
            Which columns; without it, all that the purpose may read.
        rows
            Column -> value or list of values that rows must have.

        Returns
        -------
        pandas.DataFrame or geopandas.GeoDataFrame or ProtectedTable or ProtectedPlaces
            A plain frame: one row per record, columns in the order of the catalogue, a fresh index; or, for
            what a report released, the protected table or places. Identifiers arrive as pseudonyms.

        Raises
        ------
        AccessDenied
            If role, purpose or a column is not allowed; it says what to write.
        UsageError
            ``catalog.unknown-dataset``, with what could have been meant.
        SourceError
            If the source is missing or cannot be read.
        """
        if dataset not in self.catalog.datasets and self.declared is not None:
            question = self.declared.manifest.private.get(dataset.removeprefix("private."))
            if question is not None:
                return self._answer(dataset.removeprefix("private."), question)
        if dataset not in self.catalog.datasets and self.derived(dataset) is not None:
            return self._table(dataset)
        asked = self._asked(dataset, purpose=purpose, columns=columns, rows=rows)
        snapshot = self.snapshot(dataset, **asked)
        self._seen[dataset] = snapshot
        for tell in WATCHERS:
            tell(self, snapshot)
        frame = read_frame(snapshot.data)
        frame.attrs["stadtbuch"] = {"dataset": dataset, "class": str(snapshot.dataset.access_class)}
        return frame

    def merge(
        self, left: Any, right: Any, on: str | Sequence[str] | None = None, how: merging.How = "inner"
    ) -> Any:
        """
        Join two tables, and say early if the join tells people apart who were not told apart before.

        Parameters
        ----------
        left, right
            Frames that `load` gave, or what was made of them.
        on
            Columns that both have; without it, all of them.
        how
            As pandas has it.

        Returns
        -------
        pandas.DataFrame
            The join; ``attrs["stadtbuch"]`` holds the measured k and the columns that tell something.

        Warns
        -----
        UserWarning
            ``privacy.merge`` with the columns, never a value. In a run of open data it is an error, and the gate
            measures once more.

        Raises
        ------
        UsageError
            ``merge.columns`` if there is nothing to join by.
        """
        made, finding = merging.merge(left, right, on=on, how=how, inputs=self.facts()["inputs"])
        if finding is not None:
            warnings.warn(merging.refused(finding).render(environment().language), stacklevel=2)
        return made

    def snapshot(
        self,
        dataset: str,
        *,
        purpose: str | None,
        columns: Sequence[str] | None = None,
        rows: Mapping[str, Any] | None = None,
        role: str | None = None,
        kept: Kept | None = None,
    ) -> Snapshot:
        """
        Make the snapshot that a role may see of a dataset for a purpose, and record that it was read.

        Parameters
        ----------
        role
            In which role is asked; without it, the session's.
        kept
            What an earlier run saw: it is given if the source is missing and the same may be seen today.

        Raises
        ------
        AccessDenied, UsageError, SourceError
            As `load`.
        """
        described_by = self.dataset(dataset)
        acting = self._acting(role)
        decision = policy.decide(
            described_by, role=acting.role, purpose=purpose, columns=columns, now=self.today
        )
        if not decision.allowed:
            raise policy.denied(described_by, decision)
        allowed = tuple(decision.obligations["columns"])
        minimise.require_fair_filter(described_by, purpose=purpose, columns=allowed, rows=rows or {})
        pseudonyms = tuple(decision.obligations.get("pseudonyms", ()))
        asked = (dataset, purpose, allowed, pseudonyms, repr(rows or {}))
        if asked not in self._made:  # the cells of a report ask for the same
            try:
                made = self._minimised(
                    described_by,
                    purpose=purpose,
                    columns=allowed,
                    rows=dict(rows or {}),
                    pseudonyms=pseudonyms,
                )
            except SourceError as error:
                fits = kept is not None and kept.serves(
                    described_by, purpose=purpose, columns=allowed, rows=rows or {}
                )
                if error.code != "source.missing" or kept is None or not fits:
                    raise
                again = self._again(kept, described_by, rows=dict(rows or {}), pseudonyms=pseudonyms)
                self._record(again, acting)
                return again  # not remembered: another cell may have kept another one
            self._made[asked] = made
        self._record(self._made[asked], acting)
        return self._made[asked]

    def _minimised(
        self,
        dataset: Dataset,
        *,
        purpose: str | None,
        columns: tuple[str, ...],
        rows: dict[str, Any],
        pseudonyms: tuple[str, ...],
    ) -> Snapshot:
        """Make a snapshot of what was allowed."""
        source = self.source(dataset.id)
        pseudonym = minimise.pseudonym(
            self.state.key("pseudonyms"), dataset=dataset.id, version=source.version, purpose=purpose or ""
        )
        frame = minimise.minimise(source.frame, dataset, columns=columns, rows=rows, pseudonym=pseudonym)
        data = frame_bytes(frame.reset_index(drop=True))
        return Snapshot(
            dataset=dataset,
            version=source.version,
            purpose=purpose,
            columns=columns,
            rows=rows,
            pseudonyms=pseudonyms,
            sha256=atomic.digest(data),
            data=data,
            units_repeat=_units_repeat(dataset, source.frame, rows),
        )

    def _again(
        self, kept: Kept, dataset: Dataset, *, rows: dict[str, Any], pseudonyms: tuple[str, ...]
    ) -> Snapshot:
        """Give what an earlier run saw as a snapshot of its own version."""
        made = Snapshot(
            dataset=dataset,
            version=kept.told["version"],
            purpose=kept.told["purpose"],
            columns=tuple(one["name"] for one in kept.told["columns"]),
            rows=rows,
            pseudonyms=pseudonyms,
            sha256=atomic.digest(kept.data),
            data=kept.data,
            units_repeat=bool(kept.told.get("units_repeat")),
            kept_from=kept.edition,
        )
        self.kept.setdefault(dataset.id, set()).add(made.version)
        return made

    def source(self, dataset: str) -> Source:
        """
        Read a dataset's source, once per session.

        Raises
        ------
        SourceError
            If it is missing, cannot be read, or changes while it is read (``source.changing``).
        """
        if dataset not in self._sources:
            self._sources[dataset] = self._read(self.dataset(dataset))
        return self._sources[dataset]

    def version(self, dataset: str) -> str:
        """
        Give the version of a dataset's source as it is now, without reading it where its stamp is known.

        Raises
        ------
        SourceError
            ``source.missing``.
        """
        return versions.version(self.dataset(dataset), self.settings, memory=self.memory)

    def dataset(self, dataset: str) -> Dataset:
        """
        Give a dataset's entry of the catalogue.

        Raises
        ------
        UsageError
            ``catalog.unknown-dataset``.
        """
        if dataset not in self.catalog.datasets:
            raise unknown(dataset, known=[*self.catalog.datasets, *self._derived_ids()])
        return self.catalog.datasets[dataset]

    def derived(self, table: str) -> dict[str, Any] | None:
        """Give the public record of a table that a report released, or None if there is none."""
        path = self.state.folder("derived") / f"{table}.json"
        if table not in self._derived_ids():
            return None
        return json.loads(path.read_text(encoding="utf-8"))

    def facts(self) -> dict[str, Any]:
        """
        Tell what this session knows, in the shape of ``run.json``: the city, thresholds, and the inputs so
        far.
        """
        return {
            **city_facts(self),
            **confidential(self),
            "parameters": self.parameters,
            "inputs": {name: self.describe(snapshot) for name, snapshot in self._seen.items()},
        }

    def describe(self, snapshot: Snapshot) -> dict[str, Any]:
        """Tell about a snapshot what ``run.json`` says of an input."""
        told = described(snapshot, self.settings, licence=LICENCES.get(snapshot.dataset.license or ""))
        return told | places_rules(snapshot.dataset, self.reached)

    def origin(self, dataset: str, *, columns: Sequence[str]) -> dict[str, Any]:
        """Tell about the dataset behind a released table: title, licence, attribution, columns."""
        source = self.catalog.datasets.get(dataset)
        if source is None:
            return {"title": {"de": dataset, "en": dataset}, "columns": [], "licence": None}
        return origin(source, columns=columns, licence=LICENCES.get(source.license or ""))

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Give what follows from settings and catalogue alone; it is worked out once in a session."""
        if name not in self._worked_out:
            self._worked_out[name] = make()
        return self._worked_out[name]

    def choices(self, reference: str) -> list[str]:
        """
        Give the values that a parameter may choose from, sorted.

        Parameters
        ----------
        reference
            ``"catalogue:<domain>.<dataset>.<column>"`` of an open dataset.

        Raises
        ------
        UsageError
            If there is no such dataset or column, or it is not open.
        """
        from stadtbuch.catalog import reading  # noqa: PLC0415 - as in `_read`

        dataset, _, column = reference.removeprefix("catalogue:").rpartition(".")
        if reference not in self._choices:
            self._choices[reference] = list(reading.values(self.dataset(dataset), column, self.settings))
        return self._choices[reference]

    def _asked(
        self,
        dataset: str,
        *,
        purpose: str | None,
        columns: Sequence[str] | None,
        rows: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """Complete what was stated in the call by what the notebook declares."""
        if self.declared is None or dataset not in self.declared.manifest.inputs:
            return {"purpose": purpose, "columns": columns, "rows": rows}
        manifest: Manifest = self.declared.manifest
        declared: Input = manifest.inputs[dataset]
        if rows is None:
            rows = fill(declared.rows, values=self.declared.values(), extras=extras_of(manifest))
        return {
            "purpose": purpose or manifest.purpose,
            "columns": columns if columns is not None else declared.columns,
            "rows": rows,
        }

    def _table(self, dataset: str) -> Any:
        from stadtbuch.disclosure import released  # noqa: PLC0415 - scipy, for released tables only

        return released.from_record(self.derived(dataset) or {})

    def _answer(self, name: str, question: Question) -> Any:
        """Answer a question of the notebook's manifest; a new one is paid for, here as in a build."""
        from stadtbuch.disclosure import released  # noqa: PLC0415 - for the answer only
        from stadtbuch.session import asking  # noqa: PLC0415 - it asks this class

        assert self.declared is not None  # where the question came from
        return released.from_record(
            asking.answer(self, name, question, purpose=self.declared.manifest.purpose)
        )

    def _derived_ids(self) -> list[str]:
        return sorted(path.name.removesuffix(".json") for path in self.state.folder("derived").glob("*.json"))

    def _read(self, dataset: Dataset) -> Source:
        """Read a source and make sure that its version is the one that was read."""
        from stadtbuch.catalog import reading  # noqa: PLC0415 - a run's kernel does without Intake

        for _attempt in range(2):
            version = self.version(dataset.id)
            frame = reading.read(dataset, self.settings)
            if self.version(dataset.id) == version:
                return Source(version=version, frame=frame)
        raise _changing(dataset)

    def _acting(self, role: str | None) -> Actor:
        """Give the actor in a role, which must be one of its own."""
        if role is None or role == self.actor.role:
            return self.actor
        if role not in self.actor.roles:
            raise _foreign_role(role, self.actor.roles)
        return self.actor.model_copy(update={"role": role})

    def _record(self, snapshot: Snapshot, actor: Actor) -> None:
        """Note a reading of data that are not open, once per session, purpose and columns."""
        mark = (snapshot.dataset.id, snapshot.version, snapshot.purpose, snapshot.columns, actor.role)
        if snapshot.dataset.is_open or mark in self._recorded:
            return
        self._recorded.add(mark)
        self.book.append(
            "loaded",
            subject=snapshot.dataset.id,
            actor=actor,
            now=self.now,
            details={
                "version": snapshot.version,
                "purpose": snapshot.purpose,
                "columns": len(snapshot.columns),
                "filtered_by": sorted(snapshot.rows),
            },
        )


def _units_repeat(dataset: Dataset, frame: Any, rows: Mapping[str, Any]) -> bool:
    """Look for units in several of the rows that are read; asked only where something is protected."""
    if dataset.is_open:
        return False
    return units_repeat(frame.loc[minimise.matching(frame, dataset, rows=rows)], dataset)


def city_facts(city: City) -> dict[str, Any]:
    """Tell what every run and every session knows about its city, as JSON."""
    settings = city.settings
    return {
        "city": {
            "name": settings.city.name,
            "timezone": settings.city.timezone,
            "synthetic": settings.city.synthetic,
            "contact": settings.city.contact,
        },
        "thresholds": settings.thresholds.values,
        **({} if settings.tables.cost == "value" else {"tables": {"cost": settings.tables.cost}}),
        "rules": settings.rules.version,
        "languages": list(LANGUAGES),
        "now": city.now.isoformat(),
    }


def confidential(city: City) -> dict[str, Any]:
    """
    Tell what only runs of data that are not open may know: the parameters of the rules for sums.

    Nothing that is made from such a run takes it along; a package, a page or a record never holds it.
    """
    rules = _settings.concentration(city.settings)
    return {"confidential": {"concentration": rules.rules}} if rules else {}


def unknown(dataset: str, *, known: Sequence[str]) -> UsageError:
    """Say that there is no dataset of this id, and which one could have been meant."""
    near = get_close_matches(dataset, list(known), n=1)
    listing = Text(de="stadtbuch catalog list zeigt alle.", en="stadtbuch catalog list shows all.")
    guess = Text(de=f"Meinten Sie {near[0]}?", en=f"Did you mean {near[0]}?") if near else listing
    return UsageError(
        "catalog.unknown-dataset",
        Text(de=f"Es gibt keinen Datensatz {dataset}.", en=f"There is no dataset {dataset}."),
        remedy=guess,
    )


def not_declared(what: Text, *, remedy: Text) -> AccessDenied:
    """Say that a run asks for something its manifest does not declare."""
    return AccessDenied(
        "access.not-declared",
        what,
        why=Text(
            de="Ein Lauf sieht genau das, was seine erste Zelle erklärt.",
            en="A run sees exactly what its first cell declares.",
        ),
        remedy=remedy,
    )


def _foreign_role(role: str, own: Sequence[str]) -> AccessDenied:
    return AccessDenied(
        "actor.role-not-yours",
        Text(
            de=f"Dieser Lauf liest in der Rolle {role}, die nicht zu Ihrer Kennung gehört.",
            en=f"This run reads in the role {role}, which does not belong to your login.",
        ),
        why=Text(de=f"Ihre Rollen sind: {', '.join(own)}.", en=f"Your roles are: {', '.join(own)}."),
        remedy=Text(
            de="Lassen Sie roles.yaml ergänzen, oder lassen Sie jemanden mit dieser Rolle bauen.",
            en="Have roles.yaml extended, or let somebody with this role build.",
        ),
    )


def _changing(dataset: Dataset) -> SourceError:
    return SourceError(
        "source.changing",
        Text(
            de=f"Die Quelle von {dataset.id} ändert sich gerade.",
            en=f"The source of {dataset.id} is changing right now.",
        ),
        remedy=Text(
            de="Warten Sie, bis die Lieferung vollständig ist, und wiederholen Sie den Befehl.",
            en="Wait until the delivery is complete and repeat the command.",
        ),
    )
