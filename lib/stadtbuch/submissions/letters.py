"""
What is said to the person who sent something: a receipt, an acceptance, a refusal, a withdrawal (pure).

Texts to be pasted into a mail; nothing is sent from here. They hold what the sender needs and nothing about others.
"""

from __future__ import annotations

from stadtbuch.model.submission import Submission
from stadtbuch.texts import Text


def receipt(submission: Submission, *, secret: str, mailbox: str) -> Text:
    """Confirm a receipt: number, secret, what happens next, what is still missing."""
    missing = _missing(submission)
    return Text(
        de=f"Ihre Einsendung ist angekommen. Empfangsnummer: {submission.number}\n\n"
        "Was nun geschieht: Wir prüfen das Notebook, ohne es auszuführen, rechnen es in einer abgeschlossenen Umgebung "
        "nach und entscheiden dann. Sie bekommen die Entscheidung mit Begründung.\n"
        f"{missing.de}\n"
        "Zurückziehen können Sie jederzeit und ohne Grund. Dazu brauchen Sie dieses Geheimnis; wir bewahren es nicht "
        f"auf:\n\n    {secret}\n\nSchreiben Sie dafür an {mailbox}, mit Nummer und Geheimnis.",
        en=f"Your submission has arrived. Receipt number: {submission.number}\n\n"
        "What happens now: we check the notebook without running it, re-run it in a closed environment, and then "
        "decide. You get the decision with its reason.\n"
        f"{missing.en}\n"
        "You can withdraw at any time and without a reason. For that you need this secret; we do not keep it:\n\n"
        f"    {secret}\n\nWrite to {mailbox}, with number and secret.",
    )


def _missing(submission: Submission) -> Text:
    """Name what is needed before anything can be shown."""
    de = [] if submission.consent else ["die Einwilligung in die Veröffentlichung („Einwilligung: ja“)"]
    en = [] if submission.consent else ['the consent to publication ("Consent: yes")']
    if not submission.licence:
        de.append("eine Lizenz (zum Beispiel „Lizenz: CC BY 4.0“)")
        en.append('a licence (for example "Licence: CC BY 4.0")')
    if not de:
        return Text(de="", en="")
    return Text(
        de=f"\nEs fehlt noch: {' und '.join(de)}. Ohne das zeigen wir nichts; senden Sie die Mail bitte damit neu.\n",
        en=f"\nStill missing: {' and '.join(en)}. Without it we show nothing; please send the mail again with it.\n",
    )


def accepted(number: str, *, reason: Text, page: str) -> Text:
    """Say that it will be shown, why, and where."""
    return Text(
        de=f"Ihre Einsendung {number} wird gezeigt. Warum: {reason.de}\nDie Seite: {page}\n"
        "Sie können sie weiter jederzeit mit Ihrem Geheimnis zurückziehen.",
        en=f"Your submission {number} will be shown. Why: {reason.en}\nThe page: {page}\n"
        "You can still withdraw it at any time with your secret.",
    )


def rejected(number: str, *, reason: Text, mailbox: str) -> Text:
    """Say that it will not be shown, why, and how to object."""
    return Text(
        de=f"Ihre Einsendung {number} wird nicht gezeigt. Warum: {reason.de}\n"
        f"Sind Sie anderer Ansicht? Schreiben Sie innerhalb von vier Wochen an {mailbox}; dann entscheidet eine andere "
        "Person noch einmal. Eine berichtigte Fassung können Sie jederzeit neu einsenden.",
        en=f"Your submission {number} will not be shown. Why: {reason.en}\n"
        f"Do you disagree? Write to {mailbox} within four weeks; another person then decides again. "
        "You may send a corrected version at any time.",
    )


def withdrawn(number: str, *, was_public: bool) -> Text:
    """Say what was deleted and what stays."""
    page = (
        Text(
            de=" Die Seite verschwindet mit dem nächsten Bau; an ihrer Stelle stehen nur Nummer und Tag.",
            en=" The page disappears with the next build; in its place stand only number and day.",
        )
        if was_public
        else Text(de="", en="")
    )
    return Text(
        de=f"Die Einsendung {number} ist zurückgezogen, ihr Inhalt ist gelöscht.{page.de}",
        en=f"The submission {number} is withdrawn, its content is deleted.{page.en}",
    )
