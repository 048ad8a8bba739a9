"""
The spool: what citizens sent, one folder per receipt number, changed in steps that a power cut cannot halve.

A folder appears by renaming. A new stage is written first and entered into the book second; a stage without the
number of its entry was cut off in between, and the next command that changes something enters it (`mend`). Files are
0600 and their content is never opened here.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stadtbuch import atomic
from stadtbuch.errors import Problem, Refused, StateError, UsageError
from stadtbuch.model.entry import Entry
from stadtbuch.model.submission import Contact, Inspection, Rerun, Stage, Status, Submission
from stadtbuch.session.city import City
from stadtbuch.state import State
from stadtbuch.submissions import notebooks, numbers
from stadtbuch.submissions.mail import Sent
from stadtbuch.submissions.numbers import Random
from stadtbuch.texts import Text, instant

MAX_WAITING = 500
MAX_FROM_ONE = 20
MAX_RERUN_BYTES = 20_000_000
KINDS = {stage: f"submission-{stage.value}" for stage in Stage}

RECORD, CONTACT, ORIGINAL, INSPECTION = "submission.json", "contact.json", "original.bin", "inspection.json"
RERUN, EXECUTED, STATUS = "rerun.json", "rerun.ipynb", "status"
_INCOMING = ".incoming-"
_DECIDED = (Stage.accepted, Stage.rejected, Stage.withdrawn)


@dataclass(frozen=True, slots=True)
class Held:
    """One submission as it lies in the spool."""

    folder: Path
    submission: Submission
    status: Status

    @property
    def number(self) -> str:
        """Give the receipt number."""
        return self.submission.number

    @property
    def stage(self) -> Stage:
        """Give the stage."""
        return self.status.stage


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the sender gets: the number, and the secret that withdraws, which is not kept and not shown again."""

    submission: Submission
    secret: str


def spool(state: State) -> Path:
    """Give the folder of all submissions; made at first use."""
    folder = state.folder("spool") / "submissions"
    with atomic.telling("var/spool"):
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


# ---- receive ------------------------------------------------------------------------------------------


def receive(city: City, sent: Sent, *, random: Random) -> Receipt:
    """
    Put what was sent into the spool, as inert bytes, and give its receipt.

    Parameters
    ----------
    city
        The session; its moment and role go into the book.
    sent
        From `mail.read`, or made from a file.
    random
        Where number and secret come from.

    Raises
    ------
    Refused
        ``submission.empty``, ``submission.too-large``, ``submission.spool-full``,
        ``submission.too-many-from-you``.
    """
    notebooks.require_size(sent.notebook)
    with writing(city):
        held = list(everything(city.state))
        _require_room(city.state, held, sent.address)
        secret = numbers.secret(random=random)
        submission = _described(city, sent, held, random=random, secret=secret)
        folder = _lay(city, submission, sent)
        move(city, Held(folder, submission, _status(folder)), _status(folder), details=_facts(submission))
    return Receipt(submission=submission, secret=secret)


def _require_room(state: State, held: list[Held], address: str) -> None:
    """Keep one sender, or a flood of them, from filling the disk."""
    waiting = [one for one in held if one.stage not in _DECIDED]
    if len(waiting) >= MAX_WAITING:
        raise _full()
    if address and sum(_contact(one.folder) == address for one in waiting) >= MAX_FROM_ONE:
        raise _too_many()


def _contact(folder: Path) -> str:
    found = _read(folder / CONTACT, Contact)
    return found.address if found else ""


def _described(city: City, sent: Sent, held: list[Held], *, random: Random, secret: str) -> Submission:
    digest = atomic.digest(sent.notebook)
    taken = {one.number for one in held}
    number = next(one for one in _numbers(city, random) if one not in taken)
    earlier = (
        one.number for one in held if one.submission.digest == digest and one.stage is not Stage.withdrawn
    )
    return Submission(
        number=number, channel=sent.channel, received_at=city.now, digest=digest, size=len(sent.notebook),
        credit=sent.credit, licence=sent.licence, consent=sent.consent, secret=numbers.hidden(secret),
        duplicate_of=next(earlier, None),
    )  # fmt: skip


