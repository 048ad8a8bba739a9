"""What the process report is made from: book, runs' folders, catalogue, archive, the city's own files."""

from __future__ import annotations

import ast
import csv
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from io import StringIO
from pathlib import Path
from typing import Any

from stadtbuch import spared
from stadtbuch.errors import StadtbuchError
from stadtbuch.model.entry import Entry
from stadtbuch.model.report import Report
from stadtbuch.reports import decisions, definitions, editions
from stadtbuch.reports.editions import Archived
from stadtbuch.runs import key
from stadtbuch.session.city import City
from stadtbuch.transparency import levels, process, weight
from stadtbuch.transparency.levels import Facts
from stadtbuch.transparency.process import Review

AUTOMATION = (".ci/run", ".gitlab-ci.yml", ".github/workflows")
READMES = ("README.md", "LIESMICH.md")
GIT_SECONDS = 20


def report(city: City) -> dict[str, Any]:
    """
    Make the process report of a city.

    Returns
    -------
    dict
        What `process.measure` gives; ``spared`` from `stadtbuch.spared`; ``levels``: report -> what `levels.judge`
        gives. What pages weigh says `weight.measure`, for whoever has the pages.
    """
    entries = list(city.book.entries())
    spent = process.read_spent(results(city.state.folder("runs")))
    told = process.measure(entries, spent, reviews(city), energy=city.settings.energy, today=city.today)
    words = words_of_tests(city.settings.root / "tests")
    found = definitions.readable(city.settings).values()
    return {
        **told,
        "spared": spared.read(city.state.folder("log")),
        "levels": {one.name: levels.judge(facts(city, one, entries, words)) for one in found},
    }


def published(city: City) -> dict[str, Any]:
    """Tell what the pages in the public folder weigh, as `weight.measure` does."""
    public = city.settings.folder("public")

    def read(path: str) -> bytes | None:
        try:
            return (public / path).read_bytes()
        except OSError:
            return None

    return weight.measure(weight.newest(_readable(city)), read)


def _readable(city: City, report: str | None = None) -> Iterator[Archived]:
    """Give the editions in the archive; a damaged one is none."""
    for folder in editions.folders(city.state, report):
        with suppress(StadtbuchError):
            yield editions.read(folder)


def results(folder: Path) -> Iterator[dict[str, Any]]:
    """Read what the runs' folders say; one that is being written is left out."""
    for path in sorted(folder.glob("*/result.json")):
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(told, dict):
            yield told


def reviews(city: City) -> Iterator[Review]:
    """Give the rules' day of review, and that of each reason why a dataset is not open."""
    yield Review("rules", city.settings.rules.review)
    for dataset in city.catalog.datasets.values():
        if dataset.access.reason is not None:
            yield Review(dataset.id, dataset.access.reason.review)


def facts(city: City, report: Report, entries: Sequence[Entry], words_of_tests: str) -> Facts:
    """Look at everything that the levels ask of one report."""
    root = city.settings.root
    known = city.once("git", lambda: unchanged_files(root))
    newest = _newest(city, report.name)
    edition = newest.edition if newest else None
    approval = edition.approval if edition else None
    return Facts(
        **_code(city, report),
        versioned=is_versioned(known, [one for one in (report.prepare, report.report) if one]),
        edition_files=frozenset(one.path for one in edition.files) if edition else frozenset(),
        reviewed_by=approval.role if approval and edition and approval.code == edition.code else None,
        author=report.roles.author,
        runs=frozenset(edition.run_keys.values()) if edition else frozenset(),
        logged=frozenset(str(one.details.get("key")) for one in entries if one.kind == "ran"),
        tidy=_tidy(newest),
        readme=any((root / name).is_file() for name in READMES),
        lock=(root / key.LOCK).is_file(),
        tests=report.name in words_of_tests,
        changelog=(root / "CHANGELOG.md").is_file(),
        automation=any((root / name).exists() for name in AUTOMATION),
        packaged=_is_packaged(),
        scheduled=report.schedule is not None,
    )


def _newest(city: City, report: str) -> Archived | None:
    """Give the newest public edition of a report; a damaged one is none."""
    public = [one for one in _readable(city, report) if one.public]
    return max(public, key=lambda one: editions.order(one.edition.edition), default=None)


def _code(city: City, report: Report) -> dict[str, Any]:
    """Look at the code of a report's notebooks, unless exactly these were looked at before."""
    name, mark = f"code {report.name}", _mark(city, report)
    known = city.memory.kept(name, mark) if mark else None
    seen = json.loads(known) if known is not None else _looked_at(city, report)
    if mark and known is None:
        city.memory.keep(name, mark, json.dumps(seen))
    return {**seen, "sections": frozenset(seen.get("sections", ()))}


