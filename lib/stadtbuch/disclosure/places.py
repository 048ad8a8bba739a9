"""
Protected places: where something is, told so coarsely that nobody finds it.

Nests of rare birds, wells, and other places that are no persons: `coarsen` turns exact places into counts by
areas of a fixed grid (see `grid`) or of a column, by what was found and in which year, in classes instead of
numbers. Everything that the dataset's rules do not name stays inside: observers, notes, days, positions. What
was found in a season that is running or comes next stays inside until it is over.

The categories and the words ``informationWithheld`` and ``dataGeneralizations`` are those of Darwin Core and
of GBIF's practice for sensitive species (Chapman 2020). Places are never moved at random: averages of many
such places tell the true one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from stadtbuch.disclosure import grid
from stadtbuch.errors import ProtectionError, UsageError
from stadtbuch.model.dataset import Dataset, PrivacyRole
from stadtbuch.model.places import PlaceRules, PlaceStep, Season
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.texts import Text

if TYPE_CHECKING:
    import geopandas as gpd

KIND = "protected-places"
RECORD_FORMAT = 1
PLACE, YEAR, FOUND = "place", "year", "found"
"""Columns of `ProtectedPlaces.frame` beside those that the rules show."""

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """What was found in one area: labels of the shown columns, the year (None if none is told), a class."""

    labels: Labels
    year: int | None
    place: str
    number: str


@dataclass(frozen=True)
class ProtectedPlaces:
    """
    Places that may be published: what was found in which area, and what was withheld and why.

    Parameters
    ----------
    name, dataset
        The name of this result, and the dataset it was made from.
    show
        The columns that are told.
    dated
        Whether years are told.
    found
        What was found, sorted. An area that is not listed is one where nothing was reported.
    areas
        Name of a grid area -> its cells; all areas of the city, also those without a find.
    reason
        Why the places are not told exactly.
    withheld, generalised
        What is left out and what is coarser than in the source (Darwin Core ``informationWithheld`` and
        ``dataGeneralizations``).
    where
        Conditions that hold for everything: the rows that were looked at.
    findings
        What the protection has to say inside the city. Not part of the public record.
    """

    name: str
    dataset: str
    show: tuple[str, ...]
    dated: bool
    found: tuple[Found, ...]
    areas: Mapping[str, tuple[str, ...]]
    reason: Text
    withheld: Text
    generalised: Text
    where: tuple[Mapping[str, Any], ...] = ()
    findings: tuple[Finding, ...] = field(default=(), compare=False, repr=False)

    @property
    def variables(self) -> tuple[str, ...]:
        """Give the columns of the dataset that are told."""
        return self.show

    @property
    def frame(self) -> pd.DataFrame:
        """Give what was found as rows: the shown columns, ``year`` if it is told, ``place``, ``found``."""
        content: dict[str, Any] = {
            name: pd.array([one.labels[at] for one in self.found], dtype="str")
            for at, name in enumerate(self.show)
        }
        if self.dated:
            content[YEAR] = pd.array([one.year for one in self.found], dtype="Int64")
        content[PLACE] = pd.array([one.place for one in self.found], dtype="str")
        content[FOUND] = pd.array([one.number for one in self.found], dtype="str")
        return pd.DataFrame(content)

    @property
    def shapes(self) -> gpd.GeoDataFrame:
        """Give the grid areas as whole cells in EPSG:4326: ``place`` and ``geometry``."""
        return grid.shapes(self.areas)

    def size(self, place: str) -> int | None:
        """Give the side of the cells of an area in metres; None if it is no area of the grid."""
        return grid.corner(self.areas[place][0])[1] if place in self.areas else None

    @property
    def legend(self) -> Text:
        """Say beside every map and table why it is coarse, and what was left out."""
        return Text(
            de=f"Warum nicht genauer? {self.reason.de} {self.generalised.de} {self.withheld.de}",
            en=f"Why not more exactly? {self.reason.en} {self.generalised.en} {self.withheld.en}",
        )

    def to_record(self) -> dict[str, Any]:
        """Give the public record, as JSON can hold it: areas by name, no position of anything."""
        return {
            "format": RECORD_FORMAT,
            "kind": KIND,
            "name": self.name,
            "dataset": self.dataset,
            "show": list(self.show),
            "dated": self.dated,
            "reason": self.reason.as_dict(),
            "informationWithheld": self.withheld.as_dict(),
            "dataGeneralizations": self.generalised.as_dict(),
            "legend": self.legend.as_dict(),
            "where": [dict(one) for one in self.where],
            "areas": {name: list(cells) for name, cells in self.areas.items()},
            "found": [
                {"labels": list(one.labels), "year": one.year, "place": one.place, "number": one.number}
                for one in self.found
            ],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ProtectedPlaces:
        """
        Read places back from their public record.

        Raises
        ------
        UsageError
            If it is no such record, or one of another format (code ``places.record``).
        """
        try:
            if record["format"] != RECORD_FORMAT or record["kind"] != KIND:
                raise _not_a_record()
            areas = {str(name): tuple(cells) for name, cells in record["areas"].items()}
            for cells in areas.values():
                for one in cells:
                    grid.corner(one)
            return cls(
                name=str(record["name"]),
                dataset=str(record["dataset"]),
                show=tuple(record["show"]),
                dated=bool(record["dated"]),
                found=tuple(_found(one) for one in record["found"]),
                areas=areas,
                reason=Text(**record["reason"]),
                withheld=Text(**record["informationWithheld"]),
                generalised=Text(**record["dataGeneralizations"]),
                where=tuple(dict(one) for one in record["where"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise _not_a_record() from None

    def geojson(self) -> dict[str, Any]:
        """Give what was found as GeoJSON: one feature for each, its geometry the whole area (or none)."""
        drawn = {
            row["properties"]["place"]: row["geometry"] for row in self.shapes.iterfeatures(drop_id=True)
        }
        rows = self.frame.astype("object").where(self.frame.notna(), None).to_dict("records")
        return {
            "type": "FeatureCollection",
            "informationWithheld": self.withheld.as_dict(),
            "dataGeneralizations": self.generalised.as_dict(),
            "features": [
                {
                    "type": "Feature",
                    "properties": {str(name): value for name, value in row.items()},
                    "geometry": drawn.get(row[PLACE]),
                }
                for row in rows
            ],
        }

    def _repr_html_(self) -> str:
        """Show in the lab what may be published."""
        head = "".join(f"<th>{escape(str(name))}</th>" for name in self.frame.columns)
        lines = (
            "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row) + "</tr>"
            for row in self.frame.itertuples(index=False)
        )
        return f"<table><tr>{head}</tr>{''.join(lines)}</table><p>{escape(self.legend.de)}</p>"


def coarsen(
    frame: pd.DataFrame,
    rules: PlaceRules,
    *,
    dataset: str,
    name: str,
    show: Sequence[str],
    before: date | None,
    titles: Mapping[str, Text] | None = None,
    outline: Any = None,
    where: Sequence[Mapping[str, Any]] = (),
) -> ProtectedPlaces:
    """
    Tell places as coarsely as their rules say; a function of frame, rules and outline.

    Parameters
    ----------
    frame
        One row per thing and observation, with the columns that the rules name; a GeoDataFrame of points if
        a step asks for a grid.
    rules
        Of the dataset.
    dataset, name
        What it is made from, and how the result is called.
    show
        Which of the columns that may be told are told.
    before
        The first day that is not told (`opens`); needed where the rules know a season.
    titles
        Titles of the columns that are worth protecting (`protected_titles`), to say what is left out.
    outline
        GeoDataFrame of the areas in which the things can be at all; needed where a step asks for a grid.
    where
        Conditions by which the rows were chosen, for the record. Only what a thing is may be chosen: "where it
        says borough 08" would tell the place, and a category alone could tell a rare thing as a common one.

    Raises
    ------
    ProtectionError
        ``places.columns``, ``places.not-shown``, ``places.rows``, ``places.geometry``, ``places.outline``,
        ``places.season``. The texts name columns, never values.

    Examples
    --------
    >>> rules = PlaceRules(unit="id", kind="species", category="category", show=["species"],
    ...                    steps={"sensitive": {"column": "borough"}}, reason=Text(de="Ruhe", en="Quiet"))
    >>> frame = pd.DataFrame({"id": [1, 2], "species": "owl", "category": "sensitive", "borough": ["01", "02"]})
    >>> coarsen(frame, rules, dataset="demo.birds", name="birds", show=["species"], before=None).frame
      species place found
    0     owl    01    1+
    1     owl    02    1+
    """
    _require_columns(frame, rules, show)
    _require_whole(where, rules)
    open_rows, locked = _released(frame, rules, before)
    steps = _steps(frame, rules)  # also by what is locked: a kind is as rare as its rarest row
    cities = _areas(rules, outline)
    placed = _placed(open_rows, rules, steps, cities)
    told = placed.dropna(subset=[PLACE])
    return ProtectedPlaces(
        name=name,
        dataset=dataset,
        show=tuple(show),
        dated=rules.date is not None,
        found=_counted(told, rules, show),
        areas={area: cells for one in cities.values() for area, cells in one.members.items()},
        reason=rules.reason,
        withheld=_withheld(rules, titles or {}),
        generalised=_generalised(rules),
        where=tuple(dict(one) for one in where),
        findings=_findings(name, locked=locked, left_out=len(placed) - len(told)),
    )


def opens(season: Season, today: date) -> date:
    """
    Give the first day that is not told today: where the season begins that is running, or comes next.

    Examples
    --------
    >>> breeding = Season(**{"from": "02-01", "until": "08-31"})
    >>> [opens(breeding, date(2026, month, 15)).isoformat() for month in (1, 6, 9)]
    ['2026-02-01', '2026-02-01', '2027-02-01']
    >>> winter = Season(**{"from": "11-01", "until": "03-31"})
    >>> [opens(winter, date(2026, month, 15)).isoformat() for month in (1, 6, 12)]
    ['2025-11-01', '2026-11-01', '2026-11-01']
    """
    start, end = _day(season.start), _day(season.until)
    year = today.year if (today.month, today.day) <= end else today.year + 1
    if start > end:
        year -= 1
    return _on(year, start)


def protected_titles(dataset: Dataset) -> dict[str, Text]:
    """Give the titles of a dataset's columns that are not harmless: what is left out is told of them."""
    harmless = PrivacyRole.harmless
    return {one.name: one.title for one in dataset.table.fields if one.privacy is not harmless}