def _numbers(city: City, random: Random) -> Iterator[str]:
    while True:
        yield numbers.number(year=city.today.year, random=random)


def _lay(city: City, submission: Submission, sent: Sent) -> Path:
    """Write all files beside, then let the folder appear in one step."""
    parent = spool(city.state)
    incoming = parent / f"{_INCOMING}{submission.number}"
    incoming.mkdir(mode=0o700)
    _write(incoming / ORIGINAL, sent.notebook)
    if sent.address:
        _write(incoming / CONTACT, _json(Contact(address=sent.address)))
    _write(incoming / RECORD, _json(submission))
    _write(incoming / STATUS, _json(Status(stage=Stage.received, at=city.now, role=city.actor.role)))
    incoming.replace(parent / submission.number)
    atomic.sync_folder(parent)
    return parent / submission.number


def _facts(submission: Submission) -> dict[str, Any]:
    """Say in the book what arrived: nothing of the sender's words, no name."""
    return {
        "content": submission.digest,
        "bytes": submission.size,
        "channel": submission.channel,
        "licence": submission.licence,
        "consent": submission.consent,
    }


# ---- look ---------------------------------------------------------------------------------------------


def everything(state: State) -> Iterator[Held]:
    """Give all submissions, the oldest first; one that is damaged is left out (`damaged` names those)."""
    found = (_held(folder) for folder in sorted(_folders(state)))
    yield from sorted((one for one in found if one), key=lambda one: (one.submission.received_at, one.number))


def damaged(state: State) -> list[Problem]:
    """Name the folders of the spool that cannot be read."""
    return [
        Problem(
            file=f"spool/submissions/{folder.name}",
            line=None,
            path="",
            what=Text(
                de="Diese Einsendung lässt sich nicht lesen; die anderen sind nicht betroffen.",
                en="This submission cannot be read; the others are not affected.",
            ),
            remedy=Text(
                de="Stellen Sie den Ordner aus der Sicherung her.", en="Restore the folder from the backup."
            ),
            code="submission.damaged",
        )
        for folder in sorted(_folders(state))
        if _held(folder) is None
    ]


def get(state: State, number: str) -> Held:
    """
    Give the submission of a number, as people type it.

    Raises
    ------
    UsageError
        ``submission.number`` or ``submission.unknown``.
    StateError
        ``submission.damaged``.
    """
    number = numbers.read(number)
    folder = spool(state) / number
    if not folder.is_dir():
        raise _unknown(number)
    held = _held(folder)
    if held is None:
        raise _damaged(number)
    return held


def original(held: Held) -> bytes:
    """
    Give the bytes as they were sent.

    Raises
    ------
    UsageError
        ``submission.withdrawn`` or ``submission.content-deleted`` if they left the spool.
    StateError
        ``submission.damaged`` if they are not what was received.
    """
    if held.stage is Stage.withdrawn:
        raise gone(held.number)
    if not held.submission.digest:
        raise _forgotten(held.number)
    if not (held.folder / ORIGINAL).is_file():
        raise _damaged(held.number)
    with atomic.telling("var/spool"):
        data = (held.folder / ORIGINAL).read_bytes()
    if atomic.digest(data) != held.submission.digest:
        raise _damaged(held.number)
    return data


def inspection(held: Held) -> Inspection | None:
    """Give what the inspection said, if it was about the bytes that lie here."""
    found = _read(held.folder / INSPECTION, Inspection)
    return found if found and found.digest == held.submission.digest else None


def rerun(held: Held) -> tuple[Rerun, bytes] | None:
    """Give what the re-run said and its notebook, if both are about the bytes that lie here."""
    found = _read(held.folder / RERUN, Rerun)
    path = held.folder / EXECUTED
    if not found or found.digest != held.submission.digest or not path.is_file():
        return None
    data = path.read_bytes()
    return (found, data) if atomic.digest(data) == found.notebook else None


