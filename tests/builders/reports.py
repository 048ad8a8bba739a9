"""
A city with two reports that can be built: one from the closed register in two steps, one from open data.

Valid by default; change one thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
import yaml
from builders.city import Made, a_city, a_dataset, a_manifest, fenced
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROLES = {"*": ["analyst", "head-of-statistics"]}
BOTH = {"de": "Text", "en": "Text"}

START = "import stadtbuch as sb\ncity = sb.city()"
HEADLINE = (
    "frame = city.load('geography.boroughs')\n"
    "sb.headline(float(frame['area'].sum()), unit={'de': 'km²', 'en': 'km²'}, at='2025-12-31')\n"
    "sb.publish('area_total', float(frame['area'].sum()), unit='km²')"
)
TABLE = "sb.table(frame, name='areas', caption={'de': 'Flächen', 'en': 'Areas'})"
FIGURE = """
import altair as alt
def chart(lang):
    title = {'de': 'Fläche', 'en': 'Area'}[lang]
    return alt.Chart(frame).mark_bar().encode(x=alt.X('area:Q', title=title), y='borough:N')
sb.figure(chart, name='areas', title={'de': 'Bezirk 01 ist größer', 'en': 'Borough 01 is larger'},
          subtitle={'de': 'Fläche in km²', 'en': 'Area in km²'},
          alt={'de': 'Zwei Balken.', 'en': 'Two bars.'}, data=frame,
          reading_help={'de': 'Länger heißt größer.', 'en': 'Longer means larger.'})
"""
PROTECT = (
    "people = city.load('population.residents')\n"
    "sb.protect(people.groupby('borough').size(), name='by_borough', dataset='population.residents')"
)
TOTAL = (
    "table = city.load('people.by_borough')\n"
    "sb.headline(table.total(), unit={'de': 'Menschen', 'en': 'people'}, at='2025-12-31')\n"
    "sb.table(table, name='people', caption={'de': 'Menschen', 'en': 'People'})"
)
SECTIONS = ("main-points", "method", "limits")


def texts(sections: Sequence[str] = SECTIONS, languages: Sequence[str] = ("de", "en")) -> list[Any]:
    """Give the Markdown cells that every report needs."""
    return [
        new_markdown_cell(
            f"{section} ({language})", id=f"{section}-{language}", metadata={"tags": [language, section]}
        )
        for section in sections
        for language in languages
    ]


def write_notebook(
    root: Path,
    name: str,
    *code: str,
    manifest: Mapping[str, Any],
    words: Sequence[Any] | None = None,
    parameters: str | None = None,
) -> Path:
    """Write a notebook with manifest, code and texts below ``notebooks/``."""
    cells = [new_markdown_cell(fenced(manifest), id="manifest")]
    if parameters is not None:
        cells.append(new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]}))
    cells += [new_code_cell(source, id=f"code-{number}") for number, source in enumerate(code)]
    path = root / "notebooks" / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=[*cells, *(texts() if words is None else words)]), path)
    return path


def write_report(root: Path, name: str, **changes: Any) -> None:
    """Write the definition of a report that reads open data; None removes a key."""
    definition: dict[str, Any] = {
        "title": {"de": "Wie groß ist die Stadt?", "en": "How large is the city?"},
        "summary": {"de": "Die Fläche der Stadt.", "en": "The area of the city."},
        "report": f"notebooks/{name}.ipynb",
        "release": "automatic",
        "roles": {"author": "analyst", "release": "head-of-statistics"},
    }
    content = {key: value for key, value in (definition | changes).items() if value is not None}
    (root / "reports").mkdir(exist_ok=True)
    (root / "reports" / f"{name}.yaml").write_text(
        yaml.safe_dump(content, allow_unicode=True), encoding="utf-8"
    )


def write_open_report(root: Path, name: str = "area", *code: str, **changes: Any) -> None:
    """Write the report that reads open data only."""
    write_notebook(root, name, *(code or (START, HEADLINE, FIGURE, TABLE)), manifest=a_manifest())
    write_report(root, name, **changes)


def write_closed_report(root: Path, name: str = "people", **changes: Any) -> None:
    """Write the report in two steps: a protected table of the register, and a page from it."""
    preparing = a_manifest(
        purpose="age-structure",
        risk="low",
        inputs={"population.residents": {"columns": ["borough", "age"]}},
        gives=["by_borough"],
    )
    write_notebook(root, f"{name}.prepare", START, PROTECT, manifest=preparing, words=[])
    write_notebook(root, name, START, TOTAL, manifest=a_manifest(inputs={f"{name}.by_borough": {}}))
    told = {"prepare": f"notebooks/{name}.prepare.ipynb", "release": "approval"}
    write_report(root, name, **{**told, **changes})


def a_publishing_city(root: Path, **changes: Any) -> Made:
    """Make the city with both reports."""
    made = a_city(root, **{"roles": ROLES, **changes})
    write_open_report(root)
    write_closed_report(root)
    return made


__all__ = [
    "BOTH",
    "ROLES",
    "a_dataset",
    "a_publishing_city",
    "write_closed_report",
    "write_notebook",
    "write_open_report",
]