def _day(written: str) -> tuple[int, int]:
    month, day = written.split("-")
    return int(month), int(day)


def _on(year: int, day: tuple[int, int]) -> date:
    """Give a day of a year; the last of February where there is no 29th."""
    try:
        return date(year, *day)
    except ValueError:
        return date(year, day[0], 28)


# ---- from rows to areas -------------------------------------------------------------------------------


def _require_columns(frame: pd.DataFrame, rules: PlaceRules, show: Sequence[str]) -> None:
    """Refuse what cannot be judged: columns that are missing, or that may not be told."""
    stray = [name for name in show if name not in rules.show]
    if stray:
        raise _not_shown(stray, rules.show)
    area_columns = [step.column for step in rules.steps.values() if step.column]
    needed = [rules.unit, rules.kind, rules.category, *filter(None, [rules.date]), *area_columns, *show]
    missing = [name for name in dict.fromkeys(needed) if name not in frame.columns]
    if missing:
        raise _lacking(missing)
    if any(step.grid for step in rules.steps.values()) and not _has_points(frame):
        raise _no_points()


def _require_whole(where: Sequence[Mapping[str, Any]], rules: PlaceRules) -> None:
    """Refuse rows that were chosen by anything but their kind: the condition stands in the public record."""
    chosen = [str(one["column"]) for one in where if one["column"] != rules.kind]
    if chosen:
        raise _chosen(chosen, rules.kind)


