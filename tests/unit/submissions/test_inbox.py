"""The spool: nothing half received, nothing lost, nothing kept longer than said."""

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from builders.city import NOW, Made, a_city
from builders.submissions import (
    ADDRESS,
    CANARY,
    REASON,
    ROLES,
    a_random,
    a_submission,
    accepted,
    code,
    received,
    reran,
    text,
)

from stadtbuch import atomic
from stadtbuch.errors import Refused, StateError, UsageError
from stadtbuch.model.submission import Stage
from stadtbuch.submissions import inbox, mail, notebooks, numbers, review


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Give a small city whose people may decide."""
    return a_city(tmp_path / "city", roles=ROLES)


@pytest.fixture
def city(made: Made):
    """Open it."""
    return made.open()


def files(city) -> dict[str, bytes]:
    """Give everything in the spool."""
    root = inbox.spool(city.state)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def kinds(city) -> list[str]:
    """Give what the book says about submissions."""
    return [entry.kind for entry in city.book.entries() if entry.kind.startswith("submission")]


def test_a_receipt_gives_inert_private_bytes(city) -> None:
    """The content lies there byte for byte, readable for nobody else, and executable for nobody."""
    data = b"\x00not a notebook at all, kept all the same"
    number = received(city, data).submission.number
    folder = inbox.spool(city.state) / number
    assert (folder / "original.bin").read_bytes() == data
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)} == {0o700}


def test_the_secret_is_nowhere_but_in_the_receipt(city) -> None:
    """Who reads the spool or the book cannot withdraw in the sender's name."""
    got = received(city)
    plain = got.secret.replace("-", "")
    everything = b"".join(files(city).values()) + (city.state.root / "book.sqlite").read_bytes()
    assert plain.encode() not in everything
    assert got.secret.encode() not in everything
    assert numbers.hidden(got.secret).encode() in everything


def test_the_book_holds_no_name_no_address_no_word_of_the_sender(city) -> None:
    """Book and log get numbers and checksums only."""
    data = a_submission(text(f"# {CANARY}"), code('city.load("geography.boroughs")'))
    got = accepted(city, data, credit=f"{CANARY} Gruppe")
    review.withdraw_by_sender(city, got.submission.number, secret=got.secret)
    city.state.log("test.done", now=city.now)
    told = json.dumps([entry.model_dump(mode="json") for entry in city.book.entries()])
    told += (city.state.folder("log") / "stadtbuch.log").read_text()
    assert CANARY not in told
    assert ADDRESS not in told
    assert kinds(city) == [
        f"submission-{stage}" for stage in ("received", "inspected", "rerun", "accepted", "withdrawn")
    ]


def test_numbers_differ_and_say_nothing_about_the_content(city) -> None:
    """The same bytes twice give two numbers, and the second knows of the first."""
    first, second = received(city).submission, received(city).submission
    assert first.number != second.number
    assert second.duplicate_of == first.number
    assert first.duplicate_of is None


def test_a_number_that_is_taken_is_drawn_again(city) -> None:
    """Two submissions never share a folder."""
    sent = mail.Sent(notebook=a_submission())
    first = inbox.receive(city, sent, random=lambda count: bytes(count)).submission.number
    rounds = [bytes(26), bytes(7), bytes([1] * 7)]
    second = inbox.receive(city, sent, random=lambda count: rounds.pop(0)[:count]).submission.number
    assert (first, second[:12]) == ("SB-2026-1111-1111", "SB-2026-2222")


@pytest.mark.parametrize(("data", "rule"), [(b"", "empty"), (b"x" * (notebooks.MAX_BYTES + 1), "too-large")])
def test_size_is_all_that_is_asked_at_receipt(city, data: bytes, rule: str) -> None:
    """Nothing is kept of what is refused."""
    with pytest.raises(Refused) as refusal:
        inbox.receive(city, mail.Sent(notebook=data), random=a_random())
    assert refusal.value.code == f"submission.{rule}"
    assert files(city) == {}


