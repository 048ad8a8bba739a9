"""Published against computed again: every number within its tolerance, everything else by bytes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.texts import same
from stadtbuch.transparency import comparing, verdict


def outcome(before, after, path="results.json"):
    """Give the verdict over one file."""
    files = [{path: one if isinstance(one, bytes) else json.dumps(one).encode()} for one in (before, after)]
    found = comparing.weighed([*comparing.compare(*files)])
    return verdict.of("a@2026-01-15", found).outcome, [(one.subject, one.text.en) for one in found]


def test_same_bytes_are_identical():
    """Nothing to say."""
    assert outcome([1], [1]) == ("identical", [])


def test_numbers_within_the_tolerance_are_equal():
    """Another processor adds in another order; that is no other number."""
    assert outcome([{"name": "a", "value": 0.1 + 0.2}], [{"name": "a", "value": 0.3}])[0] == "equal"
    assert outcome(b"a,b\nx,0.30000000000000004\n", b"a,b\nx,0.3\n", "data/t.csv")[0] == "equal"


@pytest.mark.parametrize(
    ("path", "before", "after", "subject"),
    [
        ("results.json", [{"name": "a", "value": 1}], [{"name": "a", "value": 2}], "results.json: a, value"),
        ("data/t.csv", b"a,b\nx,1\n", b"a,b\nx,2\n", "data/t.csv: 2, 2"),
        ("data/t.csv", "a\n·\n".encode(), b"a\n2\n", "data/t.csv: 2, 1"),
        ("figures/f.csv", b"a\n1\n", b"a\n1\n2\n", "figures/f.csv"),
        ("figures/f.json", {"title": "Alt"}, {"title": "Neu"}, "figures/f.json: title"),
    ],
)
def test_another_number_is_named_with_its_place(path, before, after, subject):
    """The first difference says where, what was published, and what came out."""
    said, found = outcome(before, after, path)
    assert (said, found[0][0]) == ("differs", subject)


def test_a_picture_that_is_only_written_differently_does_not_weigh():
    """All numbers agree; the verdict says equal and names the file."""
    assert outcome(b"<svg/>", b"<svg />", "figures/f.svg") == (
        "equal",
        [("figures/f.svg", "Written differently; all numbers agree.")],
    )


def test_what_only_one_side_has_is_a_difference():
    """Neither a file that is missing nor one too many passes."""
    gone = [*comparing.compare({"data/a.csv": b""}, {})]
    new = [*comparing.compare({}, {"data/a.csv": b""})]
    assert [one.subject for one in gone + new] == ["data/a.csv", "data/a.csv"]
    assert all(one.weighs for one in gone + new)


def test_what_says_how_an_edition_was_made_is_not_computed_again():
    """Package, crate and checkpoint are checked by their checksums."""
    published = {"package/run.json": b"1", "ro-crate-metadata.json": b"2", "checkpoint.txt": b"3"}
    assert [*comparing.compare(published, {})] == []


def test_differences_of_one_file_are_bounded():
    """A screen is enough to understand."""
    assert len(outcome([*range(1000)], [*range(1, 1001)])[1]) == comparing.AT_MOST


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(min_value=1.001, max_value=1000))
def test_a_number_that_moved_is_never_close(number, factor):
    """Beyond the tolerance two numbers are two; a number is always close to itself."""
    assert comparing.close(number, number)
    if abs(number) > 1e-6 and abs(number * factor) < 1e300:
        assert not comparing.close(number, number * factor)


@given(st.binary(max_size=60), st.sampled_from(["data/a.csv", "results.json", "figures/a.svg"]))
def test_whatever_the_bytes_a_verdict_comes_out(data, path):
    """Broken files are compared as well as sound ones."""
    assert outcome(b"[1]", data, path)[0] in ("identical", "equal", "differs")


def test_a_verdict_survives_the_way_through_json():
    """What the edition's own library says in its environment is read again; anything else is no verdict."""
    told = verdict.of(
        "a@2026-01-15", [verdict.Difference("code", "x.ipynb", same("anders"))], notes=(same("n"),)
    )
    assert verdict.read(told.as_dict("de")) == told
    for broken in ({"verdict": "perfect", "differences": [], "edition": ""}, {"error": {}}):
        with pytest.raises((ValueError, KeyError)):
            verdict.read(broken)


def test_exit_codes_follow_the_verdict():
    """0 holds, 3 differs, 1 could not be computed."""
    outcomes = {one: verdict.Verdict(one, "").exit_code for one in verdict.OUTCOMES}
    assert outcomes == {"identical": 0, "equal": 0, "differs": 3, "cannot-run": 1}
