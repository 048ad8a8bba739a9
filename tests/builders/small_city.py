"""
A small, complete city for tests of pages: settings, catalogue, two reports, an archive with real figures.

Everything is valid by default and nothing of it comes from a notebook run, so it is there in a second. Records,
SVG and editions are written by the library's own functions: their form is the real one.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import altair as alt
import nbformat
import pandas as pd
from builders.decisions import DECISIONS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from stadtbuch import atomic, settings
from stadtbuch.model.dataset import Dataset
from stadtbuch.model.report import Approval, Edition, Report
from stadtbuch.model.verdict import decide
from stadtbuch.reports import crate, editions, figures, library, packages, tables
from stadtbuch.reports.definitions import Cell
from stadtbuch.runs.plan import Request
from stadtbuch.state import State
from stadtbuch.store import Store
from stadtbuch.texts import Text

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)

TOML = f"""
schema_version = 1
[city]
name = "Musterstadt"
key = "990020000000"
timezone = "Europe/Berlin"
language = "de"
publisher = {{de = "Statistikstelle Musterstadt", en = "Statistics Office of Musterstadt"}}
contact = "statistik@musterstadt.example"
claim = {{de = "Zahlen, die man nachrechnen kann", en = "Figures that can be checked"}}
synthetic = true
{DECISIONS}[catalog]
domains = ["population", "mobility"]
"""

BUDGET = {
    "epsilon": 1.5,
    "reason": {"de": "Wenige grobe Antworten.", "en": "A few coarse answers."},
    "decided_by": "head-of-statistics",
    "decided": "2026-01-10",
}

MANIFEST = """```yaml
stadtbuch:
  purpose: age-structure
  benefit: {de: "Hilft bei der Planung von Schulen.", en: "Helps to plan schools."}
  misuse: {de: "Sagt nichts über einzelne Menschen.", en: "Says nothing about single people."}
  risk: low
  parameters:
    borough: {type: choice, label: {de: Stadtbezirk, en: Borough}}
    reference_date: {type: date, label: {de: Stichtag, en: Reference date}}
    year: {type: integer, label: {de: Jahr, en: Year}}
  inputs:
    population.by_age: {}
```"""

TEXTS = """
# de main-points
## Hauptaussagen

- Die meisten Menschen sind **zwischen 30 und 59** Jahre alt.
- In Mitte wohnen mehr junge Menschen als in Süd.
- Die Zahl der Hochbetagten ist klein.
# en main-points
## Main points

- Most people are **between 30 and 59** years old.
- More young people live in Mitte than in Süd.
- There are few very old people.
# de
# Wer wohnt wo?

## Die Mitte ist jung

