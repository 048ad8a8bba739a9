"""
The look of every page: Jinja templates, one style sheet, and how dates, sizes and texts are written.

Templates and style sheets are files of the package (``share/``), found by its own path, so that no Jupyter data
folder, network or working directory decides what a page looks like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stadtbuch.settings import City
from stadtbuch.texts import LANGUAGES, Text, count, decimal

SHARE = Path(__file__).resolve().parent.parent / "share"
# base-uri cannot fall back to default-src, so the page says it: no element may bend its relative addresses.
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; form-action 'self'; "
    "base-uri 'none'"
)
FILES = {"de": "index.html", "en": "index.en.html"}
MONTHS = {
    "de": (
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ),
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
}
UNITS = ("kB", "MB", "GB")


@dataclass(frozen=True, slots=True)
class Shell:
    """
    What surrounds the content of a page.

    Parameters
    ----------
    city
        Name, publisher, contact, whether it is synthetic.
    root
        How the page gets to the site's first folder: ``"../../"``; empty on the first page.
    style
        Address of the style sheet as the page sees it.
    section, exact
        Which entry of the main navigation the page belongs to, and whether it is that entry.
    files
        File name of the page in each language.
    overdue
        Whether the review of the rules is overdue; every page then says so.
    """

    city: City
    root: str
    style: str
    section: str = ""
    files: Mapping[str, str] = field(default_factory=lambda: FILES)
    exact: bool = False
    overdue: bool = False


def page(template: str, *, language: str, shell: Shell, **facts: Any) -> str:
    """
    Fill a page's template.

    Parameters
    ----------
    template
        Name of a file in ``share/templates``.
    language
        ``"de"`` or ``"en"``.
    shell
        What surrounds the content.
    facts
        What the template shows.
    """
    asked = _environment(language).get_template(template)
    return asked.render(
        lang=language, shell=shell, city=shell.city, csp=CSP, url=_address(shell, language), **facts
    )


def part(template: str, *, language: str, **facts: Any) -> str:
    """Fill a template that is only a part of a page, such as a figure."""
    return _environment(language).get_template(template).render(lang=language, **facts)


def style(city: str = "") -> str:
    """Give the one style sheet: our tokens, a city's own tokens after them, then the rules that use both."""
    theme = SHARE / "theme"
    parts = ((theme / "tokens.css").read_text("utf-8"), city, (theme / "style.css").read_text("utf-8"))
    return "\n".join(part for part in parts if part)


def pick(value: Any, language: str) -> str:
    """
    Give a text's wording in one language, in whatever form it was stored.

    Examples
    --------
    >>> pick({"de": "Alter", "en": "Age"}, "en"), pick("x", "de"), pick(None, "de")
    ('Age', 'x', '')
    """
    if isinstance(value, Text):
        return value.pick(language)
    if isinstance(value, Mapping):
        return str(value.get(language) or value.get(LANGUAGES[0]) or "")
    return "" if value is None else str(value)


def long_date(value: date | datetime | str, language: str) -> str:
    """
    Write a day the way readers of the language do.

    Examples
    --------
    >>> long_date("2026-01-15", "de"), long_date(date(2026, 1, 15), "en")
    ('15. Januar 2026', '15 January 2026')
    """
    day = date.fromisoformat(value[:10]) if isinstance(value, str) else value
    stop = "." if language == "de" else ""
    return f"{day.day}{stop} {MONTHS[language][day.month - 1]} {day.year}"


def size(number: int, language: str) -> str:
    """
    Write a file's size in decimal units.

    Examples
    --------
    >>> size(33, "de"), size(20_480, "de"), size(1_260_000, "de"), size(1_260_000, "en")
    ('33 Bytes', '20 kB', '1,3 MB', '1.3 MB')
    """
    if number < 1000:
        return f"{number} Bytes" if language == "de" else f"{number} bytes"
    amount, step = number / 1000, 0
    while amount >= 1000 and step < len(UNITS) - 1:
        amount, step = amount / 1000, step + 1
    return f"{decimal(amount, language, places=0 if amount >= 10 else 1)} {UNITS[step]}"


def show(value: Any, language: str) -> str:
    """
    Write one value of a parameter or fact: a truth value in words, a day as a date, a text in the language.

    Examples
    --------
    >>> show(True, "de"), show("2025-12-31", "en"), show(2025, "de"), show({"de": "ja", "en": "yes"}, "en")
    ('ja', '31 December 2025', '2025', 'yes')
    """
    if isinstance(value, bool):
        return {"de": ("nein", "ja"), "en": ("no", "yes")}[language][value]
    if isinstance(value, float):
        return decimal(value, language, places=len(f"{value:.3f}".rstrip("0").partition(".")[2]))
    if isinstance(value, date) or (isinstance(value, str) and _is_day(value)):
        return long_date(value, language)
    return pick(value, language)


def _is_day(value: str) -> bool:
    """Whether a text is a day in ISO form."""
    try:
        return len(value) == 10 and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _address(shell: Shell, language: str) -> Any:
    """Make the function by which templates link to another page of the site."""

    def url(path: str = "", *, anchor: str = "") -> str:
        folder = f"{path.strip('/')}/" if path.strip("/") else ""
        return f"{shell.root}{folder}{FILES[language]}" + (f"#{anchor}" if anchor else "")

    return url


@cache
def _environment(language: str) -> Environment:
    """Load the templates once per language, with the filters that depend on it."""
    made = Environment(
        loader=FileSystemLoader(SHARE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals["t"] = lambda de, en: en if language == "en" else de
    made.filters |= {
        "pick": lambda value: pick(value, language),
        "day": lambda value: long_date(value, language),
        "size": lambda value: size(value, language),
        "count": lambda value: count(value, language),
        "show": lambda value: show(value, language),
        "html": Markup,  # only for what body.py, pictures.py and markup.py made
    }
    return made
