"""The inspection in the sender's words: what stands against a notebook, and that a good one passes."""

import pytest
from builders.city import a_city
from builders.submissions import a_submission, code, shown, text

from stadtbuch.model.verdict import Severity
from stadtbuch.submissions import inspection, review
from stadtbuch.submissions.inspection import NOTHING, Known

LOAD = 'city.load("geography.boroughs")\n'


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    """Give what a small city knows."""
    return review.known(a_city(tmp_path_factory.mktemp("city") / "city").open())


def rules(data: bytes, known: Known = NOTHING, **more) -> dict[str, Severity]:
    """Give the rules that were found, with their weight."""
    return {
        one.rule.removeprefix("submission."): one.severity
        for one in inspection.inspect(data, known=known, **more).findings
    }


def test_a_good_notebook_passes_without_a_word(known: Known) -> None:
    """Whoever does it right is not bothered."""
    made = inspection.inspect(a_submission(), known=known)
    assert (made.findings, made.cells, made.code_cells, made.imports) == ((), 2, 1, ("stadtbuch",))
    assert [(use.dataset, use.known, use.open, use.cells) for use in made.uses] == [
        ("geography.boroughs", True, True, (2,))
    ]


def test_datasets_are_judged_by_the_catalogue(known: Known) -> None:
    """A closed dataset and one that does not exist stand against it; the nearest name is suggested."""
    made = inspection.inspect(
        a_submission(code('city.load("population.residents")\ncity.load("geography.borough")')), known=known
    )
    found = {one.rule: one for one in made.blocking}
    assert set(found) == {"submission.closed-dataset", "submission.unknown-dataset"}
    assert found["submission.unknown-dataset"].remedy.de == "Meinten Sie geography.boroughs?"


def test_a_released_table_is_open() -> None:
    """Tables that a report released may be used, though what they were made from may not."""
    made = inspection.inspect(
        a_submission(code('city.load("people.by_age")')), known=Known({}, frozenset({"people.by_age"}))
    )
    assert [(use.known, use.open) for use in made.uses] == [(True, True)]
    assert made.blocking == ()


def test_at_home_openness_is_left_to_the_city() -> None:
    """Without a catalogue nothing is claimed about what is open."""
    made = inspection.inspect(a_submission())
    assert [(use.known, use.open) for use in made.uses] == [(None, None)]
    assert [one.rule for one in made.findings] == ["submission.no-catalogue"]


AGAINST = {
    "network": code(LOAD + "import requests"),
    "processes": code(LOAD + 'import os\nos.system("ls")'),
    "shell": code(LOAD + "!ls"),
    "magic": code(LOAD + "%run x.py"),
    "files": code(LOAD + 'open("meine.csv")'),
    "packed": code(LOAD + "import pickle"),
    "no-dataset": code("1"),
    "secret": code(LOAD + 'api_key = "abcdef123456"'),
    "personal-data": text("Fragen an erika@muster.example"),
}
CONSIDER = {
    "maybe-files": code(LOAD + "pd.read_csv(x)"),
    "writes": code(LOAD + 'f.to_csv("x.csv")'),
    "dynamic": code(LOAD + "eval(x)"),
    "unreadable-cell": code("def ("),
    "unclear-dataset": code("city.load(x)"),
    "import": code(LOAD + "import torch"),
    "path": code(LOAD + 'p = "/home/erika/daten"'),
    "active": text("<script>alert(1)</script>"),
    "pictures": text("![x](bild.png)"),
    "attachments": text("x", attachments={"a.png": {"image/png": "x"}}),
}
TO_KNOW = {
    "harmless-magic": code("%matplotlib inline\n" + LOAD),
    "links": text("https://a.example/"),
    "outputs": code(LOAD, outputs=[shown(plain="1")]),
    "raw": {"cell_type": "raw", "source": "x"},
}


@pytest.mark.parametrize("rule", [*AGAINST, *CONSIDER, *TO_KNOW])
def test_each_finding_has_its_weight_and_its_words(known: Known, rule: str) -> None:
    """Each kind is found alone, with a text and a remedy in both languages."""
    cell = {**AGAINST, **CONSIDER, **TO_KNOW}[rule]
    extra = () if rule in ("no-dataset", "unclear-dataset") else (code(LOAD),)
    made = inspection.inspect(a_submission(cell, *extra), known=known)
    (found,) = [one for one in made.findings if one.rule == f"submission.{rule}"]
    assert [one.rule for one in made.findings] == [found.rule]
    assert found.severity == ("refuse" if rule in AGAINST else "warn" if rule in CONSIDER else "note")
    assert found.text.de != found.text.en
    assert found.remedy.de != found.remedy.en


@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN RSA PRIVATE KEY-----", "AKIAABCDEFGHIJKLMNOP", "ghp_" + "a" * 36, "sk-" + "a" * 24,
        "xoxb-1234567890-abc", "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.abcdefgh", 'password = "hunter2hunter2"',
        "postgres://u:geheim@db.example/x", 'token: "abcdefgh12"',
    ],
)  # fmt: skip
def test_secrets_are_found_in_sources_and_outputs(secret: str) -> None:
    """Keys and passwords are found wherever they stand, and never repeated."""
    for cell in (code(f"# {secret}\n{LOAD}"), code(LOAD, outputs=[shown(plain=secret)]), text(secret)):
        made = inspection.inspect(a_submission(cell, code(LOAD)))
        assert "submission.secret" in [one.rule for one in made.blocking]
        assert secret not in made.model_dump_json()


def test_harmless_words_are_no_secret() -> None:
    """A column called token, or an empty password, is no secret."""
    assert "secret" not in rules(a_submission(code(LOAD + 'frame["token"]\npassword = ""\nx = "token: y"')))


def test_what_is_no_notebook_is_a_finding_not_an_error() -> None:
    """The same words as at the gate, so that the sender gets one answer."""
    made = inspection.inspect(b"%PDF-1.7")
    assert [one.rule for one in made.blocking] == ["submission.not-json"]
    assert made.cells == 0


def test_mailboxes_of_the_city_are_no_personal_data(known: Known) -> None:
    """A contact that the catalogue names may be quoted."""
    assert rules(a_submission(text("Quelle: statistik@kleinstadt.example"), code(LOAD)), known) == {}


def test_duplicates_are_noticed(known: Known) -> None:
    """Who sends the same again is told; whose it was is not."""
    assert rules(a_submission(), known, duplicate=True) == {"duplicate": Severity.warn}


def test_no_finding_repeats_what_was_written() -> None:
    """Names of modules and datasets are all that comes back, and only if they look like names."""
    canary = "KANARI9Geheim"
    cells = [
        code(f"import {canary}x\nopen('{canary}')\ncity.load('{canary}')"),
        text(f"<script>{canary}</script>"),
    ]
    said = inspection.inspect(a_submission(*cells)).model_dump_json()
    assert said.count(canary) == said.count(f"{canary}x") == 3
