"""
What people decide about submissions: inspected, then accepted, rejected or withdrawn, each with a reason in the book.

Accepted is only what was inspected and re-run exactly as it lies in the spool. The book gets numbers, checksums and
the reason; neither names nor anything the sender wrote.
"""

from __future__ import annotations

import hmac

from stadtbuch.errors import AccessDenied, Refused, UsageError
from stadtbuch.model.submission import Inspection, Stage, Status, Verdict
from stadtbuch.privacy import identifiers
from stadtbuch.session.city import City
from stadtbuch.submissions import inbox, inspection, numbers
from stadtbuch.submissions.inbox import Held
from stadtbuch.submissions.inspection import Known
from stadtbuch.texts import Text

MIN_REASON = 15
MAX_REASON = 1_000
_OPEN = (Stage.received, Stage.inspected, Stage.rerun)

BY_SENDER = Text(de="Von der einsendenden Person zurückgezogen.", en="Withdrawn by the person who sent it.")


def known(city: City) -> Known:
    """Give what the city knows about its datasets, its cleared tables and its own mailboxes."""
    datasets = city.catalog.datasets
    settings = city.settings
    mailboxes = {
        settings.city.contact,
        settings.submissions.mailbox,
        *(one.contact_point for one in datasets.values()),
    }
    return Known(
        datasets=datasets,
        tables=frozenset(
            one.name.removesuffix(".json") for one in city.state.folder("derived").glob("*.json")
        ),
        mailboxes=frozenset(one.lower() for one in mailboxes if one),
    )


def inspect(city: City, number: str) -> tuple[Held, Inspection]:
    """
    Inspect a submission without running it, and keep what was seen.

    Raises
    ------
    UsageError
        ``submission.number``, ``submission.unknown``, ``submission.withdrawn``.
    StateError
        ``submission.damaged``.
    """
    held = inbox.get(city.state, number)
    made = inspection.inspect(
        inbox.original(held),
        known=known(city),
        at=city.now,
        duplicate=held.submission.duplicate_of is not None,
    )
    return inbox.record_inspection(city, held, made), made


def accept(city: City, number: str, *, reason: Text) -> Held:
    """
    Accept a submission for the showcase; it appears with the next build of the pages.

    Parameters
    ----------
    reason
        Why it is a good example: stands on its page.

    Raises
    ------
    AccessDenied
        ``submission.role``.
    UsageError
        ``submission.order`` if it was not re-run, or is decided; ``submission.reason-short``,
        ``submission.reason-long``, ``submission.reason-personal``.
    Refused
        ``submission.no-consent``, ``submission.no-licence``, ``submission.against``, ``submission.not-reproduced``,
        ``submission.changed``.
    """
    require_role(city)
    require_reason(reason)
    with inbox.writing(city):
        held = inbox.get(city.state, number)
        inbox.require_stage(held, (Stage.rerun,), verb="accept")
        _require_agreement(held)
        _require_clean(held)
        details = _require_result(held)
        return _decided(city, held, Stage.accepted, reason, details)


def reject(city: City, number: str, *, reason: Text) -> Held:
    """
    Reject a submission; the reason goes to the sender.

    Raises
    ------
    AccessDenied, UsageError
        As `accept`.
    """
    require_role(city)
    require_reason(reason)
    with inbox.writing(city):
        held = inbox.get(city.state, number)
        inbox.require_stage(held, _OPEN, verb="reject")
        return _decided(city, held, Stage.rejected, reason, {"content": held.submission.digest})


def withdraw(city: City, number: str, *, reason: Text) -> Held:
    """
    Take a submission back on the city's own decision; its content is deleted at once, its page with the next build.

    Raises
    ------
    AccessDenied, UsageError
        As `accept`.
    """
    require_role(city)
    require_reason(reason)
    with inbox.writing(city):
        return _withdrawn(city, inbox.get(city.state, number), reason)