def address(held: Held) -> str:
    """Give the address for the answer; empty if there is none (any more)."""
    return _contact(held.folder)


# ---- change -------------------------------------------------------------------------------------------


@contextmanager
def writing(city: City) -> Iterator[None]:
    """Let one command at a time change the spool; finish first what an earlier one could not."""
    folder = spool(city.state)
    with atomic.telling("var/spool"), atomic.queue(folder / ".lock"):
        mend(city)
        yield


def mend(city: City) -> None:
    """Finish what was cut off: half-received folders go, stages without their entry get it, withdrawn content goes."""
    for folder in spool(city.state).glob(f"{_INCOMING}*"):
        shutil.rmtree(folder)
    for held in everything(city.state):
        if held.stage is Stage.withdrawn:
            empty(held)
        if held.status.entry is None:
            _enter(city, held, held.status)
        atomic.sweep(held.folder)
    _forget(city)


def move(city: City, held: Held, status: Status, *, details: dict[str, Any]) -> Held:
    """
    Bring a submission to a stage: write it, enter it into the book, note the entry.

    Parameters
    ----------
    status
        The new stage with role and reason; its ``entry`` is filled here.
    details
        For the book: no names, none of the sender's words.
    """
    due = status.model_copy(update={"entry": None, "details": details})
    _write(held.folder / STATUS, _json(due))
    return _enter(city, held, due)


def _enter(city: City, held: Held, status: Status) -> Held:
    """Enter a stage into the book, once: a command may have been cut off after its entry and before it was noted."""
    details = _facts(held.submission) if status.details is None else dict(status.details)
    details |= {"reason": status.reason.as_dict()} if status.reason else {}
    kind = KINDS[status.stage]
    earlier = city.book.entries(kind=kind, subject=held.number)
    number = next((one.number for one in earlier if _is_of(one, status, details)), None)
    if number is None:
        actor = city.actor.model_copy(update={"role": status.role})
        entry = city.book.append(kind, subject=held.number, actor=actor, now=status.at, details=details)
        number = entry.number
    noted = status.model_copy(update={"entry": number, "details": None})
    _write(held.folder / STATUS, _json(noted))
    return Held(held.folder, held.submission, noted)


def _is_of(entry: Entry, status: Status, details: Mapping[str, Any]) -> bool:
    """Tell whether an entry is about this stage: the same moment, role and details."""
    told = (instant(entry.at), entry.role, entry.details)
    return told == (instant(status.at), status.role, details)


def record_inspection(city: City, held: Held, made: Inspection) -> Held:
    """Keep an inspection; an earlier one of the same submission is replaced, a re-run and a decision stay."""
    with writing(city):
        held = get(city.state, held.number)
        _write(held.folder / INSPECTION, _json(made))
        if held.stage not in (Stage.received, Stage.inspected):
            return held
        status = Status(stage=Stage.inspected, at=city.now, role=city.actor.role)
        details = {
            "content": made.digest,
            "against": len(made.blocking),
            "datasets": sorted(one.dataset for one in made.uses if one.known),
        }
        return move(city, held, status, details=details)


def record_rerun(city: City, number: str, made: Rerun, executed: bytes) -> Held:
    """
    Keep a re-run: its notebook first, then its verdict, then the stage.

    Raises
    ------
    UsageError
        ``submission.order`` if the submission was not inspected, or is decided.
    Refused
        ``submission.changed`` if the re-run is about other bytes; ``submission.rerun-too-large``.
    """
    with writing(city):
        held = get(city.state, number)
        require_stage(held, (Stage.inspected, Stage.rerun), verb="rerun")
        if made.digest != held.submission.digest or made.notebook != atomic.digest(executed):
            raise changed(held.number)
        if len(executed) > MAX_RERUN_BYTES:
            raise _rerun_too_large()
        _write(held.folder / EXECUTED, executed)
        _write(held.folder / RERUN, _json(made))
        status = Status(stage=Stage.rerun, at=city.now, role=city.actor.role)
        details = {
            "content": made.digest,
            "result": made.notebook,
            "verdict": made.verdict.value,
            "inputs": made.inputs,
        }
        return move(city, held, status, details=details)


