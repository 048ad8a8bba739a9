"""
What the parts of a catalogue entry must say together, one rule after the other.

The form of each part is checked before (`stadtbuch.catalog.entries`); a rule sees a well-formed dataset.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel

from stadtbuch.catalog import allowed
from stadtbuch.catalog.files import Located, Place
from stadtbuch.catalog.licences import LICENCES
from stadtbuch.catalog.mistakes import did_you_mean
from stadtbuch.errors import Problem
from stadtbuch.model.dataset import Column, Dataset, FieldType, PrivacyRole, ReasonKind
from stadtbuch.model.places import PlaceRules
from stadtbuch.texts import Text

Say = Callable[..., Problem]
Rule = Callable[[Dataset, Say], Iterator[Problem]]

DURATION = re.compile(r"P(?=\d|T\d)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?")
RULES: list[tuple[frozenset[str], Rule]] = []


def rule(*needs: str) -> Callable[[Rule], Rule]:
    """Add a rule to the list that every dataset is held against; `needs` are the fields that it looks at."""

    def added(function: Rule) -> Rule:
        RULES.append((frozenset(needs), function))
        return function

    return added


def problems(dataset: Dataset, content: Located, place: Place, *, known: frozenset[str]) -> Iterator[Problem]:
    """
    Hold one dataset against all rules that can speak.

    Parameters
    ----------
    dataset
        May lack the fields that are not well-formed.
    content, place
        The file, and where the dataset stands in it.
    known
        The fields that are well-formed: a rule that needs another one is silent.
    """
    say = partial(_say, content, place)
    for needs, one in RULES:
        if needs <= known:
            yield from one(dataset, say)


def _say(
    content: Located, place: Place, inner: str | Place, code: str, what: Text, remedy: Text | None = None
) -> Problem:
    """Say a mistake at a place inside the entry: dotted, or in parts where a part may hold a dot itself."""
    if isinstance(inner, str):
        inner = tuple(int(part) if part.isdigit() else part for part in inner.split("."))
    return content.problem((*place, *inner), code, what, remedy)


def domain(content: Located, domains: Sequence[str]) -> Iterator[Problem]:
    """The domain is one of the city's, and the file carries its name."""
    name = content.data.get("domain")
    if not isinstance(name, str):
        return
    if name not in domains:
        unknown = Text(de="ist keine Domäne dieser Stadt", en="is no domain of this city")
        yield content.problem(("domain",), "catalog.domain-unknown", unknown, did_you_mean(name, domains))
    elif PurePosixPath(content.file).name != f"{name}.yaml":
        what = Text(
            de=f"Je Domäne gibt es eine Datei, und sie heißt {name}.yaml.",
            en=f"Each domain has one file, and it is called {name}.yaml.",
        )
        yield content.problem(("domain",), "catalog.file-name", what)


