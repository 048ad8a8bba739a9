"""The notebook as parts of a page: languages, sections, headings, and nothing that acts."""

from __future__ import annotations

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

from stadtbuch.reports import body


def sections(*cells: NotebookNode, language: str = "de") -> dict[str, body.Section]:
    """Turn cells into sections; recorded outputs become a visible mark."""
    return body.sections(
        new_notebook(cells=list(cells)),
        language=language,
        title="Wer wohnt wo?",
        recorded=lambda kind, name: f"[{kind} {name}]",
    )


def words(source: str, *tags: str) -> NotebookNode:
    """Write a Markdown cell."""
    return new_markdown_cell(source, metadata={"tags": list(tags)})


def output(**mark: str) -> NotebookNode:
    """Write a code cell with one recorded output."""
    return new_code_cell(
        "geheim = 1",
        outputs=[new_output("display_data", data={"text/plain": "roh"}, metadata={"stadtbuch": mark})],
    )


def test_each_language_gets_its_own_cells_and_the_common_ones() -> None:
    """German cells stand on the German page, English ones on the English page, untagged ones on both."""
    cells = (words("Hallo", "de"), words("Hello", "en"), words("42"))
    german, english = (sections(*cells, language=one)["analysis"].html for one in ("de", "en"))
    assert ("Hallo" in german, "Hello" in german, "42" in german) == (True, False, True)
    assert ("Hallo" in english, "Hello" in english, "42" in english) == (False, True, True)


def test_tagged_cells_go_to_their_sections() -> None:
    """A tag sends a cell to its place on the page, wherever it stands in the notebook."""
    found = sections(
        words("M", "method"),
        words("P", "main-points"),
        words("G", "glossary"),
        words("L", "limits"),
        words("A"),
    )
    assert set(found) == {"method", "main-points", "glossary", "limits", "analysis"}
    assert ("M" in found["analysis"].html, "A" in found["analysis"].html) == (False, True)


def test_code_manifest_and_raw_cells_are_never_shown() -> None:
    """Source code, the manifest and raw cells are no text for readers."""
    manifest = words("```yaml\nstadtbuch:\n  purpose: x\n```")
    found = sections(manifest, output(kind="figure", name="f"), new_raw_cell("roh"), words("Text"))
    assert found["analysis"].html == '[figure f]\n<div class="prose"><p>Text</p>\n</div>'


def test_recorded_outputs_are_replaced_and_headlines_left_to_the_head() -> None:
    """Figures and tables come from their records, headlines and named results stand elsewhere on the page."""
    cells = [output(kind=kind, name="n") for kind in ("figure", "table", "headline", "result", "protected")]
    assert sections(*cells)["analysis"].html == "[figure n]\n[table n]"


def test_printed_text_is_shown_escaped_and_warnings_are_not() -> None:
    """Printed words are shown as words; what went to stderr is not for readers."""
    outputs = [new_output("stream", text="<b>1</b>"), new_output("stream", name="stderr", text="Warnung")]
    html = sections(new_code_cell("print()", outputs=outputs))["analysis"].html
    assert html == '<pre tabindex="0">&lt;b&gt;1&lt;/b&gt;</pre>'


def test_headings_fit_below_the_title_of_the_page() -> None:
    """The page has the only first heading: the notebook's levels move, keep their steps, a repeated title goes."""
    found = sections(words("# Wer wohnt wo?\n\nEinleitung"), words("### Alt\n\n#### Sehr alt"))
    assert "<h2" in found["analysis"].html and "<h3" in found["analysis"].html
    assert "Wer wohnt wo?" not in found["analysis"].html
    assert found["analysis"].contents == (("s-alt", "Alt"),)


def test_first_heading_of_a_section_names_it() -> None:
    """A section is called what its author calls it; headings below come one level under it."""
    found = sections(words("## Methode\n\nText\n\n### Quelle", "method"))["method"]
    assert (found.heading, '<h3 id="s-quelle">' in found.html, "<h2" in found.html) == (
        "Methode",
        True,
        False,
    )


def test_sign_in_a_code_block_is_no_heading() -> None:
    """A comment in shown code does not move the headings around it."""
    assert '<h2 id="s-a">' in sections(words("### A\n\n```\n# Kommentar\n```"))["analysis"].html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![Bild](https://fremd.example/a.png)",
        "[x](javascript:alert(1))",
        "[x](data:text/html,1)",
        '<p style="position:fixed">x</p>',
        '<a href="//fremd.example" onclick="x()">x</a>',
        "<iframe src=https://fremd.example></iframe>",
        "<svg><script>1</script></svg>",
        '<form action="https://fremd.example"><input name=a></form>',
        "<style>body{display:none}</style>",
        "<base href=https://fremd.example>",
    ],
)
def test_markdown_lets_nothing_act_or_load(hostile: str) -> None:
    """No script, handler, style, picture, form or frame comes out of Markdown."""
    html = body.markdown(f"Vorher {hostile} nachher")
    for forbidden in (
        "<script",
        "onerror",
        "onclick",
        "javascript:",
        "data:text",
        "<img",
        "style=",
        "<iframe",
        "<form",
        "<svg",
        "<base",
        "<style",
    ):
        assert forbidden not in html
    assert "Vorher" in html


def test_markdown_keeps_harmless_marks_and_whole_addresses() -> None:
    """What helps readers stays: indices, abbreviations, other languages, links to whole addresses."""
    kept = 'H<sub>2</sub>O <abbr title="x">DSGVO</abbr> <span lang="en">open data</span>'
    assert kept in body.markdown(kept)
    assert '<a href="https://www.example.org/">' in body.markdown("[x](https://www.example.org/)")
    assert "href" not in body.markdown("[x](../geraten/)")


def test_table_in_markdown_scrolls_in_its_own_region() -> None:
    """A wide table never moves the page sideways, and the keyboard can reach it."""
    html = body.markdown("|a|b|\n|-|-|\n|1|2|", language="en")
    assert '<div class="scroll" role="region" tabindex="0" aria-label="Table"><table>' in html


def test_notebook_itself_is_left_as_it_was() -> None:
    """Rendering reads the archive and changes nothing in it."""
    notebook = new_notebook(cells=[words("# A"), output(kind="figure", name="f")])
    before = notebook.copy()
    body.sections(notebook, language="de", title="x", recorded=lambda kind, name: "")
    assert notebook == before and notebook.cells[1].source == "geheim = 1"