def decide(city: City, held: Held, status: Status, *, details: dict[str, Any]) -> Held:
    """Keep a decision; from now on the days run after which the address is deleted. Only inside `writing`."""
    known = _read(held.folder / CONTACT, Contact)
    if known:
        due = city.today + timedelta(days=city.settings.submissions.keep_days)
        _write(held.folder / CONTACT, _json(known.model_copy(update={"delete_after": due})))
    return move(city, held, status, details=details)


def empty(held: Held) -> None:
    """Delete all that was sent and all that was made from it; the number and the day stay. May be repeated."""
    for name in (ORIGINAL, EXECUTED, RERUN, INSPECTION, CONTACT):
        (held.folder / name).unlink(missing_ok=True)
    if held.submission.digest:
        bare = Submission(
            number=held.number,
            channel=held.submission.channel,
            received_at=held.submission.received_at,
            digest="",
            size=0,
            secret="",
        )
        _write(held.folder / RECORD, _json(bare))


def _forget(city: City) -> None:
    """Delete addresses whose day is over, and by then also the content of what was rejected."""
    keep = timedelta(days=city.settings.submissions.keep_days)
    for held in everything(city.state):
        known = _read(held.folder / CONTACT, Contact)
        if known and known.delete_after and known.delete_after < city.today:
            (held.folder / CONTACT).unlink(missing_ok=True)
        over = (
            held.stage is Stage.rejected
            and held.status.at.astimezone(city.settings.city.zone).date() + keep < city.today
        )
        if over and held.submission.digest:
            empty(held)


def require_stage(held: Held, allowed: tuple[Stage, ...], *, verb: str) -> None:
    """
    Refuse a step that is not the turn of.

    Raises
    ------
    UsageError
        ``submission.withdrawn`` or ``submission.order``.
    """
    if held.stage in allowed:
        return
    if held.stage is Stage.withdrawn:
        raise gone(held.number)
    raise _order(held, verb)


# ---- files --------------------------------------------------------------------------------------------


def _folders(state: State) -> Iterator[Path]:
    return (one for one in spool(state).iterdir() if one.is_dir() and not one.name.startswith("."))


def _held(folder: Path) -> Held | None:
    """Read a folder; nothing if it is damaged."""
    submission, status = _read(folder / RECORD, Submission), _read(folder / STATUS, Status)
    if submission is None or status is None or submission.number != folder.name:
        return None
    return Held(folder, submission, status)


def _status(folder: Path) -> Status:
    found = _read(folder / STATUS, Status)
    if found is None:
        raise _damaged(folder.name)
    return found


def _read(path: Path, model: Any) -> Any:
    try:
        return model.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError, ValidationError, TypeError):
        return None


def _write(path: Path, data: bytes) -> None:
    atomic.write(path, data, mode=0o600)


