"""
A finished notebook as parts of a page.

nbconvert walks the cells, with a template of our own and three preprocessors: one chooses the language, one the
section, one puts our markup in the place of every recorded output. Code is left out; the notebook itself is
offered for download.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape
from typing import Any

import mistune
import nh3
from nbconvert.exporters import TemplateExporter
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_notebook, new_output
from traitlets.config import Config

from stadtbuch.catalog import files
from stadtbuch.reports.definitions import slug
from stadtbuch.reports.look import SHARE
from stadtbuch.texts import LANGUAGES, Text

SECTIONS = ("main-points", "plain-language", "method", "limits", "glossary")
ANALYSIS = "analysis"
TABLE = Text(de="Tabelle", en="Table")
FENCE = re.compile(r"```ya?ml\s*\n(.*?)```", re.DOTALL)
HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
CODE_BLOCK = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.DOTALL | re.MULTILINE)
RECORDED = {"figure", "table", "points"}
TAGS = {
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "p",
    "ul",
    "ol",
    "li",
    "strong",
    "em",
    "del",
    "sub",
    "sup",
    "abbr",
    "br",
    "code",
    "pre",
    "blockquote",
    "a",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "dl",
    "dt",
    "dd",
    "span",
    "hr",
    "q",
    "cite",
}
ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "span": {"lang"},
    "q": {"lang"},
    "ol": {"start"},
    "th": {"class", "scope"},
    "td": {"class"},
    **{f"h{level}": {"id"} for level in range(2, 7)},
}


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a page: the author's own heading (or nothing), its HTML, and the headings inside."""

    heading: str
    html: str
    contents: tuple[tuple[str, str], ...] = ()


def sections(
    notebook: NotebookNode, *, language: str, title: str, recorded: Callable[[str, str], str]
) -> dict[str, Section]:
    """
    Turn a notebook into the sections of a page.

    Parameters
    ----------
    notebook
        The executed notebook of the report step.
    language
        Cells tagged with the other language are left out.
    title
        The page's title; a first heading that repeats it is left out.
    recorded
        Gives the HTML of a figure or table by kind and name, in this language.

    Returns
    -------
    dict
        From a section's name to its content; sections without content are missing.
    """
    found = {}
    for name in (*SECTIONS, ANALYSIS):
        part = _chosen(notebook, language=language, section=name)
        if not part.cells:
            continue
        heading = _own_heading(part, title=title, inside=name != ANALYSIS)
        _mark_levels(part, top=2 if name == ANALYSIS else 3, language=language)
        html = _convert(part, recorded).strip()
        if html:
            found[name] = Section(heading, html, tuple(re.findall(r'<h2 id="([^"]+)">(.*?)</h2>', html)))
    return found


def manifest(notebook: NotebookNode) -> dict[str, Any]:
    """Give what the notebook declares about itself in its first cell; empty if it declares nothing."""
    for cell in notebook.cells:
        if _is_manifest(cell):
            block = FENCE.search(cell.source).group(1)  # type: ignore[union-attr]
            declared, _ = files.loads(
                block.encode(), name="manifest"
            )  # the reader that the run was planned with
            return dict(declared.data["stadtbuch"]) if declared else {}
    return {}


def shown(notebook: NotebookNode) -> list[tuple[str, str]]:
    """List kind and name of the recorded outputs of a notebook, in their order."""
    outputs = [one for cell in notebook.cells if cell.cell_type == "code" for one in cell.outputs]
    marks = [one.get("metadata", {}).get("stadtbuch") for one in outputs]
    return [(mark["kind"], mark["name"]) for mark in marks if mark]


@lru_cache(maxsize=4096)  # the cells of a report share most of their words, and each stands on four pages
def markdown(source: str, *, shift: int = 0, language: str = "de") -> str:
    r"""
    Turn Markdown into HTML that may stand in a public page.

    Raw HTML is reduced to a short list of harmless tags; no script, style, picture or relative link survives.

    Examples
    --------
    >>> markdown("Hallo <script>alert(1)</script> **Welt** H<sub>2</sub>O")
    '<p>Hallo  <strong>Welt</strong> H<sub>2</sub>O</p>\n'
    >>> markdown("# Oben", shift=1)
    '<h2 id="s-oben">Oben</h2>\n'
    """
    reader = mistune.create_markdown(
        renderer=_Renderer(shift), plugins=["table", "strikethrough", "def_list"]
    )
    clean = nh3.clean(
        str(reader(source)),
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_allowed,
        url_schemes={"https", "http", "mailto"},
        link_rel=None,
    )
    region = f'<div class="scroll" role="region" tabindex="0" aria-label="{TABLE.pick(language)}"><table>'
    return clean.replace("<table>", region).replace("</table>", "</table></div>")


