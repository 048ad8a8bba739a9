"""``%load_ext stadtbuch`` in a real kernel: notes, warnings, errors, display, completion, magics."""

from __future__ import annotations

from collections.abc import Iterator

import nbformat
import pytest
from builders.city import CANARY, Made, a_manifest
from builders.lab import Kernel, kernel_in, marked, told
from builders.reports import HEADLINE, START, write_notebook

from stadtbuch.lab import keeping
from stadtbuch.lab.keeping import Kind

OPEN = 'boroughs = city.load("geography.boroughs")'
CLOSED = 'people = city.load("population.residents", purpose="age-structure", columns=["person_id", "borough", "age"])'


def test_open_data_are_noted_with_licence_and_misuse(kernel: Kernel) -> None:
    """The note says the class, the columns, what may leave and what the data are not for; once."""
    (note,) = told(kernel.run(OPEN), "note")
    assert note.splitlines()[:2] == [
        "Geladen: Stadtbezirke (geography.boroughs, offen)",
        "  Spalten: borough, area",
    ]
    assert "alles, mit Namensnennung: Statistikstelle Kleinstadt" in note
    assert "Nicht geeignet: Nicht für Aussagen über Einzelne." in note
    assert told(kernel.run(OPEN), "note") == []


def test_open_rows_are_no_warning(kernel: Kernel) -> None:
    """Exploring open data is free: one hint about the form, and never again."""
    first, second = kernel.run("boroughs.head()"), kernel.run("boroughs.head()")
    assert told([*first, *second], "warning") == []
    assert "Dieser Hinweis kommt einmal" in "".join(told(first, "note"))
    assert [marked(one) for one in second] == [{}]


def test_closed_data_are_noted_with_purpose_and_condition(kernel: Kernel) -> None:
    """Class, purpose, role, until when, pseudonyms, what may leave and what not."""
    note = kernel.said(CLOSED, kind="note")
    assert "population.residents, geschlossen" in note
    assert "Zweck: age structure (age-structure)" in note
    assert "für analyst zum Zweck age-structure bis 31.12.2027" in note
    assert "person_id (Pseudonym), borough, age" in note
    assert "Tabellen aus sb.protect(...), Mindestfallzahl 3." in note
    assert "Ausgaben dieses Notebooks werden nicht gespeichert." in note


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("people.head()", "privacy.raw-rows"),
        ("print(people.to_string())", "privacy.raw-rows"),
        ("people.groupby('borough').size()", "privacy.raw-rows"),
        ("list(people['person_id'])[:1]", "privacy.pseudonym"),
        (
            f"city.source('population.residents').frame['note'].iloc[3] == '{CANARY}'",
            "privacy.source-literal",
        ),
        ("'erika.muster@example.org'", "privacy.identifier"),
    ],
)
def test_what_would_not_leave_is_a_warning(kernel: Kernel, code: str, rule: str) -> None:
    """The gate's own rules look at the cell, and say what to do; the output itself stays."""
    kernel.run(CLOSED)
    outputs = kernel.run(code)
    (warning,) = told(outputs, "warning")
    assert f"[{rule}]" in warning
    assert "Was tun?" in warning
    assert CANARY not in warning
    assert marked(outputs[0]).get("kind") in (None, "output")


@pytest.mark.parametrize("code", ["print('Erika')", "{}['Erika']"])
def test_what_is_printed_after_loading_closed_data_brings_a_mark_along(kernel: Kernel, code: str) -> None:
    """Text and errors cannot be marked themselves; a mark beside them says where they come from, wherever they go."""
    kernel.run(CLOSED)
    notebook = {"cells": [{"cell_type": "code", "source": OPEN, "outputs": kernel.run(code)}]}
    assert keeping.kind(notebook, is_open={"geography.boroughs"}.__contains__) is Kind.closed


def test_a_warning_names_protect_and_peek(kernel: Kernel) -> None:
    """The place is the number in brackets; the remedy is a line to write."""
    kernel.run(CLOSED)
    shown, *others = kernel.run("people.head()")
    (warning,) = told(others, "warning")
    assert f"Zelle {shown['execution_count']}, Ausgabe 1 zeigt 5 Zeilen aus population.residents" in warning
    assert "sb.protect(...)" in warning
    assert "%sb_peek" in warning


def test_everything_shown_after_closed_data_is_marked(kernel: Kernel) -> None:
    """So it is known again in whatever notebook the cell is copied to."""
    kernel.run(CLOSED)
    (shown, _warning) = kernel.run("people.head()")
    assert marked(shown) == {"kind": "output", "restricted": True}


def test_peek_shows_rows_without_a_warning(kernel: Kernel) -> None:
    """What it shows is marked, so that it is never saved."""
    kernel.run(CLOSED)
    outputs = kernel.run("%sb_peek people 2")
    (shown,) = told(outputs, "peek")
    assert shown.splitlines()[0] == "Nur zum Ansehen: wird nicht gespeichert."
    assert len(shown.splitlines()) == 4
    assert [marked(one)["kind"] for one in outputs] == ["peek"]