def _has_points(frame: pd.DataFrame) -> bool:
    """Whether every row has a point, or nothing at all."""
    if not hasattr(frame, "geometry") or getattr(frame, "crs", None) is None:
        return False
    kinds = frame.geometry.dropna().geom_type
    return bool((kinds == "Point").all())


def _released(frame: pd.DataFrame, rules: PlaceRules, before: date | None) -> tuple[pd.DataFrame, int]:
    """Keep the rows of seasons that are over; one without a day is not kept."""
    if rules.date is None:
        return frame, 0
    days = pd.to_datetime(frame[rules.date])
    if rules.season is None:
        kept = days.notna()
    elif before is None:
        raise _no_day()
    else:
        kept = days < pd.Timestamp(before)
    return frame[kept], int((~kept).sum())


def _steps(frame: pd.DataFrame, rules: PlaceRules) -> dict[Any, PlaceStep]:
    """Give the step of each kind: the strictest of its rows' categories; none where they do not go together."""
    pairs = frame[[rules.kind, rules.category]].drop_duplicates()
    found: dict[Any, PlaceStep] = {}
    for kind, category in pairs.itertuples(index=False):
        step = rules.steps.get(str(category), WITHHELD)
        found[kind] = _stricter(found[kind], step) if kind in found else step
    return found


