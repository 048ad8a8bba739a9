"""`sb.figure`: a picture with everything a reader needs, or none."""

import json

import altair as alt
import pandas as pd
import pytest

from stadtbuch.errors import UsageError
from stadtbuch.reports import evidence, figures

SAID = {"de": "Ein Satz.", "en": "A sentence."}
FRAME = pd.DataFrame({"borough": ["01", "02"], "value": [5, 3]})
GOOD = {"title": SAID, "subtitle": SAID, "alt": SAID, "reading_help": SAID, "data": FRAME}


def chart(language: str) -> alt.Chart:
    """Give a chart whose axis speaks the language."""
    return alt.Chart(FRAME).mark_bar().encode(x=alt.X("value:Q", title=language * 3), y="borough:N")


def test_a_figure_leaves_two_pictures_a_csv_and_a_record(run, shown):
    """Everything that a page needs lies in the run's outputs, and nothing else."""
    figures.figure(chart, name="demo", **GOOD)
    folder = run / "outputs" / "figures"
    assert sorted(path.name for path in folder.iterdir()) == [
        "demo.csv",
        "demo.de.svg",
        "demo.en.svg",
        "demo.json",
    ]
    assert (folder / "demo.csv").read_text(encoding="utf-8") == "borough,value\n01,5\n02,3\n"
    assert ">dedede<" in (folder / "demo.de.svg").read_text(encoding="utf-8")
    assert ">enenen<" in (folder / "demo.en.svg").read_text(encoding="utf-8")
    record = json.loads((folder / "demo.json").read_text(encoding="utf-8"))
    assert record["sources"] == ["population.residents"]
    assert record["rows"] == [["01", 5], ["02", 3]]


def test_what_is_shown_is_the_german_picture(run, shown):
    """The notebook shows exactly the file that was recorded, with text for those who see none."""
    figures.figure(chart, name="demo", **GOOD)
    ((kind, name, bundle),) = shown
    assert (kind, name) == ("figure", "demo")
    assert bundle["image/svg+xml"] == (run / "outputs/figures/demo.de.svg").read_text(encoding="utf-8")
    assert bundle["text/plain"] == "Ein Satz.\nEin Satz."


@pytest.mark.parametrize("part", ["title", "subtitle", "alt", "reading_help", "data"])
def test_every_part_is_required(run, part):
    """A figure without one of its parts is refused, and nothing is written."""
    with pytest.raises(UsageError) as caught:
        figures.figure(chart, **{**GOOD, part: None})
    assert caught.value.code == "figure.incomplete"
    assert part in caught.value.what.de
    assert not (run / "outputs" / "figures").exists()


def test_every_language_is_required(run):
    """A part in one language only is named with the language that is missing."""
    with pytest.raises(UsageError) as caught:
        figures.figure(chart, **{**GOOD, "alt": {"de": "Nur deutsch"}})
    assert "alt (en)" in caught.value.what.en


def test_names_are_counted_and_never_given_twice(run, shown):
    """Without a name figures are numbered; a second one of the same name is refused."""
    figures.figure(chart, **GOOD)
    figures.figure(chart, **GOOD)
    assert [name for _, name, _ in shown] == ["figure-1", "figure-2"]
    with pytest.raises(UsageError) as caught:
        figures.figure(chart, name="figure-2", **GOOD)
    assert caught.value.code == "output.name-twice"


@pytest.mark.parametrize("name", ["Groß", "../x", "a/b", "", "1a"])
def test_a_name_is_a_plain_file_name(run, name):
    """A name cannot lead out of the folder."""
    with pytest.raises(UsageError) as caught:
        figures.figure(chart, name=name, **GOOD)
    assert caught.value.code == "output.name"


def test_sources_stand_in_the_picture(run, shown):
    """Title, attribution and licence of every input are in the SVG's metadata."""
    figures.figure(chart, name="demo", **GOOD)
    svg = (run / "outputs/figures/demo.en.svg").read_text(encoding="utf-8")
    assert "<metadata>Register. City. Zero, https://example.org/zero</metadata>" in svg


def test_in_the_lab_a_figure_is_shown_and_not_written(monkeypatch, shown, tmp_path):
    """Without a run there is no folder to write into."""
    monkeypatch.chdir(tmp_path)
    figures.figure(chart, columns={"borough": SAID}, **GOOD)
    assert [kind for kind, _, _ in shown] == ["figure"]
    assert list(tmp_path.iterdir()) == []


def test_the_gate_agrees_with_what_was_recorded(run, shown):
    """The record of a figure renders to what was shown."""
    figures.figure(chart, name="demo", **GOOD)
    import nbformat

    nbformat.write(nbformat.v4.new_notebook(), run / "notebook.ipynb")
    read = evidence.Evidence.read(run)
    assert read.rendered("figure", "demo") == shown[0][2]
    assert list(evidence.findings(read)) == []