def withdraw_by_sender(city: City, number: str, *, secret: str) -> Held:
    """
    Take a submission back because its sender says so; whoever has the secret needs no role and no reason.

    Raises
    ------
    AccessDenied
        ``submission.secret``.
    UsageError
        As `accept`.
    """
    with inbox.writing(city):
        held = inbox.get(city.state, number)
        if not hmac.compare_digest(numbers.hidden(secret), held.submission.secret):
            inbox.require_stage(held, tuple(set(Stage) - {Stage.withdrawn}), verb="withdraw")
            raise _wrong_secret()
        return _withdrawn(city, held, BY_SENDER)


def _decided(city: City, held: Held, stage: Stage, reason: Text, details: dict[str, object]) -> Held:
    status = Status(stage=stage, at=city.now, role=city.actor.role, reason=reason)
    return inbox.decide(city, held, status, details=details)


def _withdrawn(city: City, held: Held, reason: Text) -> Held:
    inbox.require_stage(held, tuple(set(Stage) - {Stage.withdrawn}), verb="withdraw")
    public = held.stage is Stage.accepted
    status = Status(
        stage=Stage.withdrawn, at=city.now, role=city.actor.role, reason=reason, was_public=public
    )
    moved = inbox.move(city, held, status, details={})
    inbox.empty(moved)
    return inbox.get(city.state, held.number)


# ---- conditions ---------------------------------------------------------------------------------------


def require_role(city: City) -> None:
    """
    Refuse a decision by a role that does not decide.

    Raises
    ------
    AccessDenied
        ``submission.role``.
    """
    allowed = city.settings.submissions.decide
    if city.actor.role in allowed:
        return
    names = ", ".join(allowed)
    raise AccessDenied(
        "submission.role",
        Text(
            de=f"Über Einsendungen entscheidet nicht die Rolle {city.actor.role}.",
            en=f"Submissions are not decided by the role {city.actor.role}.",
        ),
        why=Text(de=f"In dieser Stadt entscheiden: {names}.", en=f"In this city decide: {names}."),
        remedy=Text(
            de="Wiederholen Sie den Befehl mit --as, wenn eine davon Ihre Rolle ist.",
            en="Repeat the command with --as if one of them is your role.",
        ),
    )


def require_reason(reason: Text) -> None:
    """
    Refuse a decision without a reason that others can follow.

    Raises
    ------
    UsageError
        ``submission.reason-short``, ``submission.reason-long`` or ``submission.reason-personal``.
    """
    wordings = (reason.de.strip(), reason.en.strip())
    if min(map(len, wordings)) < MIN_REASON:
        raise _reason_short()
    if max(map(len, wordings)) > MAX_REASON:
        raise _reason_long()
    if any(identifiers.found(one) for one in wordings):
        raise _reason_personal()


def _require_agreement(held: Held) -> None:
    if not held.submission.consent:
        raise _no_consent()
    if not held.submission.licence:
        raise _no_licence()


def _require_clean(held: Held) -> None:
    made = inbox.inspection(held)
    if made is None:
        raise inbox.changed(held.number)
    if made.blocking:
        raise _against(len(made.blocking))


def _require_result(held: Held) -> dict[str, object]:
    """Require a re-run of exactly these bytes, and give what the book says of it."""
    inbox.original(held)
    found = inbox.rerun(held)
    if found is None:
        raise inbox.changed(held.number)
    made, _ = found
    if made.verdict is Verdict.fails:
        raise _not_reproduced()
    return {"content": made.digest, "result": made.notebook, "verdict": made.verdict.value}


# ---- errors -------------------------------------------------------------------------------------------


def _wrong_secret() -> AccessDenied:
    return AccessDenied(
        "submission.secret",
        Text(de="Das Geheimnis passt nicht zu dieser Nummer.", en="The secret does not fit this number."),
        remedy=Text(
            de="Es steht in der Empfangsbestätigung. Ist sie verloren, entscheidet die Stadt: --reason statt --secret.",
            en="It stands in the receipt. If that is lost, the city decides: --reason instead of --secret.",
        ),
    )


