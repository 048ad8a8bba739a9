"""``stadtbuch report``: list, history, approve, withhold."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from builders.city import Made, a_city
from builders.reports import ROLES, write_closed_report, write_open_report

from stadtbuch.cli import main
from stadtbuch.model.report import Edition
from stadtbuch.model.verdict import decide
from stadtbuch.reports import decisions, definitions, editions
from stadtbuch.texts import same

FILES = {"results.json": b"[]\n"}


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Give a city with a published edition and one that waits, without running anything."""
    made = a_city(tmp_path / "city", roles=ROLES)
    write_open_report(made.root)
    write_closed_report(made.root)
    session = made.open()
    for name, folder in (("area", "editions"), ("people", "waiting")):
        edition = an_edition(session, name)
        place = editions.place if folder == "editions" else editions.waiting_place
        target = place(session.state, name, "")
        editions.lay(target / edition.edition if folder == "editions" else target, edition, FILES)
    monkeypatch.setattr("stadtbuch.cli.report.write_site", lambda city: 0)
    return made


def an_edition(session, name: str) -> Edition:
    """Describe an edition of today's code."""
    report = definitions.load(session.settings)[name]
    return Edition(
        id=f"{name}@2026-01-15", report=name, cell="", edition="2026-01-15", title=report.title, parameters={},
        made_at=datetime(2026, 1, 15, tzinfo=UTC), run_keys={}, code=decisions.code_of(session, report),
        rules="2026.1", library="x", inputs=(), files=editions.describe(FILES),
        decision=decide([], passed=same("gut")),
    )  # fmt: skip


def called(capsys, city: Made, *arguments: str) -> tuple[int, str, str]:
    """Run ``stadtbuch report``."""
    code = main.main(["report", *arguments, "--city", str(city.root)])
    said = capsys.readouterr()
    return code, said.out, said.err


def document(capsys, city: Made, *arguments: str):
    """Run with --json."""
    code, out, _ = called(capsys, city, *arguments, "--json")
    assert code == 0
    return json.loads(out)


def test_list_has_the_promised_shape(capsys, city):
    """CONTRACTS: report list. What waits has no public path."""
    assert document(capsys, city, "list") == [
        {
            "report": "area", "cell": "", "edition": "area@2026-01-15", "path": "reports/area/2026-01-15",
            "released": "2026-01-15T00:00:00+00:00", "status": "published",
        },
        {
            "report": "people", "cell": "", "edition": "people@2026-01-15", "path": None, "released": None,
            "status": "awaiting-approval",
        },
    ]  # fmt: skip


def test_list_is_readable(capsys, city):
    """One line per page with its state."""
    _, out, _ = called(capsys, city, "list")
    assert [line.split(maxsplit=1) for line in out.splitlines()] == [
        ["area@2026-01-15", "veröffentlicht"],
        ["people@2026-01-15", "wartet auf Freigabe"],
    ]


def test_a_report_that_was_never_built_is_listed(capsys, city):
    """Nobody has to remember which reports there are."""
    write_open_report(city.root, "new")
    assert document(capsys, city, "list")[1]["status"] == "none"


def test_approve_releases_and_tells_what(capsys, city):
    """The edition that waited is public, in the role that --as named."""
    told = document(capsys, city, "approve", "people", "--as", "head-of-statistics")
    assert told["released"] == ["people@2026-01-15"]
    assert told["role"] == "head-of-statistics"
    assert document(capsys, city, "list")[1]["status"] == "published"
    (event,) = document(capsys, city, "history", "people")
    assert event["approved_by"] == "head-of-statistics"


def test_approve_in_another_role_ends_with_code_4(capsys, city):
    """The message names the right role."""
    code, _, err = called(capsys, city, "approve", "people", "--as", "analyst")
    assert code == 4
    assert "--as head-of-statistics" in err


def test_approve_record_writes_the_file(capsys, city):
    """So that a first approval goes along with the reports."""
    told = document(capsys, city, "approve", "people", "--record", "--as", "head-of-statistics")
    assert told["recorded"] == "approvals.yaml"
    assert told["code"] in (city.root / "reports/approvals.yaml").read_text(encoding="utf-8")