WITHHELD = PlaceStep(withhold=True)


def _stricter(one: PlaceStep, other: PlaceStep) -> PlaceStep:
    """Give the stricter of two steps; two that cannot be compared withhold."""
    if one == other:
        return one
    if one.grid and other.grid and not (one.withhold or other.withhold):
        return max(one, other, key=lambda step: (step.grid or 0, _coarseness(step.bands)))
    return WITHHELD


def _areas(rules: PlaceRules, outline: Any) -> dict[int, grid.Areas]:
    """Divide the city into the areas of every size that a step asks for."""
    sizes = sorted({step.grid for step in rules.steps.values() if step.grid and not step.withhold})
    if not sizes:
        return {}
    if outline is None or getattr(outline, "crs", None) is None or not len(outline):
        raise _no_outline()
    import shapely  # noqa: PLC0415 - only where places are told by a grid

    city = shapely.union_all(shapely.make_valid(outline.geometry.dropna().to_crs(grid.EPSG).to_numpy()))
    return {size: grid.areas(city, size=size) for size in sizes}


def _placed(
    frame: pd.DataFrame, rules: PlaceRules, steps: Mapping[Any, PlaceStep], cities: Mapping[int, grid.Areas]
) -> pd.DataFrame:
    """Give every row its area by the step of its kind; none where it is withheld or lies outside."""
    of_row = [WITHHELD if pd.isna(kind) else steps[kind] for kind in frame[rules.kind]]
    places: dict[PlaceStep, list[str | None]] = {
        step: _column(frame, step.column) if step.column else cities[step.grid or 0].of(*_points(frame))
        for step in set(of_row)
        if not step.withhold and (step.column or step.grid in cities)
    }
    place = [places[step][at] if step in places else None for at, step in enumerate(of_row)]
    plain = pd.DataFrame(frame.drop(columns=_geometry(frame)))
    return plain.assign(**{PLACE: place, "bands": [step.bands for step in of_row]})


def _column(frame: pd.DataFrame, name: str) -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in frame[name]]


def _geometry(frame: pd.DataFrame) -> list[str]:
    return [
        str(name) for name, kind in zip(frame.columns, frame.dtypes, strict=True) if str(kind) == "geometry"
    ]


def _points(frame: Any) -> tuple[list[float], list[float]]:
    """Give the rows' places in EPSG:3035; a row without a point lies nowhere."""
    flat = frame.geometry.to_crs(grid.EPSG)
    known = [one is not None and not one.is_empty for one in flat]
    nowhere = float("-inf")
    east = [one.x if there else nowhere for one, there in zip(flat, known, strict=True)]
    north = [one.y if there else nowhere for one, there in zip(flat, known, strict=True)]
    return east, north


def _counted(told: pd.DataFrame, rules: PlaceRules, show: Sequence[str]) -> tuple[Found, ...]:
    """Count different things by labels, year and area, and give the class of each number."""
    years = pd.to_datetime(told[rules.date]).dt.year.tolist() if rules.date else [None] * len(told)
    labels = [tuple("" if pd.isna(one) else str(one) for one in row) for row in told[list(show)].to_numpy()]
    keys = list(zip(labels, years, told[PLACE], strict=True))
    things = set(zip(keys, told[rules.unit].astype("str"), strict=True))
    bands: dict[Any, tuple[int, ...]] = {}
    for key, lower in zip(keys, told["bands"], strict=True):
        bands[key] = max(bands.get(key, lower), lower, key=_coarseness)
    return tuple(
        sorted(
            Found(key[0], None if key[1] is None else int(key[1]), str(key[2]), banded(number, bands[key]))
            for key, number in Counter(key for key, _ in things).items()
            if number >= _fewest(bands[key])
        )
    )


def _coarseness(lower: Sequence[int]) -> tuple[int, list[int]]:
    """Order classes of numbers: fewer are coarser."""
    return -len(lower), list(lower)