@rule("access")
def reason(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """Whoever withholds says why."""
    if dataset.is_open or dataset.access.reason:
        return
    yield say(
        "access.reason", "catalog.reason-missing",
        Text(de="fehlt: Zurückhalten braucht einen Grund", en="is missing: withholding needs a reason"),
        Text(
            de="reason: {kind, text, legal_basis, decided_by, decided, review}",
            en="reason: {kind, text, legal_basis, decided_by, decided, review}",
        ),
    )  # fmt: skip


@rule("access")
def preparation(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """Withholding is a procedure: first something was tried to make the data publishable."""
    if dataset.is_open or (dataset.access.preparation and dataset.access.preparation.tried):
        return
    yield say(
        "access.preparation", "catalog.preparation-missing",
        Text(
            de="fehlt: Vor dem Zurückhalten steht der Versuch, die Daten aufzubereiten",
            en="is missing: before withholding comes the attempt to prepare the data",
        ),
        Text(
            de="preparation: {tried: [aggregate], outcome: {de, en}}",
            en="preparation: {tried: [aggregate], outcome: {de, en}}",
        ),
    )  # fmt: skip


@rule("access", "table")
def reason_fits(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """Personal data have at least one column that can tell about a person."""
    given = dataset.access.reason
    if dataset.is_open or not given or given.kind is not ReasonKind.personal_data:
        return
    if all(column.privacy is PrivacyRole.harmless for column in dataset.table.fields):
        yield say(
            "access.reason.kind", "catalog.reason-unfit",
            Text(
                de="passt nicht zu den Spalten: alle gelten als harmlos",
                en="does not fit the columns: all are harmless",
            ),
            Text(
                de="geben Sie den Spalten ihre Rolle (identifier, quasi-identifier, sensitive, free-text) "
                "oder nennen Sie den wirklichen Grund",
                en="give the columns their role (identifier, quasi-identifier, sensitive, free-text) "
                "or name the real reason",
            ),
        )  # fmt: skip


@rule("access")
def review(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """A decision is looked at again after it was made."""
    given = dataset.access.reason
    if given and given.review <= given.decided:
        yield say(
            "access.reason.review", "catalog.review",
            Text(de="liegt nicht nach decided", en="is not after decided"),
        )  # fmt: skip


@rule("access", "license")
def licence(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """Licences are on the list; open data carry an open one."""
    if dataset.license is not None and dataset.license not in LICENCES:
        unknown = Text(de="ist keine bekannte Lizenz", en="is no known licence")
        yield say("license", "catalog.licence-unknown", unknown, did_you_mean(dataset.license, LICENCES))
        return
    if not dataset.is_open:
        return
    offered = ", ".join(name for name, one in LICENCES.items() if one.open)
    remedy = Text(de=f"offen sind: {offered}", en=f"open are: {offered}")
    if dataset.license is None:
        missing = Text(
            de="fehlt: offene Daten brauchen eine Lizenz", en="is missing: open data need a licence"
        )
        yield say("license", "catalog.licence-missing", missing, remedy)
    elif not LICENCES[dataset.license].open:
        closed = Text(
            de="ist keine offene Lizenz, der Datensatz aber offen",
            en="is no open licence, yet the dataset is open",
        )
        yield say("license", "catalog.licence-not-open", closed, remedy)


@rule("access", "table")
def identifiers(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """Open data identify nobody."""
    for number, column in enumerate(dataset.table.fields if dataset.is_open else ()):
        if column.privacy is PrivacyRole.identifier:
            yield say(
                f"schema.fields.{number}.privacy", "catalog.identifier-open",
                Text(
                    de=f"{column.name} bezeichnet einzelne Personen, der Datensatz ist aber offen",
                    en=f"{column.name} identifies single persons, yet the dataset is open",
                ),
                Text(
                    de="nehmen Sie die Spalte heraus oder schließen Sie den Datensatz",
                    en="take the column out or close the dataset",
                ),
            )  # fmt: skip


@rule("access", "privacy")
def grants(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """A grant names purposes that are described, and what is shared is granted to somebody."""
    known = dataset.privacy.purposes
    for number, grant in enumerate(dataset.access.grants):
        for index, purpose in enumerate(grant.purposes):
            if purpose not in known:
                unknown = Text(
                    de=f"{purpose} steht nicht unter privacy.purposes",
                    en=f"{purpose} is not among privacy.purposes",
                )
                place = f"access.grants.{number}.purposes.{index}"
                yield say(place, "catalog.purpose-unknown", unknown, did_you_mean(purpose, known))
    if dataset.access_class == "shared" and not dataset.access.grants:
        yield say(
            "access.grants", "catalog.grants-missing",
            Text(de="fehlt: Mit wem wird geteilt?", en="is missing: with whom is it shared?"),
            Text(de="grants: [{role, purposes, until}]", en="grants: [{role, purposes, until}]"),
        )  # fmt: skip


@rule("privacy", "table")
def purposes(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """The columns of a purpose are columns of the schema."""
    for purpose, columns in dataset.privacy.purposes.items():
        for index, column in enumerate(columns):
            if column not in dataset.table.names:
                unknown = Text(
                    de=f"{column} ist keine Spalte des Schemas", en=f"{column} is no column of the schema"
                )
                place = f"privacy.purposes.{purpose}.{index}"
                yield say(place, "catalog.purpose-column", unknown, did_you_mean(column, dataset.table.names))


@rule("access", "privacy", "table")
def places(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """Rules for places name columns that exist and harmless ones to show, and fit each other."""
    rules = dataset.privacy.places
    if rules is None:
        return
    for place, what, remedy in (*_place_columns(dataset, rules), *_place_steps(dataset, rules)):
        yield say(f"privacy.places.{place}", "catalog.places", what, remedy)


@rule("access", "privacy", "table")
def budget(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """A budget of noisy answers belongs to data that are not open, whose units a column tells apart."""
    if dataset.privacy.budget is None:
        return
    told = any(one.privacy is PrivacyRole.identifier for one in dataset.table.fields)
    if not dataset.is_open and dataset.privacy.unit != "none" and told:
        return
    yield say(
        "privacy.budget", "catalog.budget",
        Text(
            de="gehört zu Daten, die nicht offen sind, mit unit: und einer Spalte privacy: identifier",
            en="belongs to data that are not open, with unit: and a column privacy: identifier",
        ),
        Text(
            de="ohne sie lässt sich nicht begrenzen, wie viel eine einzelne Person beiträgt",
            en="without them nobody can limit how much a single person contributes",
        ),
    )  # fmt: skip


Mistake = tuple[str, Text, Text | None]


def _place_columns(dataset: Dataset, rules: PlaceRules) -> Iterator[Mistake]:
    """Find columns that do not exist, and columns that must not be shown."""
    stepped = {f"steps.{name}.column": step.column for name, step in rules.steps.items()}
    shown = {f"show.{number}": name for number, name in enumerate(rules.show)}
    single = {"unit": rules.unit, "kind": rules.kind, "category": rules.category, "date": rules.date}
    for place, name in (single | shown | stepped).items():
        if name is not None and name not in dataset.table.names:
            no = Text(de=f"{name} ist keine Spalte des Schemas", en=f"{name} is no column of the schema")
            yield place, no, did_you_mean(name, dataset.table.names)
    for place, name in shown.items():
        if name in dataset.table.names and dataset.table.column(name).privacy is not PrivacyRole.harmless:
            yield (
                place,
                Text(de=f"{name} gilt nicht als harmlos", en=f"{name} does not count as harmless"),
                Text(
                    de="zeigen Sie nur Spalten, die nichts über Orte und Personen verraten",
                    en="show only columns that tell nothing about places and persons",
                ),
            )


def _place_steps(dataset: Dataset, rules: PlaceRules) -> Iterator[Mistake]:
    """Find steps that say nothing or too much, and categories without one."""
    for name, step in rules.steps.items():
        if sum((step.grid is not None, step.column is not None, step.withhold)) != 1:
            one = Text(
                de="braucht genau eines: grid, column, withhold",
                en="needs exactly one: grid, column, withhold",
            )
            yield f"steps.{name}", one, None
        if step.bands[0] not in (0, 1) or list(step.bands) != sorted(set(step.bands)) or step.bands == (0,):
            rising = Text(de="steigt nicht von 0 oder 1 an", en="does not rise from 0 or 1")
            yield f"steps.{name}.bands", rising, Text(de="etwa [1, 4, 11]", en="such as [1, 4, 11]")
    known = dataset.table.column(rules.category).labels if rules.category in dataset.table.names else {}
    for name in sorted(known.keys() - rules.steps.keys()):
        none = Text(
            de=f"{name} hat keine Stufe und bliebe geheim", en=f"{name} has no step and would be withheld"
        )
        yield (
            "steps",
            none,
            Text(de=f"schreiben Sie {name}: {{withhold: true}}", en=f"write {name}: {{withhold: true}}"),
        )
    geometry = any(column.type is FieldType.geometry for column in dataset.table.fields)
    if any(step.grid for step in rules.steps.values()) and not (geometry and rules.outline):
        yield (
            "outline",
            Text(
                de="fehlt, oder der Datensatz hat keine Geometrie: ein Raster braucht beides",
                en="is missing, or the dataset has no geometry: a grid needs both",
            ),
            None,
        )
    if rules.season is not None and rules.date is None:
        yield (
            "date",
            Text(de="fehlt: Eine Schonzeit braucht den Tag", en="is missing: a season needs the day"),
            None,
        )


@rule("table")
def keys(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """The primary key consists of columns that exist."""
    for index, column in enumerate(dataset.table.primary_key):
        if column not in dataset.table.names:
            unknown = Text(
                de=f"{column} ist keine Spalte des Schemas", en=f"{column} is no column of the schema"
            )
            place = f"schema.primaryKey.{index}"
            yield say(place, "catalog.primary-key", unknown, did_you_mean(column, dataset.table.names))


@rule("table", "source")
def columns(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """Names and headings of columns are unique; at most one is geometry, and then the reader can give it."""
    for attribute in ("name", "heading"):
        names = [getattr(column, attribute) for column in dataset.table.fields]
        for number, name in enumerate(names):
            if name in names[:number] and not (attribute == "heading" and _same_name(dataset, number)):
                twice = Text(de=f"die Spalte {name} gibt es schon", en=f"the column {name} exists already")
                yield say(f"schema.fields.{number}.name", "catalog.column-twice", twice)
    shapes = [number for number, one in enumerate(dataset.table.fields) if one.type is FieldType.geometry]
    for number in shapes[1:]:
        more = Text(de="ist schon die zweite Geometrie", en="is a second geometry already")
        yield say(f"schema.fields.{number}.type", "catalog.geometry", more)
    reader = allowed.READERS.get(dataset.source.reader)
    if shapes and reader and not reader.geometry:
        none = Text(
            de=f"ist geometry, aber {dataset.source.reader} kennt keine Geometrie",
            en=f"is geometry, but {dataset.source.reader} knows no geometry",
        )
        yield say(f"schema.fields.{shapes[0]}.type", "catalog.geometry", none)


def _same_name(dataset: Dataset, number: int) -> bool:
    """Whether the name is already reported as standing twice."""
    names = [column.name for column in dataset.table.fields]
    return names[number] in names[:number]


DIRECTIVES = {
    FieldType.date: set("YymdjBb"),
    FieldType.datetime: set("YymdjBbHIMSfpzT"),
}


COARSE = {
    FieldType.number: "step",
    FieldType.integer: "step",
    FieldType.datetime: "slot",
    FieldType.geometry: "grid",
}


@rule("access", "privacy", "table")
def coarseness(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """A step belongs to numbers, a slot to moments, a grid to points, and all of them to data that are not open."""
    for number, column in enumerate(dataset.table.fields):
        for what in _coarse_mistakes(column, dataset):
            yield say(f"schema.fields.{number}.coarse", "catalog.coarse", what)


def _coarse_mistakes(column: Column, dataset: Dataset) -> Iterator[Text]:
    if column.coarse is None:
        return
    stated = [name for name, value in column.coarse.model_dump().items() if value is not None]
    if stated != [COARSE.get(column.type)]:
        yield Text(
            de="ist step: für Zahlen, slot: für Zeitpunkte oder grid: für Punkte",
            en="is step: for numbers, slot: for moments or grid: for points",
        )
    elif dataset.is_open:
        yield Text(
            de="wirkt nicht: offene Daten gibt es, wie sie sind",
            en="has no effect: open data are given as they are",
        )
    elif column.coarse.grid is not None and dataset.privacy.places is not None:
        yield Text(
            de="verträgt sich nicht mit privacy.places, das die Orte erst beim Veröffentlichen vergröbert",
            en="does not go with privacy.places, which coarsens places when they are published",
        )


@rule("table")
def formats(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """How a column is written fits its type and is without contradiction."""
    for number, column in enumerate(dataset.table.fields):
        for key, what in _format_mistakes(column):
            yield say(f"schema.fields.{number}.{key}", "catalog.format", what)


@rule("table")
def patterns(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """A pattern is a regular expression."""
    for number, column in enumerate(dataset.table.fields):
        try:
            re.compile(column.constraints.pattern or "")
        except re.error:
            what = Text(de="ist kein regulärer Ausdruck", en="is no regular expression")
            yield say(f"schema.fields.{number}.constraints.pattern", "catalog.pattern", what)


def _format_mistakes(column: Column) -> Iterator[tuple[str, Text]]:
    if column.thousands and column.thousands == column.decimal and column.type is FieldType.number:
        yield "thousands", Text(de="ist dasselbe Zeichen wie decimal", en="is the same sign as decimal")
    if set(column.true) & set(column.false):
        yield "true", Text(de="hat einen Wert mit false gemeinsam", en="shares a value with false")
    if column.format is not None:
        known = DIRECTIVES.get(column.type)
        if known is None:
            yield "format", Text(de="gibt es nur für date und datetime", en="is for date and datetime only")
        elif not _is_format(column.format, known):
            yield (
                "format",
                Text(
                    de="ist kein Format wie %d.%m.%Y oder %Y-%m-%dT%H:%M",
                    en="is no format such as %d.%m.%Y or %Y-%m-%dT%H:%M",
                ),
            )
    if column.timezone is not None and not _is_zone(column.timezone):
        yield "timezone", Text(de="ist keine bekannte Zeitzone", en="is no known time zone")


def _is_format(written: str, known: set[str]) -> bool:
    """Whether only known directives stand in it, and a year does."""
    used = re.findall(r"%(.?)", written)
    return bool(used) and all(letter in known for letter in used) and bool({"Y", "y"} & set(used))


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@rule("custody")
def custody(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """Whoever does not hold the data alone says why."""
    if dataset.custody.kind != "city" and dataset.custody.reason is None:
        yield say(
            "custody.reason", "catalog.custody-reason",
            Text(
                de="fehlt: Andere Datenhoheit als die der Stadt braucht einen Grund",
                en="is missing: custody other than the city's needs a reason",
            ),
        )  # fmt: skip


@rule("donation", "origin")
def donation(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """Donated data are told from the administration's own at first sight."""
    if dataset.donation and dataset.origin == "administration":
        yield say(
            "origin", "catalog.donation-origin",
            Text(
                de="nennt die Verwaltung, die Daten sind aber gespendet",
                en="names the administration, yet the data are donated",
            ),
            Text(de="science, business oder civil-society", en="science, business or civil-society"),
        )  # fmt: skip


@rule("lifecycle")
def retention(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """A time of retention is a duration."""
    given = dataset.lifecycle.retention
    if given is not None and not DURATION.fullmatch(given):
        yield say(
            "lifecycle.retention", "catalog.duration",
            Text(de="ist keine Dauer nach ISO 8601", en="is no ISO 8601 duration"),
            Text(de="zehn Jahre: P10Y, 35 Tage: P35D", en="ten years: P10Y, 35 days: P35D"),
        )  # fmt: skip


@rule("source")
def source(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """Reader, options and address are on the allow-list."""
    mistake = allowed.address_mistake(dataset.source.url)
    if mistake:
        yield say("source.url", "catalog.address", mistake)
    reader = allowed.READERS.get(dataset.source.reader)
    if reader is None:
        unknown = Text(
            de="steht nicht auf der Liste der erlaubten Leser", en="is not on the list of allowed readers"
        )
        yield say(
            "source.reader",
            "catalog.reader-unknown",
            unknown,
            did_you_mean(dataset.source.reader, allowed.READERS),
        )
        return
    for name, value in dataset.source.options.items():
        if name not in reader.options:
            no = Text(
                de=f"ist keine Angabe des Lesers {dataset.source.reader}",
                en=f"is no option of the reader {dataset.source.reader}",
            )
            yield say(
                f"source.options.{name}", "catalog.option-unknown", no, did_you_mean(name, reader.options)
            )
        elif not reader.options[name].fits(value):
            words = reader.options[name].words
            bad = Text(de=f"muss {words.de} sein", en=f"must be {words.en}")
            yield say(f"source.options.{name}", "catalog.option-value", bad)


@rule()
def texts(dataset: Dataset, say: Say) -> Iterator[Problem]:
    """No text is empty in either language."""
    for place, given in _texts(dataset, ()):
        for language, wording in given.as_dict().items():
            if not wording.strip():
                empty = Text(de="ist leer", en="is empty")
                yield say((*place, language), "catalog.text-empty", empty)


def _texts(value: Any, place: Place) -> Iterator[tuple[Place, Text]]:
    """Find every text inside a model, with its place as YAML names it."""
    if isinstance(value, Text):
        yield place, value
    elif isinstance(value, BaseModel):
        for name, item in value:
            field = type(value).model_fields.get(name)
            yield from _texts(item, (*place, field.alias or name if field else name))
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _texts(item, (*place, number))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*place, key))
