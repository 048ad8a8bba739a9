"""
``reports/<name>.yaml``: what is published, for which parameters, in which roles.

One file per report; the file's name is the report's name. All mistakes of all files are told at once, with
file, line and path.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stadtbuch.catalog import files, mistakes
from stadtbuch.catalog.licences import LICENCES
from stadtbuch.errors import Problem, ReportError, UsageError
from stadtbuch.model.report import Report
from stadtbuch.reports import matrix
from stadtbuch.runs import schedule
from stadtbuch.session.city import City
from stadtbuch.settings import Settings
from stadtbuch.texts import Text

APPROVALS = "approvals.yaml"
REVIEWS = "reviews.yaml"
DECIDED = (APPROVALS, REVIEWS)
"""Files of what people decided about reports; no definitions."""
UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ẞ": "SS"}
)
NO_CELL = "_"
"""The folder of a report without cells, in the archive and nowhere else."""

NOTEBOOK_KEYS = ("prepare", "report")


@dataclass(frozen=True, slots=True)
class Cell:
    """
    One page of a report: its place in addresses, and its parameters.

    `slug` is empty for a report without cells.
    """

    slug: str
    parameters: Mapping[str, Any]

    @property
    def folder(self) -> str:
        """Give the folder of the cell in the archive."""
        return self.slug or NO_CELL


def load(settings: Settings) -> dict[str, Report]:
    """
    Read the definitions of all reports of a city.

    Returns
    -------
    dict
        Name -> report, by name.

    Raises
    ------
    ReportError
        ``report.invalid`` with every mistake of every file.
    """
    folder = settings.folder("reports")
    problems: list[Problem] = []
    reports: dict[str, Report] = {}
    for path in sorted(path for path in folder.glob("*.yaml") if path.name not in DECIDED):
        report, found = read(path, settings=settings)
        problems += found
        if report is not None:
            reports[report.name] = report
    problems += _unknown_related(reports.values(), reports, settings)
    if problems:
        raise _invalid(problems)
    return reports


def named(settings: Settings, names: Sequence[str]) -> list[Report]:
    """
    Read the definitions of the named reports, or of all where no name is given.

    A mistake in another definition stops none of those that are named.

    Raises
    ------
    UsageError
        ``report.unknown``.
    ReportError
        ``report.invalid``.
    """
    if not names:
        return list(load(settings).values())
    known = all_names(settings)
    problems: list[Problem] = []
    found: list[Report] = []
    for name in sorted(set(names)):
        if name not in known:
            raise unknown(name, known=known)
        report, told = read(settings.folder("reports") / f"{name}.yaml", settings=settings)
        problems += [*told, *(_unknown_related([report], known, settings) if report else ())]
        found += [report] if report else []
    if problems:
        raise _invalid(problems)
    return found


def all_names(settings: Settings) -> list[str]:
    """Give the names of all reports, whatever is wrong with them."""
    return sorted(path.stem for path in settings.folder("reports").glob("*.yaml") if path.name not in DECIDED)


def alone(name: str, settings: Settings) -> Report | None:
    """
    Read the definition of one report, whatever is wrong with others; ``None`` if there is none any more.

    Raises
    ------
    ReportError
        ``report.invalid`` if nothing can be made of this definition.
    """
    path = settings.folder("reports") / f"{name}.yaml"
    if not path.exists():
        return None
    report, problems = read(path, settings=settings)
    if report is None:
        raise _invalid(problems)
    return report


def readable(settings: Settings) -> dict[str, Report]:
    """Read what can be read: for pages of editions that exist, which no later mistake may keep in public."""
    paths = sorted(path for path in settings.folder("reports").glob("*.yaml") if path.name not in DECIDED)
    found = (read(path, settings=settings)[0] for path in paths)
    return {report.name: report for report in found if report is not None}


def read(path: Path, *, settings: Settings) -> tuple[Report | None, list[Problem]]:
    """Read one definition; give the report, or ``None``, and every mistake found."""
    located, problems = files.read(path, name=f"{settings.paths.reports}/{path.name}")
    if located is None:
        return None, problems
    try:
        report = Report(
            name=path.stem, **{key: value for key, value in located.data.items() if key != "name"}
        )
    except ValidationError as error:
        return None, [*problems, *_mistakes(error, located)]
    return report, [*problems, *_inconsistent(report, located, settings.root)]


def schema() -> dict[str, Any]:
    """Give the JSON Schema of a definition, as it is shipped in ``share/schemas/report.schema.json``."""
    made = Report.model_json_schema(by_alias=True)
    made["properties"].pop("name")  # it is the file's name
    made["required"].remove("name")
    described = {name: _first_paragraph(kind) for name, kind in made.pop("$defs").items()}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**head, **_first_paragraph(made), "title": "Stadtbuch report", "$defs": described}


def _first_paragraph(kind: dict[str, Any]) -> dict[str, Any]:
    """Keep of a docstring what helps in an editor."""
    said = kind.get("description")
    return {**kind, "description": said.split("\n\n")[0]} if said else kind


def _mistakes(error: ValidationError, located: files.Located) -> Iterator[Problem]:
    for one in error.errors():
        said = mistakes.problem(one, Report, located, ())
        yield replace(said, code=said.code.replace("catalog.", "report."))


def _inconsistent(report: Report, located: files.Located, root: Path) -> Iterator[Problem]:
    """Find what is well-formed and still wrong: missing notebooks, cells that do not fit together."""
    if "name" in located.data:
        what = Text(de="Der Name steht im Dateinamen.", en="The name stands in the file's name.")
        yield located.problem(("name",), "report.name", what)
    for key in NOTEBOOK_KEYS:
        path = getattr(report, key)
        if path is not None and not _inside(root, path):
            yield located.problem((key,), "report.notebook", *_NO_NOTEBOOK)
    for place, code, what, remedy in (*matrix.mistakes(report), *_timing(report)):
        yield located.problem(place, f"report.{code}", what, remedy)
    if report.license not in LICENCES:
        what = Text(de="ist keine bekannte Lizenz", en="is an unknown licence")
        yield located.problem(
            ("license",), "report.license", what, mistakes.did_you_mean(report.license, LICENCES)
        )


def _timing(report: Report) -> Iterator[matrix.Mistake]:
    """Find what is wrong with the schedule, and with parameters that take their value from it."""
    for key, code, what, remedy in schedule.mistakes(report.schedule) if report.schedule else ():
        yield (("schedule", key) if key else ("schedule",)), code, what, remedy
    for name, value in report.fixed.items():
        match = schedule.TEMPLATE.fullmatch(value) if isinstance(value, str) else None
        if match and match[1] not in schedule.PERIODS:
            what = Text(de="ist keine bekannte Zeitangabe", en="is no known period")
            yield ("fixed", name), "fixed-period", what, mistakes.did_you_mean(match[1], schedule.PERIODS)
        elif match and (report.schedule is None or report.schedule.cron is None):
            yield ("fixed", name), "fixed-period", *_NO_CRON


_NO_NOTEBOOK = (
    Text(de="Dieses Notebook gibt es nicht.", en="There is no such notebook."),
    Text(
        de="Pfad ab dem Ordner der Stadt, mit .ipynb am Ende.",
        en="A path from the city's folder, ending in .ipynb.",
    ),
)
_NO_CRON = (
    Text(de="braucht einen Zeitplan mit cron", en="needs a schedule with cron"),
    Text(
        de='Schreiben Sie schedule: {cron: "0 6 1 * *"}; bei neuen Fassungen gibt es keinen festen Tag.',
        en='Write schedule: {cron: "0 6 1 * *"}; new versions have no fixed day.',
    ),
)


def _inside(root: Path, path: str) -> bool:
    """Whether a path names a notebook below the city's folder."""
    target = (root / path).resolve()
    return path.endswith(".ipynb") and target.is_relative_to(root.resolve()) and target.is_file()


