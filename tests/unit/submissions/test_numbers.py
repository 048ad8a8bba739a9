"""Receipt numbers and secrets: readable, not guessable, mistakes noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.errors import UsageError
from stadtbuch.submissions import numbers

RANDOM = st.binary(min_size=200, max_size=200)


def a_number(data: bytes) -> str:
    """Make a number from given randomness."""
    left = bytearray(data) + bytearray(100)

    def draw(count: int) -> bytes:
        taken = bytes(left[:count])
        del left[:count]
        return taken

    return numbers.number(year=2026, random=draw)


@given(RANDOM)
def test_a_number_is_read_as_it_was_made(data: bytes) -> None:
    """Small letters and spaces do not matter."""
    made = a_number(data)
    assert numbers.read(made) == made
    assert numbers.read(made.lower().replace("-", " ")) == made


@given(RANDOM, st.data())
def test_a_wrong_sign_is_noticed(data: bytes, more: st.DataObject) -> None:
    """No single wrong sign gives another valid number."""
    made = a_number(data)
    place = more.draw(st.sampled_from([8, 9, 10, 11, 13, 14, 15, 16]))
    other = more.draw(st.sampled_from([sign for sign in numbers.SIGNS if sign != made[place]]))
    with pytest.raises(UsageError):
        numbers.read(made[:place] + other + made[place + 1 :])


@given(RANDOM, st.sampled_from([(8, 9), (9, 10), (10, 11), (11, 13), (13, 14), (14, 15), (15, 16)]))
def test_two_signs_that_changed_places_are_noticed(data: bytes, places: tuple[int, int]) -> None:
    """The most frequent slip of the pen is noticed, too."""
    signs = list(a_number(data))
    first, second = places
    if signs[first] != signs[second]:
        signs[first], signs[second] = signs[second], signs[first]
        with pytest.raises(UsageError):
            numbers.read("".join(signs))


def test_every_sign_is_as_likely_as_the_others() -> None:
    """Bytes that would make some signs more likely are drawn again."""
    drawn = list(range(256))
    made = numbers.secret(random=lambda count: bytes(drawn.pop(0) if drawn else 0 for _ in range(count)))
    assert len(made.replace("-", "")) == numbers.SECRET
    skipped = numbers.number(year=2026, random=_first_bad())
    assert skipped == "SB-2026-1111-1111"


def _first_bad():
    rounds = [bytes([250] * 7), bytes(7)]
    return lambda count: rounds.pop(0)[:count]


def test_a_secret_is_kept_as_its_digest_and_read_as_people_type_it() -> None:
    """Case, spaces and strokes do not count; a wrong sign does."""
    made = numbers.secret(random=lambda count: bytes(range(count)))
    assert numbers.hidden(made.lower().replace("-", " ")) == numbers.hidden(made)
    assert numbers.hidden(made[:-1] + ("1" if made[-1] != "1" else "2")) != numbers.hidden(made)
    assert made.replace("-", "") not in numbers.hidden(made)


@pytest.mark.parametrize(
    "typed", ["", "SB-2026", "SB-2026-OOOO-OOOO", "SB-2026-1111-111", "../../etc", "SB-2026-1111-1112"]
)
def test_what_is_no_number_is_refused(typed: str) -> None:
    """Nothing else becomes the name of a folder."""
    with pytest.raises(UsageError) as error:
        numbers.read(typed)
    assert error.value.code == "submission.number"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("SB-2026-1111", True), ("sb 2026", True), ("sb-2026.ipynb", False), ("a.ipynb", False)],
)
def test_a_number_is_told_from_a_file(typed: str, meant: bool) -> None:
    """A wrong number is called a wrong number, not a missing file."""
    assert numbers.looks_like_number(typed) is meant
