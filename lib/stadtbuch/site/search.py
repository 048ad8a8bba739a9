"""
The site's own search: a list of everything with the words to find it by, small enough to be a page.

The list works as it is, without a script. With one, ``assets/search.js`` narrows it down while somebody types; words
are folded here and there in the same way, so that "Straße", "strasse" and "STRASSE" find each other. German puts
words together, so a word is found anywhere inside another one: "rad" finds "Fahrradzählung".
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stadtbuch.model.dataset import Dataset
from stadtbuch.reports.editions import Archived
from stadtbuch.reports.look import SHARE, pick
from stadtbuch.site import process, wording
from stadtbuch.texts import LANGUAGES, Text, same

if TYPE_CHECKING:
    from stadtbuch.site.facts import Site

SCRIPT = "assets/search.js"
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_WORD = re.compile(r"[^\W_]+")

REPORT = Text(de="Bericht", en="Report")
DASHBOARD = same("Dashboard")
EXHIBIT = Text(de="Beispiel von Bürgerinnen und Bürgern", en="Example from citizens")
DATASET = Text(de="Datensatz", en="Dataset")
TABLE = Text(de="Tabelle aus einem Bericht", en="Table from a report")
PAGE = Text(de="Seite", en="Page")


@dataclass(frozen=True)
class Entry:
    """
    One thing that can be found.

    Attributes
    ----------
    folder
        Where its page lies below the site's root.
    anchor
        A place on that page; empty for its beginning.
    words
        Language -> further texts to find it by.
    """

    kind: Text
    title: Text
    summary: Text
    folder: str
    words: Mapping[Any, tuple[str, ...]]
    anchor: str = ""

    @cached_property
    def index(self) -> dict[str, str]:
        """Give the folded words of each language, each once."""
        return {code: " ".join(dict.fromkeys(_words(self._texts(code)))) for code in LANGUAGES}

    def _texts(self, language: str) -> Iterator[str]:
        yield self.summary.pick(language)
        yield from self.words.get(language, ())


def fold(text: str) -> str:
    """
    Fold a text for comparison: case, umlauts, accents.

    Examples
    --------
    >>> fold("Straße"), fold("BEVÖLKERUNG"), fold("Café")
    ('strasse', 'bevoelkerung', 'cafe')
    """
    spelled = unicodedata.normalize("NFC", text).casefold().translate(_UMLAUTS)
    return "".join(one for one in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(one))


def _words(texts: Iterable[str]) -> Iterator[str]:
    return (word for text in texts for word in _WORD.findall(fold(text)) if len(word) > 1)


def script() -> bytes:
    """Give the script that narrows the list down."""
    return (SHARE / "theme" / "search.js").read_bytes()


def entries(site: Site) -> list[Entry]:
    """
    List everything that can be found: reports first, then data, then the other pages; by title within.

    Returns
    -------
    list of Entry
    """
    data = _by_title(map(_dataset, site.datasets.values()))
    return [*_reports(site), *_dashboards(site), *data, *_tables(site), *_exhibits(site), *_others(site)]


def _by_title(found: Iterable[Entry]) -> list[Entry]:
    return sorted(found, key=lambda one: fold(one.title.de))


def _reports(site: Site) -> Iterator[Entry]:
    """Give every page of every published report, with what its figures say."""
    for report in _in_order(site):
        definition = site.reports.get(report)
        summary = definition.summary if definition else same("")
        for cell, _ in site.cells(report):
            newest = site.newest(report, cell)
            if newest is not None:
                folder = newest.path.rpartition("/")[0]
                yield Entry(REPORT, site.cell_title(report, cell), summary, folder, _figure_words(newest))


def _in_order(site: Site) -> list[str]:
    return sorted(site.published(), key=lambda name: fold(site.report_title(name).de))


def _figure_words(archived: Archived) -> Mapping[Any, tuple[str, ...]]:
    """Give titles and subtitles of an edition's figures."""
    names = (file.path for file in archived.edition.files)
    records = [
        _record(archived.folder / name) for name in names if re.fullmatch(r"figures/[^/]+\.json", name)
    ]
    return {
        code: tuple(pick(one.get(key), code) for one in records for key in ("title", "subtitle"))
        for code in LANGUAGES
    }


def _record(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _dataset(it: Dataset) -> Entry:
    """Give a dataset with its keywords, columns and identifier."""
    words = {
        code: (
            it.id.replace(".", " ").replace("_", " "),
            wording.domain(it.domain).pick(code),
            wording.CLASSES[it.access_class.value][0].pick(code),
            *it.keyword.get(code, ()),
            *(f"{column.name.replace('_', ' ')} {column.title.pick(code)}" for column in it.table.fields),
        )
        for code in LANGUAGES
    }
    return Entry(DATASET, it.title, it.description, f"datasets/{it.id}", words)


def _tables(site: Site) -> Iterator[Entry]:
    """Give the protected tables that reports published."""
    for name, archived in site.derived():
        title = site.report_title(archived.edition.report)
        summary = Text(de=f"Aus dem Bericht „{title.de}“", en=f"From the report “{title.en}”")
        yield Entry(TABLE, same(name), summary, archived.path.rpartition("/")[0], {}, anchor="data")


def _dashboards(site: Site) -> Iterator[Entry]:
    """Give the dashboards that visitors may see."""
    for kept in site.dashboards:
        report = site.reports.get(kept.name)
        yield Entry(
            DASHBOARD, kept.title, report.summary if report else same(""), f"dashboards/{kept.name}", {}
        )


def _exhibits(site: Site) -> Iterator[Entry]:
    """Give what citizens made of the data."""
    for exhibit in site.exhibits:
        yield Entry(EXHIBIT, exhibit.title, exhibit.reason, exhibit.path, {})


def _others(site: Site) -> Iterator[Entry]:
    """Give the pages that are the same in every city."""
    for folder, (title, summary) in wording.STANDING.items():
        if folder != process.FOLDER or site.process is not None:
            yield Entry(PAGE, title, summary, folder, {})