def test_a_protected_table_is_welcome(kernel: Kernel) -> None:
    """Protecting is told as a note, and the table shows itself without a warning."""
    kernel.run(CLOSED)
    outputs = kernel.run(
        'counts = people.groupby("borough").size()\n'
        'table = sb.protect(counts, name="people", dataset="population.residents")\ntable'
    )
    assert [line.splitlines()[0] for line in told(outputs, "warning")] == ["Ein Befund"]
    assert "[privacy.suppressed]" in told(outputs, "warning")[0]
    assert "stderr" not in {one.get("name") for one in outputs}


def test_our_errors_are_sentences(kernel: Kernel) -> None:
    """What happened, why, what to do; no traceback, and Run All stops there."""
    (error,) = kernel.run('city.load("population.residents")')
    assert error["output_type"] == "error"
    assert error["traceback"][0] == "population.residents ist geschlossen, und es ist kein Zweck angegeben."
    assert error["traceback"][-1].startswith("Was tun? Schreiben Sie city.load(")
    assert not any("Traceback" in line or "ipykernel" in line for line in error["traceback"])


def test_nouns_show_themselves(kernel: Kernel) -> None:
    """A dataset, the catalogue, a search: tables with headings, everything escaped."""
    (shown,) = [one for one in kernel.run("city.catalog") if one["output_type"] == "execute_result"]
    html = shown["data"]["text/html"]
    assert '<th scope="col"' in html
    assert "2 Datensätze" in html
    (found,) = kernel.run('city.catalog.search("Melderegister")')
    assert "population.residents" in found["data"]["text/html"]
    (one,) = kernel.run('city.catalog.get("population.residents")')
    assert 'city.load("population.residents", purpose="age-structure"' in one["data"]["text/plain"]
    (nothing,) = kernel.run("[1, 2]")
    assert "text/html" not in nothing["data"]


def test_completion_answers_in_a_kernel(kernel: Kernel) -> None:
    """Ids, purposes, columns; and outside of the quotes Python's own."""
    assert kernel.completions('city.load("popul') == ["population.residents"]
    assert kernel.completions('city.load("population.residents", purpose="') == ["age-structure"]
    assert kernel.completions('city.load("geography.boroughs", columns=["bor') == ["borough"]
    assert "city.load" in " ".join(
        f"city.{one.removeprefix('city.')}" for one in kernel.completions("city.lo")
    )


def test_data_lists_and_searches(kernel: Kernel) -> None:
    """All datasets, or those in which the words occur."""
    assert kernel.said("%sb_data", kind="data").startswith("2 Datensätze")
    assert kernel.said("%sb_data Melderegister", kind="data").startswith("1 Datensatz\npopulation.residents")


def test_a_new_analysis_begins_from_a_cell(kernel: Kernel, city: Made) -> None:
    """The files are there, and a name that is no address is refused."""
    said = kernel.said("%sb_new how-large closed-data", kind="new")
    assert "notebooks/analyses/how-large.prepare.ipynb" in said
    assert (city.root / "notebooks/analyses/how-large.ipynb").is_file()
    (error,) = kernel.run("%sb_new 'Wie groß?'")
    assert error["evalue"] == "Dieser Name geht nicht."


def test_without_a_file_check_says_what_to_do(kernel: Kernel) -> None:
    """A kernel that no notebook started has no file."""
    error = kernel.run("%sb_check")[-1]
    assert error["evalue"] == "Zu diesem Notebook ist keine Datei bekannt."


@pytest.fixture(scope="module")
def page(city: Made) -> Iterator[Kernel]:
    """Give a kernel that belongs to a notebook which would make a good page."""
    code = ("%load_ext stadtbuch", START, HEADLINE, "%sb_check")
    path = write_notebook(city.root, "large", *code, manifest=a_manifest())
    with kernel_in(city.root, JPY_SESSION_NAME=str(path), STADTBUCH_LANGUAGE="en") as one:
        one.run("%load_ext stadtbuch")
        yield one


def test_check_is_the_gate_of_the_command(page: Kernel) -> None:
    """The saved notebook runs on trial; the answer is the decision, and the lab stays silent in the run."""
    outputs = page.run("%sb_check")
    assert told(outputs, "decision")[0].startswith("Would be allowed\n")
    assert told(outputs, "note") == []


def test_preview_is_the_page_in_a_frame_without_script(page: Kernel) -> None:
    """The page stands alone in a sandbox; an unsaved cell is told apart from the file."""
    outputs = page.run("%sb_preview de")
    (shown,) = [one for one in outputs if marked(one).get("kind") == "preview"]
    html = shown["data"]["text/html"]
    assert '<iframe sandbox="" title="Preview of the public page"' in html
    assert "19,75" in html
    assert "&lt;script" not in html
    assert "older than what you see" in "".join(told(outputs, "note"))


def test_in_a_run_the_extension_is_silent(page: Kernel, city: Made) -> None:
    """The notebook of the check ran with its magics, and put out nothing but its own results."""
    page.run("%sb_check")
    (run,) = (city.root / "var" / "runs").glob("*/notebook.ipynb")
    executed = nbformat.read(run, as_version=4)
    shown = {cell.source: len(cell.outputs) for cell in executed.cells if cell.cell_type == "code"}
    assert shown == {"%load_ext stadtbuch": 0, START: 0, HEADLINE: 2, "%sb_check": 0}
