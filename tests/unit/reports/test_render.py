"""An edition as a page: everything the archive holds, in the order readers know, the same bytes every time."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from builders import small_city

from stadtbuch.reports import accessibility, look, render
from stadtbuch.reports.look import Shell
from stadtbuch.reports.render import Context, Link
from stadtbuch.settings import City
from stadtbuch.state import State
from stadtbuch.texts import Text, same

ORDER = [
    "main-points",
    "s-die-mitte-ist-jung",
    "bild-ages",
    "data",
    "glossary",
    "method",
    "limits",
    "benefit",
    "sources",
    "made",
    "editions",
    "cite",
]


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay one edition into an archive."""
    folder = tmp_path_factory.mktemp("archive")
    parameters = {"borough": "Mitte", "reference_date": "2025-12-31"}
    state = State.open(folder / "var")
    return small_city.put(
        state,
        folder / "work",
        report="who-lives-where",
        cell="mitte",
        name="2026-01-15",
        parameters=parameters,
    )


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """Give the settings of the city."""
    return small_city.make_settings(tmp_path_factory.mktemp("settings")).city


@pytest.fixture
def context(city: City) -> Context:
    """Surround the edition with what a site knows."""
    return Context(
        shell=Shell(city=city, root="../../../../", style="style.css"),
        permanent="reports/who-lives-where/mitte/2026-01-15",
        report=small_city.make_reports()["who-lives-where"],
        cells=(Link(render.OVERALL, "reports/who-lives-where/all"), Link(same("Mitte"), None)),
        editions=(Link(same("15. Januar 2026"), None),),
        datasets=small_city.make_datasets(),
    )


@pytest.fixture
def page(edition: Path, context: Context) -> str:
    """Render the German page."""
    return render.render(edition, language="de", context=context)


def test_page_stands_in_the_order_readers_know(page: str) -> None:
    """Main points, analysis, figure, data, glossary, method, limits, use, sources, how made, editions, citation."""
    places = [page.index(f'id="{name}"') for name in ORDER]
    assert places == sorted(places)


def test_question_answer_and_dates_come_first(page: str) -> None:
    """Title with the cell, summary, the number that answers, reference date, edition and next edition open the page."""
    head = page[page.index('class="report-head"') : page.index('id="main-points"')]
    for words in (
        "Wer wohnt wo?",
        "Mitte",
        "Wie viele Menschen in jedem Stadtbezirk",
        "61.200",
        "Stichtag",
        "31. Dezember 2025",
        "15. Januar 2026",
        "Januar 2027",
    ):
        assert words in head
    assert "Stadtbezirk Mitte" in head


def test_figure_has_everything_a_figure_needs(page: str) -> None:
    """Message, subtitle, drawn picture with its own name, reading help, table, CSV with its size, source."""
    figure = page[page.index("<figure") : page.index("</figure>")]
    for words in (
        "Die Mitte des Lebens ist am stärksten besetzt",
        "Menschen nach Altersgruppe",
        "<svg",
        'role="img"',
        "Am längsten ist der Balken",
        "So lesen Sie das Bild:",
        "<table>",
        'href="figures/ages.csv"',
        "Bytes",
        "Quelle:",
    ):
        assert words in figure


def test_english_page_speaks_english(edition: Path, context: Context) -> None:
    """Nothing of the German text is on the English page, and the picture is the English one."""
    page = render.render(edition, language="en", context=context)
    assert '<html lang="en">' in page and "The centre is young" in page and "61,200" in page
    body = re.sub(r'<a [^>]*lang="de"[^>]*>.*?</a>', "", page)
    for german in ("Die Mitte ist jung", "Altersgruppe", "Hauptaussagen", "Stichtag", "herunterladen"):
        assert german not in body


def test_how_it_was_made_names_inputs_code_checks_and_approval(page: str) -> None:
    """Versions, parameters, code, run keys, decision, approval by role and date, every file with its checksum."""
    made = page[page.index('id="made"') :]
    for words in (
        "e" * 64,
        "c" * 64,
        "a" * 64,
        "b" * 64,
        "Geprüft nach Regelwerk 2026.1",
        "Leitung der Statistikstelle",
        "14. Januar 2026",
        "0.1.0 (111111111111)",
        "10:30 Uhr (Europe/Berlin)",
    ):
        assert words in made