def test_the_spool_cannot_be_flooded(city, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a limit for all, and one for each address; decided ones do not count."""
    monkeypatch.setattr(inbox, "MAX_WAITING", 3)
    monkeypatch.setattr(inbox, "MAX_FROM_ONE", 2)
    one = received(city)
    received(city)
    with pytest.raises(Refused) as from_one:
        received(city)
    received(city, address="b@b.example")
    with pytest.raises(Refused) as in_all:
        received(city, address="c@c.example")
    review.withdraw_by_sender(city, one.submission.number, secret=one.secret)
    assert received(city, address="c@c.example")
    assert (from_one.value.code, in_all.value.code) == (
        "submission.too-many-from-you",
        "submission.spool-full",
    )


# ---- cut off ------------------------------------------------------------------------------------------


class Cut(BaseException):
    """Stands for a power cut."""


@pytest.mark.parametrize("step", range(1, 8))
def test_a_power_cut_leaves_all_or_nothing(city, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Wherever a receipt is cut off, the next command finds it whole and enters it, or finds nothing."""
    calls = {"left": step}

    def counted(real):
        def call(*arguments, **named):
            calls["left"] -= 1
            if calls["left"] == 0:
                raise Cut
            return real(*arguments, **named)

        return call

    with monkeypatch.context() as patched:
        patched.setattr(atomic, "write", counted(atomic.write))
        patched.setattr(Path, "replace", counted(Path.replace))
        patched.setattr(type(city.book), "append", counted(type(city.book).append))
        with pytest.raises(Cut):
            received(city)
    with inbox.writing(city):
        pass
    held = list(inbox.everything(city.state))
    assert kinds(city) == ["submission-received"] * len(held)
    assert [one.status.entry for one in held] == [1] * len(held)
    assert not list(inbox.spool(city.state).glob(".incoming*"))


def test_a_decision_that_was_cut_off_is_entered_later(city, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage that was written is the stage that the book gets."""
    got = received(city)
    with monkeypatch.context() as patched:
        patched.setattr(type(city.book), "append", lambda *_, **__: (_ for _ in ()).throw(Cut))
        with pytest.raises(Cut):
            review.reject(city, got.submission.number, reason=REASON)
    assert kinds(city) == ["submission-received"]
    with inbox.writing(city):
        pass
    assert kinds(city) == ["submission-received", "submission-rejected"]
    entry = list(city.book.entries())[-1]
    assert entry.details["reason"] == REASON.as_dict()


def test_a_withdrawal_that_was_cut_off_is_finished_later(city, monkeypatch: pytest.MonkeyPatch) -> None:
    """Content of what was withdrawn never stays."""
    got = accepted(city)
    with monkeypatch.context() as patched:
        patched.setattr(inbox, "empty", lambda _: (_ for _ in ()).throw(Cut))
        with pytest.raises(Cut):
            review.withdraw_by_sender(city, got.submission.number, secret=got.secret)
    with inbox.writing(city):
        pass
    assert sorted(Path(name).name for name in files(city)) == [".lock", "status", "submission.json"]


# ---- damaged ------------------------------------------------------------------------------------------


def test_a_damaged_submission_stops_no_other(city) -> None:
    """What cannot be read is named and left out."""
    bad, good = received(city).submission.number, received(city).submission.number
    (inbox.spool(city.state) / bad / "submission.json").write_bytes(b"{")
    assert [one.number for one in inbox.everything(city.state)] == [good]
    assert [problem.file for problem in inbox.damaged(city.state)] == [f"spool/submissions/{bad}"]
    with pytest.raises(StateError) as error:
        inbox.get(city.state, bad)
    assert error.value.code == "submission.damaged"


@pytest.mark.parametrize("name", ["original.bin", "inspection.json", "rerun.ipynb", "rerun.json"])
def test_a_changed_file_is_not_taken_for_what_was_decided(city, name: str) -> None:
    """Nothing is accepted or shown whose bytes are not those that were received, inspected and re-run."""
    number = received(city).submission.number
    review.inspect(city, number)
    reran(city, number)
    path = inbox.spool(city.state) / number / name
    path.write_bytes(path.read_bytes().replace(b'"', b"'", 1))
    with pytest.raises((Refused, StateError)) as error:
        review.accept(city, number, reason=REASON)
    assert error.value.code in ("submission.changed", "submission.damaged")


def test_a_rerun_of_other_bytes_is_refused(city) -> None:
    """A result belongs to one content."""
    number, other = (
        received(city).submission.number,
        received(city, a_submission(code("2"))).submission.number,
    )
    review.inspect(city, number), review.inspect(city, other)
    reran(city, number)
    made, executed = inbox.rerun(inbox.get(city.state, number))
    with pytest.raises(Refused) as error:
        inbox.record_rerun(city, other, made, executed)
    assert error.value.code == "submission.changed"


def test_an_unknown_number_is_said_to_be_unknown(city) -> None:
    """A valid number that nobody got leads nowhere."""
    with pytest.raises(UsageError) as error:
        inbox.get(city.state, "SB-2026-1111-1111")
    assert error.value.code == "submission.unknown"


# ---- forgotten ----------------------------------------------------------------------------------------


def at(made: Made, days: int):
    """Open the city some days later."""
    return made.open(now=NOW + timedelta(days=days))


def test_the_address_is_deleted_after_the_decision_and_the_days(made: Made, city) -> None:
    """Until then it is there for the answer; a submission that waits keeps it."""
    got, waiting = accepted(city), received(city)
    for days, expected in ((90, ADDRESS), (91, "")):
        later = at(made, days)
        with inbox.writing(later):
            pass
        assert inbox.address(inbox.get(later.state, got.submission.number)) == expected
    assert inbox.address(inbox.get(city.state, waiting.submission.number)) == ADDRESS


def test_the_content_of_what_was_rejected_is_deleted_too(made: Made, city) -> None:
    """After the time for an objection nobody needs it; the number, the day and the reason stay."""
    number = received(city).submission.number
    review.reject(city, number, reason=REASON)
    with inbox.writing(at(made, 91)):
        pass
    held = inbox.get(city.state, number)
    assert (held.stage, held.submission.digest, held.status.reason) == (Stage.rejected, "", REASON)
    assert not (held.folder / "original.bin").exists()
    with pytest.raises(UsageError) as error:
        review.inspect(city, number)
    assert error.value.code == "submission.content-deleted"


def test_what_was_accepted_stays(made: Made, city) -> None:
    """Accepted content is not deleted by time."""
    number = accepted(city).submission.number
    with inbox.writing(at(made, 5000)):
        pass
    assert inbox.rerun(inbox.get(city.state, number)) is not None
