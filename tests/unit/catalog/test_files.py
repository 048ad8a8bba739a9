"""Strict YAML: what it refuses, and that every node knows its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.catalog import files


def codes(raw: bytes) -> list[str]:
    """Give the codes of all problems."""
    return [problem.code for problem in files.loads(raw, name="a.yaml")[1]]


def test_every_node_knows_its_line() -> None:
    """Keys, items of lists and items of flow lists carry the line on which they begin."""
    content, problems = files.loads(b"a:\n  b: [1,\n    2]\nc:\n  - x\n  - y\n", name="a.yaml")
    assert content is not None
    assert problems == []
    assert content.lines[("a",)] == 1
    assert content.lines[("a", "b", 1)] == 3
    assert content.lines[("c", 1)] == 6


def test_place_that_is_missing_has_the_line_of_what_is_around_it() -> None:
    """A missing key is reported where its mapping stands."""
    content, _ = files.loads(b"x: 1\na:\n  b: 1\n", name="a.yaml")
    assert content is not None
    assert content.line(("a", "c", "d")) == 2


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "catalog.empty"),
        (b"  \n# only a comment\n", "catalog.empty"),
        (b"\xff\xfea: 1", "catalog.encoding"),
        ("a: Köln".encode("cp1252"), "catalog.encoding"),
        (b"- a\n- b\n", "catalog.not-mapping"),
        (b"just words", "catalog.not-mapping"),
        (b"a: [1, 2", "catalog.not-yaml"),
        (b"a: 1\n b: 2", "catalog.not-yaml"),
        (b"a: 1\n---\nb: 2\n", "catalog.not-yaml"),
        (b"a: &x 1\nb: *x\n", "catalog.alias"),
        (b"a: !!python/object/apply:os.system [ls]", "catalog.tag"),
        (b"a: !env HOME", "catalog.tag"),
        (b"[" * 50 + b"]" * 50, "catalog.too-deep"),
        (b"? [a, b]\n: 1\n", "catalog.key"),
        (b"a: 1\nb: 2\na: 3\n", "catalog.key-twice"),
        (b"a: " + b"x" * files.MAX_BYTES, "catalog.too-large"),
    ],
)
def test_each_kind_of_broken_file_has_its_own_code(raw: bytes, code: str) -> None:
    """Not YAML, not a mapping, wrong encoding, empty and the rest are told apart."""
    assert codes(raw) == [code]


def test_duplicate_key_names_both_lines() -> None:
    """The message names the first line, the problem stands at the second; nested keys are found too."""
    _, problems = files.loads(b"a:\n  b: 1\n  c: 2\n  b: 3\n", name="a.yaml")
    assert [(one.line, one.path) for one in problems] == [(4, "a.b")]
    assert "Zeile 2" in problems[0].what.de


def test_wrong_encoding_names_the_line() -> None:
    """The line of the first byte that is no UTF-8 is given."""
    _, problems = files.loads(b"a: 1\nb: K\xf6ln\n", name="a.yaml")
    assert problems[0].line == 2


def test_billion_laughs_is_refused_before_anything_is_built() -> None:
    """Aliases are refused, so that nothing can explode."""
    bomb = b"a: &a [x,x]\n" + b"".join(b"k%d: &k%d [*a,*a]\n" % (n, n) for n in range(9))
    assert set(codes(bomb)) == {"catalog.alias"}


def test_byte_order_mark_is_no_mistake() -> None:
    """Editors on Windows put one."""
    content, problems = files.loads("\ufeffa: ä".encode(), name="a.yaml")
    assert (content and content.data, problems) == ({"a": "ä"}, [])


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0101", "0101"),
        ("24:00", "24:00"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", "1e3"),
        ("true", True),
        ("~", None),
        ("2026-01-15", date(2026, 1, 15)),
        ("2026-02-30", "2026-02-30"),
        ("'12'", "12"),
    ],
)
def test_scalars_stay_what_people_wrote(written: str, value: object) -> None:
    """Codes, times and words that YAML 1.1 would turn into numbers and truth values stay text."""
    content, _ = files.loads(f"a: {written}".encode(), name="a.yaml")
    assert content is not None
    assert content.data == {"a": value}


def test_keys_are_always_text() -> None:
    """`true` and `01` may be keys of a column's description or of labels."""
    content, _ = files.loads(b"true: [ja]\n01: x\n", name="a.yaml")
    assert content is not None
    assert content.data == {"true": ["ja"], "01": "x"}


def test_missing_file_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    """A file that cannot be read is named."""
    content, problems = files.read(tmp_path / "none.yaml", name="catalogs/none.yaml")
    assert content is None
    assert (problems[0].code, problems[0].file) == ("catalog.unreadable", "catalogs/none.yaml")


@given(st.binary(max_size=300))
def test_any_bytes_give_content_or_problems(raw: bytes) -> None:
    """Whatever is in the file, the reader answers and never breaks."""
    content, problems = files.loads(raw, name="a.yaml")
    assert (content is None) <= bool(problems)


@given(st.text(alphabet="ab:-[]{}\n *&!?'\"#|>%@,", max_size=60))
def test_any_yaml_like_text_gives_content_or_problems(written: str) -> None:
    """The same for text made of YAML's own signs."""
    content, problems = files.loads(written.encode(), name="a.yaml")
    assert (content is None) <= bool(problems)
