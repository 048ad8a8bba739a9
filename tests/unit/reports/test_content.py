"""What a report must say before it is published."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from stadtbuch.model.analysis import Manifest
from stadtbuch.reports import content
from stadtbuch.texts import Text


def cell(*tags, source="Text"):
    """Give a Markdown cell with tags."""
    return new_markdown_cell(source, metadata={"tags": list(tags)})


COMPLETE = [cell(section, language) for section in content.SECTIONS for language in ("de", "en")]


def rules(found) -> list[tuple[str, str]]:
    """Give rule and subject of findings."""
    return [(one.rule, one.subject) for one in found]


def test_a_complete_report_passes():
    """All three sections in both languages."""
    assert rules(content.sections(new_notebook(cells=COMPLETE))) == []


@pytest.mark.parametrize("section", list(content.SECTIONS))
def test_every_section_is_required(section):
    """A report without it is refused, and the finding names the tag to set."""
    cells = [one for one in COMPLETE if section not in one.metadata.tags]
    (finding,) = content.sections(new_notebook(cells=cells))
    assert (finding.rule, finding.subject) == ("reports.missing-section", section)
    assert section in finding.remedy.en


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_section_speaks_both_languages(language):
    """A section in one language only is refused."""
    cells = [one for one in COMPLETE if one.metadata.tags != ["method", language]]
    assert rules(content.sections(new_notebook(cells=cells))) == [("reports.missing-language", "method")]


def test_text_outside_of_sections_speaks_both_languages_too():
    """Analysis text in German only is refused."""
    assert rules(content.sections(new_notebook(cells=[*COMPLETE, cell("de")]))) == [
        ("reports.missing-language", "text")
    ]


def test_an_untagged_cell_counts_for_both_languages():
    """Names and formulas need no translation."""
    cells = [one for one in COMPLETE if "method" not in one.metadata.tags]
    assert rules(content.sections(new_notebook(cells=[*cells, cell("method")]))) == []


def test_recorded_points_count_as_a_section():
    """`sb.points` speaks both languages; code that shows nothing does not count."""
    cells = [one for one in COMPLETE if "main-points" not in one.metadata.tags]
    output = new_output(
        "display_data", data={}, metadata={"stadtbuch": {"kind": "points", "name": "points-1"}}
    )
    code = new_code_cell("sb.points(...)", metadata={"tags": ["main-points"]}, outputs=[output])
    assert rules(content.sections(new_notebook(cells=[*cells, code]))) == []
    code.outputs = []
    assert rules(content.sections(new_notebook(cells=[*cells, code]))) == [
        ("reports.missing-section", "main-points")
    ]


def test_an_empty_cell_says_nothing():
    """A tag alone is no section."""
    cells = [one for one in COMPLETE if "limits" not in one.metadata.tags]
    empty = [cell("limits", language, source="  \n") for language in ("de", "en")]
    assert rules(content.sections(new_notebook(cells=[*cells, *empty]))) == [
        ("reports.missing-section", "limits")
    ]


@pytest.mark.parametrize("access", ["shared", "closed", None])
def test_the_public_step_reads_open_data_only(access):
    """Shared counts as not open, and so does a class that is missing."""
    found = content.closed_inputs({"a.b": {"class": access}, "c.d": {"class": "open"}})
    assert rules(found) == [("reports.closed-input", "a.b")]


def test_a_report_says_whom_it_serves():
    """An empty benefit is none."""
    manifest = Manifest(benefit=Text(de="Plant Kitas.", en=" "), risk="none", inputs={"a.b": {}})
    assert rules(content.benefit(manifest)) == [("reports.missing-benefit", "manifest")]


def test_what_is_given_is_what_was_promised():
    """A promised table that is not there, and a table that nobody announced."""
    assert rules(content.given(["a", "b"], {"b": {}, "c": {}})) == [
        ("reports.not-given", "a"),
        ("reports.not-declared", "c"),
    ]


@pytest.mark.parametrize(
    ("value", "min_count", "dataset", "refused"),
    [(3, 3, "a.b", False), (0, 3, "a.b", False), (None, 3, "a.b", False), (2, 3, "a.b", True), (9, 2, "a.b", True),
     (9, 3, "c.d", True)],
)  # fmt: skip
def test_a_table_written_by_hand_is_no_protected_table(value, min_count, dataset, refused):
    """A count below the threshold, a lower threshold, or a dataset that the run does not read."""
    table = {"dataset": dataset, "min_count": min_count, "cells": [{"value": value}]}
    found = rules(content.kept_counts({"t": table}, least={"a.b": 3}))
    assert found == ([("reports.small-count", "t")] if refused else [])
