"""
How the public page of a notebook would look: made like an edition, shown to its author, never kept.

The page is one piece of HTML that stands alone: its style is inside, its links lead nowhere, nothing in it runs.
"""

from __future__ import annotations

import re
import tempfile
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

from stadtbuch.errors import Refused, UsageError
from stadtbuch.model.report import Edition, Report, ReportRoles
from stadtbuch.reports import definitions, editions, look, release, render
from stadtbuch.reports.definitions import Cell
from stadtbuch.reports.evidence import Evidence
from stadtbuch.reports.look import FILES, Shell
from stadtbuch.reports.trial import Trial
from stadtbuch.runs.manifest import Analysis
from stadtbuch.session.city import City
from stadtbuch.texts import Text, same

CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_STYLE = re.compile(r'<link rel="stylesheet"[^>]*>')
_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
_LINK = re.compile(r'(<a\b[^>]*?)\shref="(?!#)[^"]*"')


def page(city: City, trial: Trial, *, language: str) -> str:
    """
    Render the page that a notebook would become.

    Parameters
    ----------
    trial
        From `trial.tried`; whatever the gate said.
    language
        ``"de"`` or ``"en"``.

    Returns
    -------
    str
        A whole HTML document without script, without requests.

    Raises
    ------
    UsageError
        ``preview.no-page`` if the notebook only prepares tables.
    Refused
        ``preview.unreadable`` if what the run left cannot be made into a page.
    """
    if trial.step == "prepare":
        raise _no_page(trial.analysis.name)
    if trial.evidence is None:
        raise _unreadable(trial.analysis.name)
    report = trial.report or _definition(trial.analysis, city)
    try:
        edition, files = _edition(city, trial, report, trial.evidence)
        return alone(_rendered(city, report, edition, files, language=language))
    except (KeyError, ValueError, TypeError, AttributeError, OSError):
        raise _unreadable(trial.analysis.name) from None


def _definition(analysis: Analysis, city: City) -> Report:
    """Make up the definition of a notebook that no report names yet."""
    manifest, stem = analysis.manifest, PurePosixPath(analysis.name).stem
    return Report(
        name=re.sub(r"[^a-z0-9-]+", "-", f"n-{stem}".lower())[:60].removeprefix("n-") or "n",
        title=manifest.title or same(stem),
        summary=manifest.benefit,
        report=analysis.name,
        release="approval",
        roles=ReportRoles(author=city.actor.role, release=city.actor.role),
    )


def _edition(
    city: City, trial: Trial, report: Report, evidence: Evidence
) -> tuple[Edition, dict[str, bytes]]:
    """Gather the files of an edition and describe them, as a build would."""
    parameters = dict(evidence.facts["parameters"])
    cell = Cell(definitions.slug_of(parameters[name] for name in report.cells), parameters)
    inputs = list(release.described(evidence, step="report"))
    files = release.files(
        release.Material(
            report=report,
            cell=cell,
            evidence=evidence,
            source=None,
            cleared={},
            inputs=inputs,
            publisher=city.settings.city.publisher,
        )
    )
    name, key = city.today.isoformat(), str(evidence.facts["key"])
    edition = Edition(
        id=editions.identify(report.name, cell.slug, name),
        report=report.name,
        cell=cell.slug,
        edition=name,
        title=report.title,
        parameters=parameters,
        made_at=city.now,
        run_keys={"report": key},
        code=key,
        rules=city.settings.rules.version,
        library=str(evidence.facts["key_parts"]["library"]["version"]),
        inputs=tuple(inputs),
        files=editions.describe(files),
        results=tuple(dict(one) for one in evidence.results),
        decision=trial.decision,
    )
    return edition, files


def _rendered(city: City, report: Report, edition: Edition, files: dict[str, bytes], *, language: str) -> str:
    """Lay an edition into a private folder, render it, and take the folder away again."""
    shell = Shell(city=city.settings.city, root="", style="style.css", section="reports", files=FILES)
    context = render.Context(shell=shell, report=report, datasets=city.catalog.datasets)
    with tempfile.TemporaryDirectory(dir=city.state.folder("spool"), prefix="preview-") as place:
        folder = Path(place) / edition.edition
        editions.lay(folder, edition, files)
        return render.render(folder, language=language, context=context)


def alone(html: str) -> str:
    """
    Make a page stand alone: style inside, no script, links only within the page.

    Examples
    --------
    >>> alone('<a href="x.html">x</a><a href="#y">y</a><script>1</script>')
    '<a>x</a><a href="#y">y</a>'
    """
    styled = _STYLE.sub(lambda _: f"<style>{look.style()}</style>", html)
    policed = styled.replace(str(escape(look.CSP)), escape(CSP)).replace(_jinja(look.CSP), escape(CSP))
    return _LINK.sub(r"\1", _SCRIPT.sub("", policed))


def _jinja(words: str) -> str:
    """Escape as Jinja does: ``'`` becomes ``&#39;``."""
    return escape(words).replace("&#x27;", "&#39;")


def frame(html: str, *, label: str, height: int = 640) -> str:
    """
    Put a page into a frame in which nothing runs and from which nothing leads out.

    Examples
    --------
    >>> frame("<p>A</p>", label="Vorschau")[:47]
    '<iframe sandbox="" title="Vorschau" srcdoc="&lt'
    """
    style = f"width:100%;height:{height}px;border:1px solid #767676;background:#fff"
    return f'<iframe sandbox="" title="{escape(label)}" srcdoc="{escape(html)}" style="{style}"></iframe>'


def _no_page(name: str) -> UsageError:
    return UsageError(
        "preview.no-page",
        Text(de=f"{name} wird nie eine Seite.", en=f"{name} never becomes a page."),
        why=Text(
            de="Es bereitet nur geschützte Tabellen vor; die Seite macht das Notebook, das sie liest.",
            en="It only prepares protected tables; the page is made by the notebook that reads them.",
        ),
        remedy=Text(
            de="Sehen Sie sich die Tabellen an, oder rufen Sie die Vorschau im anderen Notebook auf.",
            en="Look at the tables, or call the preview in the other notebook.",
        ),
    )


def _unreadable(name: str) -> Any:
    return Refused(
        "preview.unreadable",
        Text(
            de=f"Aus dem Lauf von {name} lässt sich keine Seite machen.",
            en=f"The run of {name} cannot be made into a page.",
        ),
        remedy=Text(de="Beheben Sie zuerst, was %sb_check meldet.", en="First mend what %sb_check reports."),
    )