def _fewest(lower: Sequence[int]) -> int:
    """Give the smallest number that is listed: one in the class of none is told apart from none by nothing."""
    return lower[1] if lower[0] == 0 and len(lower) > 1 else max(lower[0], 1)


def banded(number: int, lower: Sequence[int]) -> str:
    """
    Give the class of a number that is not below the first.

    Examples
    --------
    >>> [banded(number, (1, 4, 11)) for number in (1, 3, 4, 30)], banded(7, (1,))
    (['1–3', '1–3', '4–10', '11+'], '1+')
    """
    at = max(place for place, least in enumerate(lower) if least <= number)
    if at + 1 == len(lower):
        return f"{lower[at]}+"
    last = lower[at + 1] - 1
    return str(last) if last == lower[at] else f"{lower[at]}–{last}"


# ---- what is said -------------------------------------------------------------------------------------


def _withheld(rules: PlaceRules, titles: Mapping[str, Text]) -> Text:
    """List what is left out: the columns that are worth protecting and not told, and the running season."""
    told = {*rules.show, *(step.column for step in rules.steps.values())}
    left_out = [title for name, title in titles.items() if name not in told]
    said = Text(
        de=f"Nicht veröffentlicht: {', '.join(one.de for one in left_out)}." if left_out else "",
        en=f"Not published: {', '.join(one.en for one in left_out)}." if left_out else "",
    )
    season = season_text(rules.season)
    return Text(de=f"{said.de} {season.de}".strip(), en=f"{said.en} {season.en}".strip())


def season_text(season: Season | None) -> Text:
    """Say when what is seen in a season appears; nothing where there is none."""
    if season is None:
        return Text(de="", en="")
    (month, day), (last_month, last_day) = _day(season.start), _day(season.until)
    return Text(
        de=f"Was vom {day}. {MONTHS[month - 1].de} an beobachtet wird, erscheint frühestens nach dem "
        f"{last_day}. {MONTHS[last_month - 1].de}.",
        en=f"What is seen from {day} {MONTHS[month - 1].en} on appears after {last_day} "
        f"{MONTHS[last_month - 1].en} at the earliest.",
    )


_NAMES = (
    "Januar January", "Februar February", "März March", "April April", "Mai May", "Juni June", "Juli July",
    "August August", "September September", "Oktober October", "November November", "Dezember December",
)  # fmt: skip
MONTHS = tuple(Text(*pair.split()) for pair in _NAMES)


def _generalised(rules: PlaceRules) -> Text:
    """Say what is coarser than in the source; by the rules alone, whatever was found."""
    areas = [*_by_grid(rules), *_by_column(rules)]
    parts = (
        [
            Text(
                de=f"Orte nur {' oder '.join(one.de for one in areas)}",
                en=f"places only {' or '.join(one.en for one in areas)}",
            )
        ]
        if areas
        else []
    )
    if rules.date:
        parts.append(Text(de="Tage nur als Jahr", en="days only as years"))
    parts.append(Text(de="Anzahlen nur in Klassen", en="numbers only in classes"))
    de, en = "; ".join(one.de for one in parts), "; ".join(one.en for one in parts)
    return Text(de=f"{de}.", en=f"{en[:1].upper()}{en[1:]}.")