def _json(value: Any) -> bytes:
    return (json.dumps(value.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n").encode()


# ---- errors -------------------------------------------------------------------------------------------


def _full() -> Refused:
    return Refused(
        "submission.spool-full",
        Text(
            de=f"Es warten schon {MAX_WAITING} Einsendungen; mehr nimmt die Stadt zurzeit nicht an.",
            en=f"{MAX_WAITING} submissions are already waiting; the city takes no more at present.",
        ),
        remedy=Text(
            de="Entscheiden Sie über wartende Einsendungen: stadtbuch submission list.",
            en="Decide about those that wait: stadtbuch submission list.",
        ),
    )


def _too_many() -> Refused:
    return Refused(
        "submission.too-many-from-you",
        Text(
            de=f"Von dieser Adresse warten schon {MAX_FROM_ONE} Einsendungen.",
            en=f"{MAX_FROM_ONE} submissions from this address are already waiting.",
        ),
        remedy=Text(
            de="Warten Sie auf die Antworten, oder ziehen Sie eine Einsendung zurück.",
            en="Wait for the answers, or withdraw a submission.",
        ),
    )


def _unknown(number: str) -> UsageError:
    return UsageError(
        "submission.unknown",
        Text(de=f"Es gibt keine Einsendung {number}.", en=f"There is no submission {number}."),
        remedy=Text(
            de="„stadtbuch submission list“ zeigt alle Nummern.",
            en='"stadtbuch submission list" shows all numbers.',
        ),
    )


def _damaged(number: str) -> StateError:
    return StateError(
        "submission.damaged",
        Text(
            de=f"Die Einsendung {number} ist in der Ablage beschädigt.",
            en=f"The submission {number} is damaged in the spool.",
        ),
        remedy=Text(
            de="Stellen Sie ihren Ordner in var/spool aus der Sicherung her.",
            en="Restore its folder in var/spool from the backup.",
        ),
    )


def gone(number: str) -> UsageError:
    """Say that a submission was withdrawn and its content is no longer there."""
    return UsageError(
        "submission.withdrawn",
        Text(
            de=f"Die Einsendung {number} wurde zurückgezogen; ihr Inhalt ist gelöscht.",
            en=f"The submission {number} was withdrawn; its content is deleted.",
        ),
        remedy=Text(
            de="Wer sie doch zeigen möchte, sendet sie neu ein.",
            en="Whoever wants to show it after all submits it anew.",
        ),
    )


def _forgotten(number: str) -> UsageError:
    return UsageError(
        "submission.content-deleted",
        Text(
            de=f"Der Inhalt von {number} ist gelöscht: Die Frist nach der Ablehnung ist vorbei.",
            en=f"The content of {number} is deleted: the time after its rejection is over.",
        ),
        remedy=Text(
            de="Bitten Sie darum, das Notebook neu einzusenden.",
            en="Ask for the notebook to be submitted again.",
        ),
    )


def changed(number: str) -> Refused:
    """Say that a result is about other bytes than those that lie here."""
    return Refused(
        "submission.changed",
        Text(
            de=f"Das Ergebnis gehört nicht zum Inhalt, der unter {number} liegt.",
            en=f"The result does not belong to the content that lies under {number}.",
        ),
        remedy=Text(
            de="Prüfen Sie und rechnen Sie neu: submission inspect, dann submission rerun.",
            en="Inspect and re-run again: submission inspect, then submission rerun.",
        ),
    )


def _rerun_too_large() -> Refused:
    return Refused(
        "submission.rerun-too-large",
        Text(
            de="Das nachgerechnete Notebook ist zu groß, um es zu zeigen.",
            en="The re-run notebook is too large to be shown.",
        ),
        remedy=Text(
            de="Bitten Sie darum, weniger auszugeben: keine ganzen Tabellen, kleinere Bilder.",
            en="Ask for less output: no whole tables, smaller pictures.",
        ),
    )


NEXT = {
    Stage.received: Text(de="als Nächstes: submission inspect", en="next: submission inspect"),
    Stage.inspected: Text(de="als Nächstes: submission rerun", en="next: submission rerun"),
    Stage.rerun: Text(
        de="als Nächstes: submission accept oder submission reject",
        en="next: submission accept or submission reject",
    ),
    Stage.accepted: Text(
        de="angenommen; möglich ist submission withdraw", en="accepted; possible is submission withdraw"
    ),
    Stage.rejected: Text(
        de="abgelehnt; möglich ist submission withdraw", en="rejected; possible is submission withdraw"
    ),
    Stage.withdrawn: Text(de="zurückgezogen", en="withdrawn"),
}


def _order(held: Held, verb: str) -> UsageError:
    following = NEXT[held.stage]
    return UsageError(
        "submission.order",
        Text(
            de=f"{verb} ist bei {held.number} nicht an der Reihe.",
            en=f"It is not the turn of {verb} for {held.number}.",
        ),
        why=Text(
            de="Eine Einsendung wird empfangen, geprüft, nachgerechnet und dann entschieden.",
            en="A submission is received, inspected, re-run, and then decided.",
        ),
        remedy=Text(de=f"Stand: {following.de}.", en=f"Where it stands: {following.en}."),
    )
