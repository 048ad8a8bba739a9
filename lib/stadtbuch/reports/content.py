"""What a report must say before it is published: sections in both languages, what it gives."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from stadtbuch.model.analysis import Manifest
from stadtbuch.model.dataset import AccessClass
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.texts import LANGUAGES, Text

SECTIONS = {
    "main-points": Text(de="Hauptaussagen", en="main points"),
    "method": Text(de="Methode", en="method"),
    "limits": Text(de="Stärken und Grenzen", en="strengths and limitations"),
}
LANGUAGE_NAMES = {"de": Text(de="Deutsch", en="German"), "en": Text(de="Englisch", en="English")}


def closed_inputs(inputs: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Refuse a public step that reads anything but open data: ``reports.closed-input``."""
    for name, one in inputs.items():
        if one.get("class") != AccessClass.open:
            yield _refuse(
                "reports.closed-input",
                name,
                Text(
                    de=f"Der öffentliche Teil liest {name}, und das ist nicht offen.",
                    en=f"The public step reads {name}, which is not open.",
                ),
                Text(
                    de="Bilden Sie in einem vorbereitenden Notebook (prepare:) geschützte Tabellen "
                    "mit sb.protect(...) und "
                    "lesen Sie hier nur diese.",
                    en="Make protected tables with sb.protect(...) in a preparing notebook "
                    "(prepare:) and read only those here.",
                ),
            )


def sections(notebook: Any, *, without: Collection[str] = ()) -> Iterator[Finding]:
    """
    Find sections that are missing (``reports.missing-section``) or that speak one language only
    (``reports.missing-language``).

    A cell is tagged with its section and its language; without a language it counts for both. A cell of code
    counts where it shows something recorded: `sb.points` and `sb.headline` speak both languages.
    """
    spoken = [
        cell
        for cell in notebook.cells
        if cell.source.strip() and (cell.cell_type == "markdown" or _shows(cell))
    ]
    for name, title in SECTIONS.items():
        if name in without:
            continue
        own = [cell for cell in spoken if name in _tags(cell)]
        if not own:
            yield _missing_section(name, title)
        else:
            yield from _missing_languages(name, title, own)
    other = [cell for cell in spoken if not _tags(cell) & SECTIONS.keys() and _tags(cell) & set(LANGUAGES)]
    if other:
        yield from _missing_languages("text", Text(de="Text", en="text"), other)


def _shows(cell: Any) -> bool:
    return any(output.get("metadata", {}).get("stadtbuch") for output in cell.get("outputs", []))


def _tags(cell: Any) -> set[str]:
    return set(cell.get("metadata", {}).get("tags", ()))


def _missing_section(name: str, title: Text) -> Finding:
    return _refuse(
        "reports.missing-section",
        name,
        Text(de=f"Der Abschnitt „{title.de}“ fehlt.", en=f'The section "{title.en}" is missing.'),
        Text(
            de=f"Schreiben Sie je eine Textzelle auf Deutsch und Englisch, mit den Tags {name}, de "
            f"und {name}, en.",
            en=f"Write a Markdown cell in German and one in English, tagged {name}, de and {name}, en.",
        ),
    )


def _missing_languages(name: str, title: Text, cells: Sequence[Any]) -> Iterator[Finding]:
    for language in LANGUAGES:
        if not any(language in _tags(cell) or not _tags(cell) & set(LANGUAGES) for cell in cells):
            spoken = LANGUAGE_NAMES[language]
            yield _refuse(
                "reports.missing-language",
                name,
                Text(
                    de=f"„{title.de}“ gibt es nicht auf {spoken.de}.",
                    en=f'"{title.en}" is not there in {spoken.en}.',
                ),
                Text(
                    de=f"Ergänzen Sie eine Textzelle mit dem Tag {language}.",
                    en=f"Add a Markdown cell tagged {language}.",
                ),
            )


def benefit(manifest: Manifest) -> Iterator[Finding]:
    """Find an analysis that does not say what it is good for: ``reports.missing-benefit``."""
    if not (manifest.benefit.de.strip() and manifest.benefit.en.strip()):
        yield _refuse(
            "reports.missing-benefit",
            "manifest",
            Text(
                de="Das Manifest sagt nicht, wem der Bericht nützt.",
                en="The manifest does not say whom the report serves.",
            ),
            Text(
                de='Ergänzen Sie benefit: {de: "...", en: "..."}.', en='Add benefit: {de: "...", en: "..."}.'
            ),
        )


def given(gives: Sequence[str], tables: Mapping[str, Any]) -> Iterator[Finding]:
    """Compare promised tables with those made: ``reports.not-given``, ``reports.not-declared``."""
    for name in gives:
        if name not in tables:
            yield _refuse(
                "reports.not-given",
                name,
                Text(de=f"Die Tabelle {name} wurde nicht gebildet.", en=f"The table {name} was not made."),
                Text(
                    de=f'Rufen Sie sb.protect(..., name="{name}") auf oder streichen Sie {name} unter gives.',
                    en=f'Call sb.protect(..., name="{name}"), or remove the name from gives.',
                ),
            )
    for name in tables:
        if name not in gives:
            yield _refuse(
                "reports.not-declared",
                name,
                Text(
                    de=f"Die Tabelle {name} steht nicht unter gives.",
                    en=f"The table {name} is not listed under gives.",
                ),
                Text(de=f"Nehmen Sie {name} unter gives: auf.", en=f"Add {name} to gives:."),
            )


def kept_counts(tables: Mapping[str, Mapping[str, Any]], *, least: Mapping[str, int]) -> Iterator[Finding]:
    """
    Find tables with a smaller count than their dataset allows: ``reports.small-count``.

    `sb.protect` does not make such tables; a file written by hand could be one.

    Parameters
    ----------
    tables
        Records by name.
    least
        Dataset id -> the minimum count that holds for it.
    """
    for name, record in tables.items():
        allowed = least.get(record["dataset"])
        is_sum = "sum" in record.get("measure", {})  # how many contribute to a sum is counted again
        values = [] if is_sum else [cell["value"] for cell in record["cells"] if cell["value"]]
        if allowed is None or record["min_count"] < allowed or any(value < allowed for value in values):
            yield _refuse(
                "reports.small-count",
                name,
                Text(
                    de=f"Die Tabelle {name} ist nicht nach der geltenden Mindestfallzahl geschützt.",
                    en=f"The table {name} is not protected by the minimum count that holds.",
                ),
                Text(de="Bilden Sie sie mit sb.protect(...).", en="Make it with sb.protect(...)."),
            )


def uncompared(datasets: Sequence[str]) -> Iterator[Finding]:
    """Note which datasets could not be read, so that their values were not looked for."""
    for name in datasets:
        yield Finding(
            rule="reports.not-compared",
            severity=Severity.note,
            subject=name,
            text=Text(
                de=f"{name} ist hier nicht lesbar; nach seinen Werten wurde nicht gesucht.",
                en=f"{name} cannot be read here; its values were not looked for.",
            ),
            remedy=Text(
                de="Der Lauf hat diesen Datensatz nicht gelesen. Liegt er anderswo, prüfen Sie dort noch einmal.",
                en="The run did not read this dataset. If it is kept elsewhere, check there once more.",
            ),
        )


def _refuse(rule: str, subject: str, said: Text, remedy: Text) -> Finding:
    return Finding(rule=rule, severity=Severity.refuse, subject=subject, text=said, remedy=remedy)