def test_every_input_shows_licence_and_attribution_and_links_its_dataset(page: str) -> None:
    """Who is named under which licence stands on the page, for each input."""
    sources = page[page.index('id="sources"') : page.index('id="made"')]
    assert 'href="../../../../datasets/population.by_age/index.html"' in sources
    assert "Statistikstelle Musterstadt" in sources and "https://www.govdata.de/dl-de/by-2-0" in sources
    assert "geschlossen" in sources and "offen" in sources
    assert sources.count("Keine Lizenz: nicht veröffentlicht") == 1
    assert sources.count("Lizenz: <a") == 1


def test_benefit_and_misuse_are_said(page: str) -> None:
    """What the numbers are for, what not, and what each dataset is not for."""
    for words in (
        "Hilft bei der Planung von Schulen.",
        "Sagt nichts über einzelne Menschen.",
        "Nicht für Aussagen über Einzelne.",
    ):
        assert words in page


def test_feedback_carries_the_id_of_the_edition(page: str) -> None:
    """Whoever writes needs not say which page it was."""
    assert "mailto:statistik@musterstadt.example?subject=who-lives-where/mitte%402026-01-15" in page


def test_synthetic_city_says_so_on_the_page(page: str) -> None:
    """The ribbon stands before anything else."""
    assert page.index("Synthetische Daten.") < page.index("<header")


def test_page_passes_our_own_look_and_its_weight(page: str) -> None:
    """No finding of the accessibility rules, under 300 kB, no inline style or script."""
    assert accessibility.check(page, subject="x") == []
    assert len(page.encode()) < 300_000
    assert " style=" not in page and "<script" not in page


def test_same_archive_gives_the_same_bytes(edition: Path, context: Context, page: str) -> None:
    """Rendering knows no clock and no chance."""
    assert render.render(edition, language="de", context=context) == page


def test_page_above_the_edition_links_into_its_folder(edition: Path, context: Context) -> None:
    """The latest page of a cell shows the same edition and finds its files one folder below."""
    above = Context(
        **{name: getattr(context, name) for name in context.__slots__} | {"folder": "2026-01-15/"}
    )
    page = render.render(edition, language="de", context=above)
    assert 'href="2026-01-15/figures/ages.csv"' in page and 'href="figures/ages.csv"' not in page


def test_long_table_view_says_what_it_leaves_out(
    edition: Path, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page stays light, and says so where a table view is not complete."""
    monkeypatch.setattr(render, "TABLE_ROWS", 4)
    monkeypatch.setattr(render, "_kept", render._kept.__wrapped__)  # nothing made with other numbers
    page = render.render(edition, language="de", context=context)
    assert "Hier stehen die ersten" in page and re.search(r"4\s+von\s+10\s+Zeilen", page)


def test_report_without_definition_still_renders(edition: Path, context: Context) -> None:
    """An edition outlives its report's definition."""
    alone = Context(shell=context.shell)
    page = render.render(edition, language="de", context=alone)
    assert "Wer wohnt wo?" in page and accessibility.check(page, subject="x") == []


@pytest.mark.parametrize(("value", "label"), [("all", render.OVERALL), ("Mitte", same("Mitte"))])
def test_cell_is_named_by_its_value(edition: Path, value: str, label: Text) -> None:
    """A cell is called what it is about; the sum over all is called that."""
    read = json.loads((edition / "edition.json").read_text(encoding="utf-8"))
    made = render.Edition.model_validate(read | {"parameters": {"borough": value}})
    assert render.cell_label(made, small_city.make_reports()["who-lives-where"]) == label


def test_style_sheet_puts_the_city_between_tokens_and_rules() -> None:
    """A city overrides tokens, never rules; nothing in the sheet is fetched from anywhere."""
    sheet = look.style(":root { --rubric: navy; }")
    assert sheet.index("--rubric: #9a2a1b") < sheet.index("--rubric: navy") < sheet.index("body {")
    assert (
        "url(" not in sheet and "@import" not in sheet and "http" not in sheet.replace('a[href^="http"]', "")
    )