Jede dritte Person ist unter 30 Jahre alt. Das liegt an der Hochschule und den vielen kleinen Wohnungen in der Altstadt;
siehe [Gesetz](https://www.example.org/gesetz).
# en
# Who lives where?

## The centre is young

Every third person is under 30 years old. The reasons are the college and the many small flats in the old town;
see the [law](https://www.example.org/law).
# de method
## Methode

Gezählt wurde zum Stichtag aus dem Melderegister. H<sub>2</sub>O bleibt, <script>alert(1)</script> nicht.

### Altersgruppen

Fünf Jahre breit.
# en method
Counted at the reference date from the register. <img src=x onerror=alert(1)>
# de limits
Das Register kennt nicht alle, die in der Stadt schlafen.
# en limits
The register does not know everybody who sleeps in the city.
# de glossary
Stichtag
: Der Tag, für den die Zahl gilt.

Hauptwohnung
: Die Wohnung, in der jemand vorwiegend lebt.
# en glossary
Reference date
: The day a figure holds for.

Main residence
: The flat in which somebody mostly lives.
"""
"""The Markdown cells of the notebook; a line ``# de method`` gives the tags of what follows."""

CELL = re.compile(
    r"^# ((?:de|en)(?: [a-z-]+)?)\n(.*?)(?=^# (?:de|en)(?: [a-z-]+)?$|\Z)", re.MULTILINE | re.DOTALL
)


def make_settings(root: Path) -> settings.Settings:
    """Write and read the settings of the city."""
    root.mkdir(parents=True, exist_ok=True)
    (root / settings.FILE).write_text(TOML, encoding="utf-8")
    return settings.read(root)


def a_dataset(name: str = "population.by_age", *, access: str = "open", **changes: Any) -> Dataset:
    """Make a valid dataset; `changes` replace single fields."""
    reason = {
        "kind": "personal-data",
        "text": {"de": "Jede Zeile beschreibt einen Menschen.", "en": "Every row describes a person."},
        "legal_basis": "BMG § 3, DSGVO Art. 5",
        "decided_by": "data-owner",
        "decided": "2026-01-10",
        "review": "2028-01-10",
    }
    prepared = {
        "tried": ["aggregate"],
        "outcome": {"de": "Als Tabelle nach Alter veröffentlicht.", "en": "Published as a table by age."},
    }
    fields = [
        {"name": "borough", "type": "string", "title": {"de": "Stadtbezirk", "en": "Borough"}},
        {
            "name": "age",
            "type": "integer",
            "unit": "year",
            "title": {"de": "Alter", "en": "Age"},
            "privacy": "quasi-identifier",
        },
        {"name": "value", "type": "integer", "title": {"de": "Anzahl", "en": "Count"}},
    ]
    described: dict[str, Any] = {
        "id": name,
        "domain": name.partition(".")[0],
        "title": {"de": f"Einwohner nach Alter ({name})", "en": f"Residents by age ({name})"},
        "description": {"de": "Wie viele Menschen in jedem Alter.", "en": "How many people of each age."},
        "keyword": {"de": ["Einwohner"], "en": ["residents"]},
        "publisher": "statistics-office",
        "owner": "head-of-statistics",
        "steward": "steward-statistics",
        "contactPoint": "statistik@musterstadt.example",
        "license": "dl-de/by-2-0" if access == "open" else None,
        "attribution": {"de": "Statistikstelle Musterstadt", "en": "Statistics Office of Musterstadt"},
        "issued": "2026-01-10",
        "source": {"reader": "csv", "url": f"{{DATA}}/{name}.csv"},
        "access": {"class": access}
        | ({} if access == "open" else {"reason": reason, "preparation": prepared})
        | (
            {"grants": [{"role": "analyst", "purposes": ["age-structure"], "until": "2027-12-31"}]}
            if access == "shared"
            else {}
        ),
        "privacy": {"unit": "none"} if access == "open" else {"unit": "person", "budget": BUDGET},
        "schema": {"primaryKey": ["borough"], "fields": fields},
        "misuse": {"de": "Nicht für Aussagen über Einzelne.", "en": "Not for statements about individuals."},
    }
    return Dataset.model_validate(described | changes)


def make_datasets() -> dict[str, Dataset]:
    """Make one dataset of each class."""
    made = [
        a_dataset(),
        a_dataset(
            "mobility.counts",
            title={"de": "Radzählungen", "en": "Bicycle counts"},
            keyword={"de": ["Rad"], "en": ["bike"]},
        ),
        a_dataset(
            "population.register", access="closed", title={"de": "Melderegister", "en": "Population register"}
        ),
        a_dataset(
            "mobility.trips",
            access="shared",
            title={"de": "Wege aus der Befragung", "en": "Trips from the survey"},
        ),
    ]
    return {one.id: one for one in made}


def make_reports() -> dict[str, Report]:
    """Make the definitions of both reports."""
    roles = {"author": "analyst", "release": "head-of-statistics"}
    later = {"de": "Januar 2027", "en": "January 2027"}
    made = [
        Report(
            name="who-lives-where",
            title=Text(de="Wer wohnt wo?", en="Who lives where?"),
            summary=Text(
                de="Wie viele Menschen in jedem Stadtbezirk leben und wie alt sie sind.",
                en="How many people live in each borough and how old they are.",
            ),
            report="notebooks/who-lives-where.ipynb",
            cells={"borough": ("Mitte", "Süd")},
            also=({"borough": "all"},),
            release="approval",
            roles=roles,
            next_release=later,
            related=("how-people-cycle",),
        ),
        Report(
            name="how-people-cycle",
            title=Text(de="Wie radelt die Stadt?", en="How does the city cycle?"),
            summary=Text(de="An welchen Tagen die Menschen Rad fahren.", en="On which days people cycle."),
            report="notebooks/how-people-cycle.ipynb",
            fixed={"year": 2025},
            release="automatic",
            roles=roles,
            next_release=later,
            related=("who-lives-where",),
        ),
    ]
    return {one.name: one for one in made}


def make_archive(state: State, work: Path) -> None:
    """Fill the archive: three cells of one report, two editions of the other."""
    for cell, borough in (("all", "all"), ("mitte", "Mitte"), ("sued", "Süd")):
        parameters = {"borough": borough, "reference_date": "2025-12-31"}
        put(state, work, report="who-lives-where", cell=cell, name="2026-01-15", parameters=parameters)
    for name in ("2026-01-14", "2026-01-15"):
        put(state, work, report="how-people-cycle", cell="", name=name, parameters={"year": 2025})


def put(state: State, work: Path, *, report: str, cell: str, name: str, parameters: dict[str, Any]) -> Path:
    """Lay one edition into the archive, as a build would."""
    definition = make_reports()[report]
    run = work / f"{report}-{cell}-{name}"
    closed = report == "who-lives-where"
    files = make_files(run, report=report, title=definition.title)
    files |= make_package(definition, cell, parameters)
    edition = Edition(
        id=editions.identify(report, cell, name),
        report=report,
        cell=cell,
        edition=name,
        title=definition.title,
        parameters=parameters,
        made_at=NOW,
        run_keys={"report": "a" * 64} | ({"prepare": "b" * 64} if closed else {}),
        code="c" * 64,
        rules="2026.1",
        library="stadtbuch 0.1.0",
        inputs=tuple(
            an_input(one) for one in (["population.register"] if closed else []) + ["population.by_age"]
        ),
        files=editions.describe(files),
        results=tuple(json.loads(files["results.json"])),
        decision=decide(
            [],
            passed=Text(
                de="Geprüft nach Regelwerk 2026.1, kein Befund.", en="Checked by rules 2026.1, no finding."
            ),
        ),
        approval=Approval(role="head-of-statistics", decided=date(2026, 1, 14), code="c" * 64, rules="2026.1")
        if closed
        else None,
        book_head={"entries": 12, "head": "d" * 64},
    )
    folder = editions.place(state, report, cell) / name
    editions.lay(folder, *crate.seal(edition, files))
    return folder


def make_package(report: Report, cell: str, parameters: dict[str, Any]) -> dict[str, bytes]:
    """Write the package of an edition: its one input is made up, everything else is as a build writes it."""
    rows, known = b"rows", {"borough": "all"} | parameters
    environment = {"source": "installed distributions", "sha256": "0" * 64, "python": "3.11.7"}
    facts = {
        "key_parts": {
            "environment": environment,
            "library": {"version": "0.1.0", "sha256": "1" * 64},
            "code": "c" * 64,
        },
        "inputs": {
            "population.by_age": {
                "file": "inputs/population.by_age.parquet",
                "sha256": atomic.digest(rows),
                "class": "open",
            }
        },
        "parameters": known,
        "now": NOW.isoformat(),
        "engine": "plain",
    }
    request = Request(
        key="a" * 64,
        key_parts=facts["key_parts"],
        folder=Path(),
        info=facts,
        restricted=False,
        notebook=nbformat.writes(make_notebook(), version=4),
        inputs={},
        modules={},
    )
    publisher = Text(de="Statistikstelle Musterstadt", en="Statistics Office of Musterstadt")
    parts = packages.Parts(report, Cell(cell, parameters), publisher, request, facts, Path())
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.put(rows)
        return packages.made(parts, store=store)


def an_input(name: str) -> dict[str, Any]:
    """Describe one input as the planner does."""
    dataset = make_datasets()[name]
    return {
        "id": name,
        "class": str(dataset.access_class),
        "title": dataset.title.as_dict(),
        "version": "e" * 64,
        "licence": dataset.license,
        "licence_title": {
            "de": "Datenlizenz Deutschland – Namensnennung",
            "en": "Data licence Germany – attribution",
        }
        if dataset.license
        else None,
        "licence_url": "https://www.govdata.de/dl-de/by-2-0" if dataset.license else None,
        "attribution": dataset.attribution.as_dict() if dataset.attribution else None,
        "columns": [{"name": one.name, "title": one.title.as_dict()} for one in dataset.table.fields],
        "privacy_unit": "person",
        "min_count": None,
        "sensitive": False,
    }


def make_files(run: Path, *, report: str, title: Text) -> dict[str, bytes]:
    """Draw figure and table through `sb.figure` and `sb.table` in a run's folder, and give the edition's files."""
    (run / "outputs").mkdir(parents=True)
    facts = {
        "inputs": {"population.by_age": an_input("population.by_age")},
        "city": {"synthetic": True},
        "thresholds": {"min_count": 3, "min_count_sensitive": 5, "solver_nodes": 2000},
    }
    (run / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    before = os.environ.get("STADTBUCH_RUN")
    os.environ["STADTBUCH_RUN"] = str(run)
    try:
        show_outputs()
    finally:
        os.environ.pop("STADTBUCH_RUN") if before is None else os.environ.update(STADTBUCH_RUN=before)
    found = {
        path.relative_to(run / "outputs").as_posix(): path.read_bytes()
        for path in sorted((run / "outputs").rglob("*.*"))
    }
    notebook = nbformat.writes(make_notebook(), version=4).encode()
    csv = b"borough,age,value\nMitte,30,1200\n"
    return found | {
        f"notebooks/{report}.ipynb": notebook,
        "data/residents_by_age.csv": csv,
        "data/LICENCE.txt": b"dl-de/by-2-0\n",
    }


def show_outputs() -> None:
    """Call what an analyst calls: a headline, a figure, a table with a sign, a named result."""
    ages = [f"{first:02d}–{first + 9:02d}" for first in range(0, 100, 10)]
    frame = pd.DataFrame(
        {"age_group": ages, "value": [5100, 5600, 8900, 9400, 8700, 9100, 7600, 4300, 2200, 300]}
    )
    titles = {"de": "Menschen", "en": "People"}
    ages_title = {"de": "Altersgruppe", "en": "Age group"}

    def chart(language: str) -> alt.Chart:
        return (
            alt.Chart(frame)
            .mark_bar()
            .encode(
                x=alt.X("value:Q", title=titles[language]),
                y=alt.Y("age_group:O", title=ages_title[language], sort="descending"),
            )
        )

    tables.headline(61200, unit={"de": "Einwohnerinnen und Einwohner", "en": "residents"}, at="2025-12-31")
    figures.figure(
        chart,
        name="ages",
        title={
            "de": "Die Mitte des Lebens ist am stärksten besetzt",
            "en": "The middle of life is the largest group",
        },
        subtitle={
            "de": "Menschen nach Altersgruppe, Musterstadt, 31.12.2025",
            "en": "People by age group, Musterstadt, 31 Dec 2025",
        },
        alt={
            "de": "Balken nach Alter: Am längsten ist der Balken der 30- bis 39-Jährigen.",
            "en": "Bars by age: the bar of those aged 30 to 39 is the longest.",
        },
        data=frame,
        reading_help={
            "de": "Ein Balken steht für zehn Lebensjahre; je länger, desto mehr Menschen.",
            "en": "A bar stands for ten years of life; the longer, the more people.",
        },
        sources=["population.by_age"],
    )
    shown = pd.DataFrame({"borough": ["Mitte", "Süd"], "value": [40100, 21100]})
    tables.table(shown, name="boroughs", caption={"de": "Menschen je Stadtbezirk", "en": "People by borough"})
    tables.publish("residents_total", 61200, unit={"de": "Personen", "en": "persons"})


def make_notebook() -> nbformat.NotebookNode:
    """Write the executed notebook: manifest, texts in both languages, recorded outputs."""
    texts = [
        new_markdown_cell(words.strip(), metadata={"tags": tags.split()})
        for tags, words in CELL.findall(TEXTS)
    ]
    shown = [
        ("headline", "headline-1"),
        ("figure", "ages"),
        ("table", "boroughs"),
        ("result", "residents_total"),
    ]
    outputs = [
        new_output(
            "display_data", data={"text/plain": name}, metadata={"stadtbuch": {"kind": kind, "name": name}}
        )
        for kind, name in shown
    ]
    code = new_code_cell("import stadtbuch as sb\nsb.figure(...)", outputs=outputs)
    return new_notebook(cells=[new_markdown_cell(MANIFEST), *texts[:4], code, *texts[4:]])


def make_site(root: Path, *, today: date) -> Any:
    """Gather the facts of the city's site, as `stadtbuch.site.facts.gather` does for a real one."""
    from stadtbuch.site import downloads, facts

    state = State.open(root / "var")
    make_archive(state, root / "work")
    datasets = make_datasets()
    files = {"by_age.csv": b"borough,age,value\nMitte,30,1200\n", "by_age.parquet": b"PAR1"}
    handouts = {one.id: downloads.Handout("f" * 64, files) for one in datasets.values() if one.is_open}
    wheel = library.wheel()
    return facts.Site(
        contents={wheel.sha256: wheel.data},
        settings=make_settings(root),
        datasets=datasets,
        reports=make_reports(),
        shelves=facts.shelves(list(editions.history(state))),
        handouts=handouts,
        words={},
        tokens="",
        today=today,
        process=make_process(today),
    )


def make_process(today: date) -> dict[str, Any]:
    """Give figures of a process: two runs, some spared, one report below the first level."""
    from stadtbuch.settings import Energy
    from stadtbuch.transparency import levels, process

    spent = [process.Spent("ran", 2.5, 1.25), process.Spent("ran", 12.5, 9.0)]
    told = process.measure([], spent, [process.Review("rules", today)], energy=Energy(), today=today)
    told["runs"] |= {"ran": 2, "failed": 1}
    judged = {"who-lives-where": levels.judge(levels.Facts(readme=True))}
    return told | {"spared": {"runs": 1234, "since": "2026-01-02"}, "levels": judged}