def _unknown_related(
    reports: Iterable[Report], known: Collection[str], settings: Settings
) -> Iterator[Problem]:
    for report in reports:
        for other in report.related:
            if other not in known:
                what = Text(de=f"Es gibt keinen Bericht {other}.", en=f"There is no report {other}.")
                hint = mistakes.did_you_mean(other, known)
                file = f"{settings.paths.reports}/{report.name}.yaml"
                yield Problem(file, None, "related", what, hint, "report.related")


def _invalid(problems: Sequence[Problem]) -> ReportError:
    return ReportError(
        "report.invalid",
        Text(
            de="Eine Berichtsdatei ist nicht gültig."
            if len(problems) == 1
            else f"Die Berichtsdateien haben {len(problems)} Fehler.",
            en="A report file is not valid."
            if len(problems) == 1
            else f"The report files have {len(problems)} mistakes.",
        ),
        problems=problems,
        remedy=Text(de="Berichtigen Sie die genannten Stellen.", en="Correct the places named."),
    )


def choose(reports: Mapping[str, Report], names: Sequence[str]) -> list[Report]:
    """
    Give the named reports, or all where no name is given.

    Raises
    ------
    UsageError
        ``report.unknown``, with what could have been meant.
    """
    for name in names:
        if name not in reports:
            raise unknown(name, known=list(reports))
    return [report for name, report in reports.items() if not names or name in names]