def test_withhold_takes_it_out_and_says_why(capsys, city):
    """Reasons in both languages are required."""
    reason = ["--reason-de", "Quelle falsch.", "--reason-en", "Source wrong."]
    code, out, _ = called(capsys, city, "withhold", "area@2026-01-15", *reason, "--as", "head-of-statistics")
    assert code == 0
    assert "nicht mehr öffentlich" in out
    (event,) = document(capsys, city, "history", "area")
    assert (event["status"], event["reason"]) == ("withheld", "Quelle falsch.")
    assert called(capsys, city, "withhold", "area@2026-01-15", "--reason-de", "x")[0] == 2


def test_withholding_again_writes_the_site_before_it_says_so(capsys, city, monkeypatch):
    """A first try that was cut off leaves no page public."""
    written = []
    monkeypatch.setattr("stadtbuch.cli.report.write_site", lambda city: written.append(city) or 0)
    reason = ["--reason-de", "x", "--reason-en", "x"]
    command = ["withhold", "area@2026-01-15", *reason, "--as", "head-of-statistics"]
    assert called(capsys, city, *command)[0] == 0
    code, _, err = called(capsys, city, *command)
    assert (code, len(written)) == (2, 2)
    assert "schon zurückgezogen" in err


def test_history_of_a_report_that_does_not_exist_ends_with_code_2(capsys, city):
    """With a suggestion."""
    code, _, err = called(capsys, city, "history", "peple")
    assert code == 2
    assert "Meinten Sie people?" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("approve", "people", "--as", "head-of-statistics"),
        ("withhold", "area@2026-01-15", "--reason-de", "Fehler", "--reason-en", "mistake",
         "--as", "head-of-statistics"),
    ],
)  # fmt: skip
def test_pages_that_not_everybody_can_read_end_with_code_3(capsys, city, monkeypatch, arguments):
    """The decision stands and is told; the exit code says that a page needs work."""
    monkeypatch.setattr("stadtbuch.cli.report.write_site", lambda city: 3)
    code, out, _ = called(capsys, city, *arguments)
    assert code == 3
    assert out


def test_withdraw_says_first_what_it_would_take(capsys, city):
    """The dry run changes nothing; without --remove-content its options are a mistake."""
    told = document(capsys, city, "withdraw", "area@2026-01-15", "--remove-content", "--dry-run")
    assert told == {"dry_run": True, "editions": ["area@2026-01-15"], "files": 0, "derived": []}
    assert document(capsys, city, "list")[0]["status"] == "published"
    code, out, _ = called(capsys, city, "withdraw", "area@2026-01-15", "--dry-run", "--json")
    assert (code, json.loads(out)["error"]["code"]) == (2, "usage.remove-content")


def test_withdraw_removes_the_content_and_reminds_of_backups(capsys, city):
    """The reason is required, the role is the releasing one, and a second time is no mistake."""
    arguments = ("withdraw", "area@2026-01-15", "--remove-content", "--as", "head-of-statistics")
    code, out, _ = called(capsys, city, *arguments, "--json")
    assert (code, json.loads(out)["error"]["code"]) == (2, "usage.no-reason")
    for _ in range(2):
        code, out, _ = called(capsys, city, *arguments, "--reason", "Eine Zeile verriet einen Menschen.")
        assert code == 0
        assert "area@2026-01-15" in out
        assert "--keep 1" in out
    folder = city.root / "var/editions/area/_/2026-01-15"
    assert sorted(path.name for path in folder.iterdir()) == ["edition.json", "status.json"]
    assert main.main(["verify", "area@2026-01-15", "--json", "--city", str(city.root)]) == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "cannot-run"  # nobody is told that it differs


def test_withdraw_without_content_is_withholding(capsys, city):
    """Its files stay in the archive."""
    arguments = ("withdraw", "area@2026-01-15", "--reason", "Ein Fehler.", "--as", "head-of-statistics")
    assert document(capsys, city, *arguments)["status"] == "withheld"
    assert (city.root / "var/editions/area/_/2026-01-15/results.json").is_file()