class _Renderer(mistune.HTMLRenderer):
    """Headings one or more levels lower and with an address; columns of numbers by class instead of style."""

    def __init__(self, shift: int) -> None:
        super().__init__(escape=False)
        self.shift = shift

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        lower = min(max(level + self.shift, 2), 6)
        return f'<h{lower} id="s-{_address(text)}">{text}</h{lower}>\n'


def _address(heading: str) -> str:
    """Make the address of a heading from its words, without markup."""
    return slug(re.sub(r"<[^>]+>", "", heading))


def _allowed(tag: str, attribute: str, value: str) -> str | None:
    """Keep whole addresses and places on the page; a notebook cannot know where its page will stand."""
    if attribute == "href" and not value.startswith(("#", "https://", "http://", "mailto:")):
        return None
    if attribute == "class":
        return value if value == "num" else None
    return value


class _Outputs(Preprocessor):
    """Put our markup in the place of recorded outputs and drop everything that is not for readers."""

    def __init__(self, recorded: Callable[[str, str], str]) -> None:
        super().__init__(enabled=True)
        self.recorded = recorded

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        """Rewrite the outputs of one code cell."""
        if cell.cell_type == "code":
            cell.source = ""
            cell.outputs = [one for one in map(self._shown, cell.outputs) if one is not None]
        return cell, resources

    def _shown(self, output: NotebookNode) -> NotebookNode | None:
        mark = output.get("metadata", {}).get("stadtbuch", {})
        if mark.get("kind") in RECORDED:
            return _as_html(self.recorded(mark["kind"], mark["name"]))
        if mark:  # headline and result: shown by the page's head and its list of results
            return None
        words = (
            output.get("text") if output.output_type == "stream" else output.get("data", {}).get("text/plain")
        )
        if not words or output.get("name") == "stderr":
            return None
        return _as_html(f'<pre tabindex="0">{escape("".join(words))}</pre>')


def _as_html(markup: str) -> NotebookNode:
    return new_output("display_data", data={"text/html": markup})


def _chosen(notebook: NotebookNode, *, language: str, section: str) -> NotebookNode:
    """Copy the cells of one section in one language."""
    cells = [
        cell
        for cell in notebook.cells
        if cell.cell_type != "raw"
        and _speaks(cell, language)
        and _section(cell) == section
        and not _is_manifest(cell)
    ]
    return new_notebook(cells=deepcopy(cells))


def _tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", ()))


def _speaks(cell: NotebookNode, language: str) -> bool:
    """Whether a cell belongs to a language: by its tag; without one to both."""
    spoken = _tags(cell) & set(LANGUAGES)
    return not spoken or language in spoken


def _section(cell: NotebookNode) -> str:
    return next((name for name in SECTIONS if name in _tags(cell)), ANALYSIS)


def _is_manifest(cell: NotebookNode) -> bool:
    """Whether a cell is the manifest, which is declared, not shown."""
    found = FENCE.search(cell.source) if cell.cell_type == "markdown" else None
    return bool(found and found.group(1).lstrip().startswith("stadtbuch:"))


def _own_heading(part: NotebookNode, *, title: str, inside: bool) -> str:
    """Take the heading off a section's first text: the page sets it (or has it already, as its title)."""
    first = next((cell for cell in part.cells if cell.cell_type == "markdown"), None)
    found = HEADING.match(first.source.lstrip()) if first else None
    if not first or not found:
        return ""
    repeats = found.group(1) == "#" or slug(found.group(2)) == slug(title)
    if not inside and not repeats:
        return ""
    first.source = first.source.lstrip()[found.end() :]
    return found.group(2) if inside else ""


def _mark_levels(part: NotebookNode, *, top: int, language: str) -> None:
    """Note at each cell its language, and by how much its headings move so that the highest stands at `top`."""
    cells = [cell for cell in part.cells if cell.cell_type == "markdown"]
    levels = [len(marks) for cell in cells for marks, _ in HEADING.findall(CODE_BLOCK.sub("", cell.source))]
    for cell in cells:
        cell.metadata["page"] = {"shift": top - min(levels, default=top), "language": language}


def _convert(part: NotebookNode, recorded: Callable[[str, str], str]) -> str:
    """Let nbconvert write the cells by our template."""
    prepared, _ = _Outputs(recorded).preprocess(part, {})
    return str(_exporter().from_notebook_node(prepared)[0])


@cache
def _exporter() -> TemplateExporter:
    """Give nbconvert's exporter with our template, which lies in the package and nowhere else; compiled once."""
    exporter = TemplateExporter(
        # none of nbconvert's: ours have run before, and after each of its own it validates the notebook anew
        config=Config(TemplateExporter={"default_preprocessors": []}),
        template_name="stadtbuch",
        extra_template_basedirs=[str(SHARE / "nbconvert")],
        template_file="index.html.j2",
        file_extension=".html",
    )
    exporter.register_filter("page_markdown", markdown)
    return exporter