def _reason_short() -> UsageError:
    return UsageError(
        "submission.reason-short",
        Text(
            de=f"Die Begründung fehlt oder ist kürzer als {MIN_REASON} Zeichen.",
            en=f"The reason is missing or shorter than {MIN_REASON} characters.",
        ),
        why=Text(
            de="Wer etwas einsendet, soll nachvollziehen können, wie entschieden wurde.",
            en="Whoever sends something in shall be able to follow the decision.",
        ),
        remedy=Text(
            de="Schreiben Sie einen Satz: --reason „…“, auf Englisch --reason-en „…“.",
            en='Write a sentence: --reason "…", in English --reason-en "…".',
        ),
    )


def _reason_long() -> UsageError:
    return UsageError(
        "submission.reason-long",
        Text(
            de=f"Die Begründung ist länger als {MAX_REASON} Zeichen.",
            en=f"The reason is longer than {MAX_REASON} characters.",
        ),
        remedy=Text(de="Fassen Sie sie in wenigen Sätzen.", en="Put it in a few sentences."),
    )


def _reason_personal() -> UsageError:
    return UsageError(
        "submission.reason-personal",
        Text(
            de="Die Begründung enthält etwas, das einen Menschen bezeichnet (Adresse, Telefon, Konto).",
            en="The reason holds something that names a person (address, telephone, account).",
        ),
        why=Text(
            de="Sie kommt in das Buch der Stadt, aus dem nichts mehr verschwindet.",
            en="It enters the city's book, from which nothing disappears.",
        ),
        remedy=Text(de="Schreiben Sie sie ohne solche Angaben.", en="Write it without such details."),
    )


def _no_consent() -> Refused:
    return Refused(
        "submission.no-consent",
        Text(
            de="Zu dieser Einsendung liegt keine Einwilligung in die Veröffentlichung vor.",
            en="There is no consent to publication for this submission.",
        ),
        remedy=Text(
            de="Bitten Sie um eine neue Mail mit der Zeile „Einwilligung: ja“.",
            en='Ask for a new mail with the line "Consent: yes".',
        ),
    )


def _no_licence() -> Refused:
    return Refused(
        "submission.no-licence",
        Text(
            de="Zu dieser Einsendung ist keine Lizenz genannt, unter der sie gezeigt werden darf.",
            en="No licence is named under which this submission may be shown.",
        ),
        remedy=Text(
            de="Bitten Sie um eine neue Mail mit der Zeile „Lizenz: CC BY 4.0“.",
            en='Ask for a new mail with the line "Licence: CC BY 4.0".',
        ),
    )


def _against(number: int) -> Refused:
    return Refused(
        "submission.against",
        Text(
            de="Gegen diese Einsendung steht ein Befund."
            if number == 1
            else f"Gegen diese Einsendung stehen {number} Befunde.",
            en="A finding stands against this submission."
            if number == 1
            else f"{number} findings stand against this submission.",
        ),
        remedy=Text(
            de="„stadtbuch submission show“ nennt sie; bitten Sie um eine berichtigte Fassung oder lehnen Sie ab.",
            en='"stadtbuch submission show" names them; ask for a corrected version, or reject it.',
        ),
    )


def _not_reproduced() -> Refused:
    return Refused(
        "submission.not-reproduced",
        Text(
            de="Das Notebook lief beim Nachrechnen nicht bis zum Ende.",
            en="The notebook did not run to its end in the re-run.",
        ),
        remedy=Text(
            de="„stadtbuch submission show“ sagt, wo; bitten Sie um eine berichtigte Fassung oder lehnen Sie ab.",
            en='"stadtbuch submission show" says where; ask for a corrected version, or reject it.',
        ),
    )
