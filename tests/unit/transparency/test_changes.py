"""What changed between two editions, and why."""

import pytest
from builders.packaged import an_edition

from stadtbuch.errors import UsageError
from stadtbuch.reports import editions, packages
from stadtbuch.transparency import changes


def causes(before, after):
    """Give reason and subject of every cause."""
    return [(one.reason, one.subject) for one in changes.between(before, after).causes]


def test_the_same_edition_has_no_difference(edition):
    """Nothing changed, and nothing follows from it."""
    found = changes.between(edition, edition)
    assert (found.causes, found.values, found.tables, found.others) == ((), (), (), ())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"rows": b"PAR1 other"}, ("data", "a.b")),
        ({"threshold": 5}, ("rules", "min_count")),
        ({"year": 2026}, ("parameters", "year")),
    ],
)
def test_the_cause_is_named(tmp_path, change, expected):
    """Data, rules and parameters are told apart, each with what it was and is."""
    before, after = an_edition(tmp_path / "a"), an_edition(tmp_path / "b", name="2026-01-16", **change)
    assert causes(before, after) == [expected]


def test_another_lock_and_other_code_are_told(tmp_path, monkeypatch):
    """The environment by the hash of its lock, code by the hash of its notebook and modules."""
    before = an_edition(tmp_path / "a")
    monkeypatch.setattr("builders.packaged.PIN", "pandas==3.1.1 \\\n    --hash=sha256:" + 64 * "1" + "\n")
    monkeypatch.setattr("builders.packaged.CODE", "1 + 2")
    assert causes(before, an_edition(tmp_path / "b", name="2026-01-16")) == [
        ("code", "notebook"),
        ("environment", "libraries"),
    ]


def test_numbers_and_tables_that_moved_are_named(tmp_path):
    """A value with what it was and is, a table with how many of its rows are other ones."""
    found = changes.between(
        an_edition(tmp_path / "a"), an_edition(tmp_path / "b", value=2.5, name="2026-01-16")
    )
    assert [(one.name, one.before, one.after) for one in found.values] == [("total", 1.5, 2.5)]
    assert [(one.path, one.gone, one.new) for one in found.tables] == [("data/areas.csv", 1, 1)]


def test_editions_of_different_reports_are_not_compared(tmp_path, edition):
    """Whoever mixes up two reports is told, with what to do."""
    other = an_edition(tmp_path / "b")
    text = (other / editions.EDITION).read_text().replace('"report": "area"', '"report": "other"')
    (other / editions.EDITION).write_text(text)
    with pytest.raises(UsageError) as refused:
        changes.between(edition, other)
    assert refused.value.code == "diff.other-report"


def test_an_edition_without_a_package_is_compared_as_a_whole(tmp_path, edition):
    """Old editions know code and environment by one hash each; the answer says so."""
    other = an_edition(tmp_path / "b", value=2.5, name="2026-01-16")
    (other / packages.RUN).unlink()
    found = changes.between(edition, other)
    assert not found.complete
    assert [one.name for one in found.values] == ["total"]
