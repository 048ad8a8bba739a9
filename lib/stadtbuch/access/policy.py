"""
Who may read what, for which purpose: one pure decision with its reasons.

Open data need nothing. Shared and closed data need a purpose, a grant for the role and that purpose which has
not run out, and the columns that the purpose may see. A refusal says what to write next.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches

from stadtbuch.errors import AccessDenied
from stadtbuch.model.dataset import Dataset, Grant, PrivacyRole
from stadtbuch.model.verdict import Decision, Finding, Outcome, Severity
from stadtbuch.texts import Text

CLASS_WORDS = {
    "open": Text(de="offen", en="open"),
    "shared": Text(de="geteilt", en="shared"),
    "closed": Text(de="geschlossen", en="closed"),
}


def decide(
    dataset: Dataset, *, role: str, purpose: str | None, columns: Sequence[str] | None, now: date
) -> Decision:
    """
    Decide whether a role may read these columns for this purpose today.

    Parameters
    ----------
    dataset
        What is asked for.
    role
        In which somebody asks.
    purpose
        Stated by the notebook's manifest or the call.
    columns
        Asked for; None means all, which only open data give.
    now
        The day; a grant's last day is included.

    Returns
    -------
    Decision
        Allowed with obligations ``columns``, ``pseudonyms`` (identifier columns, which arrive as
        pseudonyms) and ``condition``; or refused with ``code`` and a finding whose remedy says what to write.
    """
    if dataset.lifecycle.phase == "deleted":
        return _refused(dataset, "access.retention-over", *_RETENTION)
    if dataset.is_open:
        return _unknown(dataset, columns) or _open(dataset, columns)
    return _purpose(dataset, role, purpose) or _restricted(dataset, role, str(purpose), columns, now)


def _open(dataset: Dataset, columns: Sequence[str] | None) -> Decision:
    names = list(dict.fromkeys(dataset.table.names if columns is None else columns))
    reason = Text(de=f"{dataset.id} ist offen.", en=f"{dataset.id} is open.")
    return _allowed(reason, columns=names, pseudonyms=[], condition="open")


def _restricted(
    dataset: Dataset, role: str, purpose: str, columns: Sequence[str] | None, now: date
) -> Decision:
    grants = [grant for grant in dataset.access.grants if grant.role == role and purpose in grant.purposes]
    valid = [grant for grant in grants if grant.until >= now]
    if not valid:
        return _no_grant(dataset, role, purpose, grants)
    asked = _columns_needed(dataset, purpose, columns) or _unknown(dataset, columns)
    return (
        asked
        or _of_purpose(dataset, purpose, columns or ())
        or _granted(dataset, valid, purpose, columns or ())
    )


def _granted(dataset: Dataset, grants: list[Grant], purpose: str, columns: Sequence[str]) -> Decision:
    grant = max(grants, key=lambda one: one.until)
    reason = Text(
        de=f"{dataset.id} ist für {grant.role} zum Zweck {purpose} bis {grant.until:%d.%m.%Y} freigegeben.",
        en=f"{dataset.id} is granted to {grant.role} for the purpose {purpose} until {grant.until}.",
    )
    names = list(dict.fromkeys(columns))
    hidden = [name for name in names if dataset.table.column(name).privacy is PrivacyRole.identifier]
    return _allowed(
        reason, columns=names, pseudonyms=hidden, condition=f"{grant.role}/{purpose}/{grant.until}"
    )


def _allowed(reason: Text, *, columns: list[str], pseudonyms: list[str], condition: str) -> Decision:
    obligations = {"columns": columns, "pseudonyms": pseudonyms, "condition": condition}
    return Decision(outcome=Outcome.allow, reasons=(reason,), obligations=obligations)


def _refused(dataset: Dataset, code: str, what: Text, why: Text, remedy: Text) -> Decision:
    named = Text(de=f"{dataset.id} {what.de}", en=f"{dataset.id} {what.en}")
    finding = Finding(rule=code, severity=Severity.refuse, subject=dataset.id, text=named, remedy=remedy)
    return Decision(
        outcome=Outcome.refuse, reasons=(named, why), findings=(finding,), obligations={"code": code}
    )


def denied(dataset: Dataset, decision: Decision) -> AccessDenied:
    """
    Make the error of a refused decision: what happened, why, and what to write next.

    Raises
    ------
    ValueError
        If the decision allows.
    """
    if decision.allowed:
        raise ValueError(f"{dataset.id} was allowed")
    what, *why = decision.reasons
    remedy = decision.findings[0].remedy if decision.findings else None
    return AccessDenied(decision.obligations["code"], what, why=why[0] if why else None, remedy=remedy)


_RETENTION = (
    Text(de="ist gelöscht.", en="is deleted."),
    Text(de="Die Aufbewahrungsfrist ist vorbei.", en="Its retention time is over."),
    Text(
        de="Nehmen Sie die veröffentlichten Ausgaben; die Quelle gibt es nicht mehr.",
        en="Use the published editions; the source no longer exists.",
    ),
)


def _class(dataset: Dataset) -> Text:
    word = CLASS_WORDS[dataset.access_class.value]
    return Text(de=f"ist {word.de}", en=f"is {word.en}")


def _line(dataset: Dataset, purpose: str, columns: Sequence[str]) -> Text:
    """Give the exact line, for a cell and for a manifest."""
    python = f'city.load("{dataset.id}", purpose="{purpose}", columns={list(columns)!r})'.replace("'", '"')
    manifest = f"purpose: {purpose}, inputs: {{{dataset.id}: {{columns: [{', '.join(columns)}]}}}}"
    return Text(
        de=f"Schreiben Sie {python}, oder in die erste Zelle des Notebooks: {manifest}",
        en=f"Write {python}, or in the notebook's first cell: {manifest}",
    )


def _purpose(dataset: Dataset, role: str, purpose: str | None) -> Decision | None:
    """Refuse where no purpose is stated, or one that the catalogue does not know for this dataset."""
    if purpose in dataset.privacy.purposes:
        return None
    words, remedy = _class(dataset), _purpose_remedy(dataset, role, purpose)
    if not purpose:
        what = Text(
            de=f"{words.de}, und es ist kein Zweck angegeben.", en=f"{words.en}, and no purpose is stated."
        )
        return _refused(dataset, "access.no-purpose", what, _PURPOSE_WHY, remedy)
    what = Text(
        de=f"{words.de} und kennt den Zweck {purpose} nicht.",
        en=f"{words.en} and knows no purpose {purpose}.",
    )
    return _refused(dataset, "access.unknown-purpose", what, _PURPOSE_WHY, remedy)


def _purpose_remedy(dataset: Dataset, role: str, purpose: str | None) -> Text:
    """Give the line for the purpose that was probably meant, and name all of them."""
    known = dataset.privacy.purposes
    if not known:
        return Text(
            de=f"Fragen Sie {dataset.owner} ({dataset.contact_point}); Zwecke stehen unter privacy.purposes.",
            en=f"Ask {dataset.owner} ({dataset.contact_point}); purposes stand under privacy.purposes.",
        )
    listed = ", ".join(known)
    offer = _probable(dataset, role, purpose)
    if not offer:
        return Text(de=f"Zwecke dieses Datensatzes: {listed}", en=f"Purposes of this dataset: {listed}")
    line = _line(dataset, offer, known[offer])
    return Text(de=f"{line.de} (Zwecke: {listed})", en=f"{line.en} (purposes: {listed})")


def _probable(dataset: Dataset, role: str, purpose: str | None) -> str | None:
    """Give the purpose nearest to a misspelt one; without any, the first that the role has a grant for."""
    known = list(dataset.privacy.purposes)
    if purpose:
        return next(iter(get_close_matches(purpose, known, 1)), None)
    granted = [name for grant in dataset.access.grants if grant.role == role for name in grant.purposes]
    return next(iter([*granted, *known]), None)


_PURPOSE_WHY = Text(
    de="Was nicht offen ist, wird nur für einen festgelegten Zweck gelesen (Art. 5 Abs. 1 DSGVO).",
    en="What is not open is read for a specified purpose only (GDPR Art. 5(1)).",
)


def _no_grant(dataset: Dataset, role: str, purpose: str, grants: list[Grant]) -> Decision:
    """Tell a grant that ran out from one that never was."""
    words = _class(dataset)
    entry = f"grants: [{{role: {role}, purposes: [{purpose}], until: JJJJ-MM-TT}}]"
    remedy = Text(
        de=f"Bitten Sie {dataset.owner} ({dataset.contact_point}) um den Eintrag {entry}",
        en=f"Ask {dataset.owner} ({dataset.contact_point}) for {entry.replace('JJJJ-MM-TT', 'YYYY-MM-DD')}",
    )
    if grants:
        last = max(grant.until for grant in grants)
        what = Text(
            de=f"{words.de}; die Freigabe für {role} zum Zweck {purpose} endete am {last:%d.%m.%Y}.",
            en=f"{words.en}; the grant to {role} for the purpose {purpose} ended on {last}.",
        )
        return _refused(dataset, "access.grant-expired", what, _GRANT_WHY, remedy)
    what = Text(
        de=f"{words.de}; {role} hat keine Freigabe für den Zweck {purpose}.",
        en=f"{words.en}; {role} has no grant for the purpose {purpose}.",
    )
    return _refused(dataset, "access.no-grant", what, _GRANT_WHY, remedy)


_GRANT_WHY = Text(
    de="Eine Freigabe gilt für eine Rolle, einen Zweck und eine Zeit (im Katalog: access.grants).",
    en="A grant holds for one role, one purpose and a time (in the catalogue: access.grants).",
)


def _columns_needed(dataset: Dataset, purpose: str, columns: Sequence[str] | None) -> Decision | None:
    if columns:
        return None
    words = _class(dataset)
    what = Text(
        de=f"{words.de}; nennen Sie die Spalten, die Sie brauchen.",
        en=f"{words.en}; name the columns that you need.",
    )
    why = Text(
        de="Gelesen wird nur, was der Zweck braucht (Datenminimierung).",
        en="Only what the purpose needs is read (data minimisation).",
    )
    line = _line(dataset, purpose, dataset.privacy.purposes[purpose])
    return _refused(dataset, "access.columns-needed", what, why, line)


def _unknown(dataset: Dataset, columns: Sequence[str] | None) -> Decision | None:
    known = dataset.table.names
    unknown = [name for name in columns or () if name not in known]
    if not unknown:
        return None
    near = get_close_matches(unknown[0], known, n=1)
    what = Text(de=f"hat keine Spalte {', '.join(unknown)}.", en=f"has no column {', '.join(unknown)}.")
    why = Text(
        de="Die Spalten stehen im Schema des Katalogs.", en="The columns stand in the catalogue's schema."
    )
    remedy = Text(
        de=(f"Meinten Sie {near[0]}? " if near else "") + "Es gibt: " + ", ".join(known),
        en=(f"Did you mean {near[0]}? " if near else "") + "There are: " + ", ".join(known),
    )
    return _refused(dataset, "access.unknown-column", what, why, remedy)


def _of_purpose(dataset: Dataset, purpose: str, columns: Sequence[str]) -> Decision | None:
    permitted = dataset.privacy.purposes[purpose]
    beyond = [name for name in columns if name not in permitted]
    if not beyond:
        return None
    words = _class(dataset)
    what = Text(
        de=f"{words.de}; der Zweck {purpose} umfasst {', '.join(beyond)} nicht.",
        en=f"{words.en}; the purpose {purpose} does not cover {', '.join(beyond)}.",
    )
    why = Text(
        de=f"Der Zweck {purpose} umfasst: {', '.join(permitted)}.",
        en=f"The purpose {purpose} covers: {', '.join(permitted)}.",
    )
    within = [name for name in columns if name in permitted] or list(permitted)
    return _refused(dataset, "access.column-not-allowed", what, why, _line(dataset, purpose, within))