def _by_grid(rules: PlaceRules) -> Iterable[Text]:
    sizes = sorted({step.grid // 1000 for step in rules.steps.values() if step.grid}, reverse=True)
    if sizes:
        listed = [str(size) for size in sizes]
        yield Text(
            de=f"als Feld des europäischen Rasters, {_or(listed, 'oder')} km breit je nach Schutzbedarf",
            en=f"as cells of the European grid, {_or(listed, 'or')} km wide by need of protection",
        )


def _by_column(rules: PlaceRules) -> Iterable[Text]:
    if any(step.column for step in rules.steps.values()):
        yield Text(de="nach Gebieten der Stadt", en="by areas of the city")


def _or(listed: Sequence[str], word: str) -> str:
    return f" {word} ".join(filter(None, (", ".join(listed[:-1]), listed[-1])))


def _findings(name: str, *, locked: int, left_out: int) -> tuple[Finding, ...]:
    """Say inside the city how many rows stay inside."""
    return (
        Finding(
            rule="privacy.places",
            severity=Severity.note,
            subject=name,
            text=Text(
                de=f"{name}: {locked} Zeilen bleiben bis zum Ende der Schonzeit im Haus, {left_out} weitere "
                "sind zurückgehalten oder liegen außerhalb der Stadt.",
                en=f"{name}: {locked} rows stay inside until the season is over, {left_out} more are "
                "withheld or lie outside the city.",
            ),
            remedy=Text(de="Wie viele es sind, bleibt im Haus.", en="How many there are stays inside."),
        ),
    )


def _found(record: Mapping[str, Any]) -> Found:
    year = record["year"]
    return Found(
        tuple(str(one) for one in record["labels"]),
        None if year is None else int(year),
        str(record["place"]),
        str(record["number"]),
    )


def _not_shown(stray: Sequence[str], allowed: Sequence[str]) -> ProtectionError:
    listed, known = ", ".join(stray), ", ".join(allowed) or "–"
    return ProtectionError(
        "places.not-shown",
        Text(
            de=f"Diese Spalten dürfen nicht gezeigt werden: {listed}.",
            en=f"These columns may not be told: {listed}.",
        ),
        remedy=Text(
            de=f"Erlaubt sind: {known} (im Katalog unter privacy.places.show).",
            en=f"Allowed are: {known} (in the catalogue under privacy.places.show).",
        ),
    )


def _chosen(columns: Sequence[str], kind: str) -> ProtectionError:
    listed = ", ".join(columns)
    return ProtectionError(
        "places.rows",
        Text(
            de=f"Zeilen mit geschützten Orten dürfen nicht danach ausgewählt werden: {listed}.",
            en=f"Rows with protected places may not be chosen by this: {listed}.",
        ),
        remedy=Text(
            de=f"Lassen Sie unter rows: im Manifest höchstens {kind} stehen; auswählen lässt sich danach, im Bericht.",
            en=f"Leave at most {kind} under rows: in the manifest; choose afterwards, in the report.",
        ),
        why=Text(
            de="Die Auswahl wird mit veröffentlicht. „Nur in diesem Bezirk“ oder „nur an diesem Tag“ verriete, was "
            "das Raster verbirgt.",
            en="The choice is published, too. “Only in this borough” or “only on this day” would tell what the grid "
            "hides.",
        ),
    )


def _lacking(missing: Sequence[str]) -> ProtectionError:
    listed = ", ".join(missing)
    return ProtectionError(
        "places.columns",
        Text(
            de=f"Zum Schutz der Orte fehlen Spalten: {listed}.",
            en=f"Columns are missing that the protection of places needs: {listed}.",
        ),
        remedy=Text(
            de="Nennen Sie sie unter inputs: im Manifest.", en="Name them under inputs: in the manifest."
        ),
    )


def _no_points() -> ProtectionError:
    return ProtectionError(
        "places.geometry",
        Text(
            de="Ein Raster braucht Punkte mit bekanntem Koordinatensystem.",
            en="A grid needs points with a known coordinate system.",
        ),
        remedy=Text(
            de="Lesen Sie die Spalte mit der Geometrie; Flächen und Linien gehören vorher auf Punkte gebracht.",
            en="Read the column with the geometry; turn areas and lines into points before.",
        ),
    )


def _no_outline() -> ProtectionError:
    return ProtectionError(
        "places.outline",
        Text(de="Der Umriss der Stadt fehlt.", en="The outline of the city is missing."),
        remedy=Text(
            de="Nennen Sie den Datensatz unter privacy.places.outline im Katalog und unter inputs: im Manifest.",
            en="Name its dataset under privacy.places.outline in the catalogue and under inputs: in the manifest.",
        ),
        why=Text(
            de="Ein Feld, das kaum in der Stadt liegt, verriete den Ort genauer, als es groß ist.",
            en="A cell that hardly lies in the city would tell a place more exactly than its size says.",
        ),
    )


def _no_day() -> ProtectionError:
    return ProtectionError(
        "places.season",
        Text(
            de="Es ist nicht bekannt, welche Schonzeit gerade läuft.",
            en="It is not known which season is running.",
        ),
        remedy=Text(de="Geben Sie before= an.", en="Give before=."),
    )


def _not_a_record() -> UsageError:
    return UsageError(
        "places.record",
        Text(
            de="Das ist kein Datensatz geschützter Orte dieser Version.",
            en="This is no record of protected places of this version.",
        ),
        remedy=Text(de="Bauen Sie den Bericht neu.", en="Build the report again."),
    )