def _mark(city: City, report: Report) -> str:
    """Give the checksums of a report's notebooks and of the library that looks at them; nothing if one is gone."""
    paths = [city.settings.root / one for one in (report.prepare, report.report) if one]
    try:
        return " ".join([key.library()["sha256"], *map(city.memory.digest, paths)])
    except OSError:
        return ""


def _looked_at(city: City, report: Report) -> dict[str, Any]:
    """Look at the code of a report's notebooks; at nothing where they cannot be read."""
    try:
        notebooks = [one.notebook for one in decisions.notebooks(city, report).values()]
    except StadtbuchError:
        return {}
    cells = [cell for notebook in notebooks for cell in notebook.cells]
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    trees = [_parsed(source) for source in sources]
    nodes = [node for tree in trees if tree is not None for node in ast.walk(tree)]
    tags = (tag for cell in cells if cell.cell_type == "markdown" for tag in cell.metadata.get("tags", ()))
    return {
        "language": _language(notebooks),
        "parses": all(tree is not None for tree in trees),
        "functions": sum(isinstance(node, ast.FunctionDef) for node in nodes),
        "longest_line": max((len(line) for one in sources for line in one.splitlines()), default=0),
        "sections": sorted(set(tags)),
    }


def _language(notebooks: Sequence[Any]) -> str | None:
    """Give the language that all notebooks name; None if one names none, or they differ."""
    said = {
        str(
            one.metadata.get("kernelspec", {}).get("language")
            or one.metadata.get("language_info", {}).get("name", "")
        )
        for one in notebooks
    }
    named = said.pop().lower() if len(said) == 1 else ""
    return named or None


def _parsed(source: str) -> ast.AST | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return None


def is_versioned(known: frozenset[str] | None, paths: Sequence[str]) -> bool | None:
    """
    Tell whether git knows files exactly as they are.

    Parameters
    ----------
    known
        From `unchanged_files`.

    Returns
    -------
    bool or None
        None where there is no git, or the folder is not under its control.

    Examples
    --------
    >>> is_versioned(frozenset({"a.ipynb"}), ["a.ipynb", "b.ipynb"]), is_versioned(None, ["a.ipynb"])
    (False, None)
    """
    return None if known is None else known.issuperset(paths)


def unchanged_files(root: Path) -> frozenset[str] | None:
    """Ask git once for all files below a folder that it knows exactly as they are; None where it knows none."""
    if _asked(root, "rev-parse", "--is-inside-work-tree") is None:
        return None
    listed = _asked(root, "ls-files", "-z")
    changed = _asked(root, "diff", "--name-only", "--relative", "-z", "HEAD")
    if listed is None or changed is None:
        return frozenset()
    return frozenset(listed.split("\0")) - frozenset(changed.split("\0"))


def _asked(root: Path, *arguments: str) -> str | None:
    """Ask git something; None if there is no git, or it has no answer."""
    git = shutil.which("git")
    if git is None:
        return None
    try:
        ended = subprocess.run(  # noqa: S603 - git itself, with fixed questions
            [git, "-C", str(root), *arguments], capture_output=True, check=False, timeout=GIT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout.decode(errors="replace") if ended.returncode == 0 else None


def _tidy(newest: Archived | None) -> bool | None:
    """Tell whether each table that an edition hands out is a rectangle with one header; None without any."""
    if newest is None:
        return None
    names = [
        one.path for one in newest.edition.files if one.path.startswith("data/") and one.path.endswith(".csv")
    ]
    try:
        return (
            all(is_rectangle((newest.folder / name).read_text(encoding="utf-8-sig")) for name in names)
            if names
            else None
        )
    except (OSError, UnicodeDecodeError):
        return False


def is_rectangle(text: str) -> bool:
    r"""
    Tell whether a CSV text has one line of different names, and all rows are as long.

    Examples
    --------
    >>> is_rectangle("a,b\n1,2\n"), is_rectangle("a,a\n1,2\n"), is_rectangle("Title\na,b\n1,2\n")
    (True, False, False)
    """
    head, *rows = list(csv.reader(StringIO(text))) or [[]]
    return (
        bool(head)
        and all(head)
        and len(set(head)) == len(head)
        and all(len(row) == len(head) for row in rows)
    )


def words_of_tests(folder: Path) -> str:
    """Read the city's tests, to see which reports they name."""
    paths = sorted(folder.rglob("*.py")) if folder.is_dir() else []
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in paths)


def _is_packaged() -> bool:
    try:
        return bool(version("stadtbuch"))
    except PackageNotFoundError:
        return False