def unknown(name: str, *, known: Sequence[str]) -> UsageError:
    """Say that there is no report of this name."""
    near = get_close_matches(name, list(known), n=1)
    return UsageError(
        "report.unknown",
        Text(de=f"Es gibt keinen Bericht {name}.", en=f"There is no report {name}."),
        remedy=(Text(de=f"Meinten Sie {near[0]}?", en=f"Did you mean {near[0]}?") if near else None)
        or Text(de="„stadtbuch report list“ zeigt alle.", en='"stadtbuch report list" shows all.'),
    )


def cells(report: Report, *, values: matrix.Values, day: date | None = None) -> list[Cell]:
    """
    Give the cells of a report, `also` first, then all combinations in declared order.

    Parameters
    ----------
    report
        The definition.
    values
        Dataset id and column -> the values that occur, sorted.
    day
        The nominal day for which the report is built; fixed parameters may be counted from it.

    Raises
    ------
    ReportError
        ``report.cells-alike`` if two cells would have one address; ``report.no-cells``;
        ``report.too-many-cells``.

    Examples
    --------
    >>> from stadtbuch.texts import same
    >>> report = Report(name="r", title=same("R"), summary=same("R"), report="r.ipynb", release="automatic",
    ...                 cells={"borough": ("Mitte", "Süd")}, also=({"borough": "all"},), fixed={"year": 2025},
    ...                 roles={"author": "a", "release": "b"})
    >>> [cell.slug for cell in cells(report, values=lambda dataset, column: [])]
    ['all', 'mitte', 'sued']
    """
    common = fixed(report, day=day) if day else report.fixed
    chosen = matrix.combinations(report, values=values)
    found = [Cell(slug_of(one.values()), {**one, **common}) for one in chosen]
    numbers = Counter(cell.slug for cell in found)
    alike = [cell.slug for cell in found if numbers[cell.slug] > 1]
    if alike:
        raise _alike(report.name, alike[0])
    return found


def day_of(report: Report, city: City) -> date:
    """Give the nominal day for which a report is built now: the last one of its schedule, else today."""
    return schedule.day_of(report.schedule, now=city.now, zone=city.settings.city.zone)


def fixed(report: Report, *, day: date) -> dict[str, Any]:
    """Give the parameters that all cells share, as they are on a nominal day."""
    return {name: schedule.filled(value, day=day) for name, value in report.fixed.items()}


def _alike(name: str, slug: str) -> ReportError:
    return ReportError(
        "report.cells-alike",
        Text(
            de=f"Zwei Seiten des Berichts {name} hätten dieselbe Adresse: {slug}.",
            en=f"Two pages of the report {name} would have the same address: {slug}.",
        ),
        why=Text(
            de="Die Adresse entsteht aus den Parameterwerten in Kleinbuchstaben ohne Sonderzeichen.",
            en="The address is made from the parameters' values in small letters without special signs.",
        ),
        remedy=Text(
            de="Nehmen Sie eindeutige Werte, etwa Schlüssel.", en="Take unambiguous values, such as codes."
        ),
    )


def slug_of(values: Iterable[Any]) -> str:
    """
    Give the address of a cell: its values in declared order.

    Examples
    --------
    >>> slug_of(["Süd", 2025])
    'sued-2025'
    """
    return "-".join(slug(value) for value in values)


def slug(value: Any) -> str:
    """
    Write a value so that it can stand in an address and a file name.

    Examples
    --------
    >>> slug("Höhe-Süd / Mühlweg"), slug("Straße des 17. Juni"), slug(2025)
    ('hoehe-sued-muehlweg', 'strasse-des-17-juni', '2025')
    """
    folded = unicodedata.normalize("NFC", str(value)).translate(UMLAUTS)
    plain = unicodedata.normalize("NFKD", folded).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "x"
