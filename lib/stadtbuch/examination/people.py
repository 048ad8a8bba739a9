"""Who may do what, and until when: roles, grants, reviews."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stadtbuch.actors import EVERYBODY, FILE, VISITOR
from stadtbuch.examination.agreed import SOON, mistakes
from stadtbuch.examination.notes import Note, fine, hint, problem
from stadtbuch.examination.scene import Scene
from stadtbuch.texts import Text

_ENTER = Text(de=f"Ergänzen Sie in {FILE}, wer diese Rolle hat.", en=f"Add to {FILE} who has this role.")


def roles(scene: Scene) -> Iterable[Note]:
    """Read the file of roles."""
    if scene.roles_error:
        yield from mistakes(scene.roles_error.problems, command="")
    elif not (scene.settings.root / FILE).exists():
        text = Text(
            de=f"{FILE} fehlt: alle handeln als {VISITOR} und können keinen Bericht bauen.",
            en=f"{FILE} is missing: everybody acts as {VISITOR} and can build no report.",
        )
        remedy = Text(
            de='Legen Sie die Datei an, je Zeile eine Kennung: "m.muster: [analyst]".',
            en='Make the file, one login per line: "j.doe: [analyst]".',
        )
        yield problem(text, remedy, subject=FILE)
    else:
        number = len(set(_held(scene)))
        yield fine(f"{FILE} ist gültig: {number} Rollen", f"{FILE} is valid: {number} roles", roles=number)


def everybody(scene: Scene) -> Iterable[Note]:
    """Look at what everybody may do: more than to visit only where nobody lives."""
    given = [role for role in scene.roles.get(EVERYBODY, ()) if role != VISITOR]
    if not given or (scene.settings.city.synthetic and not scene.public):
        return
    yield problem(
        Text(
            de=f"Alle haben die Rollen {', '.join(given)}.", en=f"Everybody has the roles {', '.join(given)}."
        ),
        Text(
            de=f'Schreiben Sie in {FILE} einzelne Kennungen statt "*".',
            en=f'Write single logins instead of "*" into {FILE}.',
        ),
        subject=FILE,
        why=Text(
            de="Dann gibt jede Kennung dieses Rechners Berichte frei und liest geschlossene Daten.",
            en="Every account of this machine then releases reports and reads closed data.",
        ),
    )


def unknown(scene: Scene) -> Iterable[Note]:
    """Look for roles that something names and nobody has."""
    if scene.roles_error or not scene.roles:
        return
    held = set(_held(scene))
    yield from _of_reports(scene, held)
    yield from _of_grants(scene, held)


def _held(scene: Scene) -> Iterator[str]:
    return (role for roles in scene.roles.values() for role in roles)


def _of_reports(scene: Scene, held: set[str]) -> Iterator[Note]:
    """A report whose author nobody is cannot be built, one that nobody releases waits for ever."""
    for report in scene.reports.values():
        needed = {"author": report.roles.author}
        if report.release == "approval":
            needed["release"] = report.roles.release
        for part, role in needed.items():
            if role not in held:
                text = Text(
                    de=f"Der Bericht nennt die Rolle {role} ({part}), die niemand hat.",
                    en=f"The report names the role {role} ({part}), which nobody has.",
                )
                yield problem(text, _ENTER, subject=report.name)


def _of_grants(scene: Scene, held: set[str]) -> Iterator[Note]:
    for dataset in scene.datasets:
        for role in sorted({one.role for one in dataset.access.grants} - held):
            text = Text(
                de=f"{dataset.id} ist der Rolle {role} erlaubt, die niemand hat.",
                en=f"{dataset.id} is granted to the role {role}, which nobody has.",
            )
            remedy = Text(
                de=f"Ergänzen Sie {FILE}, wenn die Rolle gebraucht wird; sonst nehmen Sie die Erlaubnis heraus.",
                en=f"Add it to {FILE} if the role is needed; otherwise take the grant out.",
            )
            yield hint(text, remedy, subject=dataset.id)


def grants(scene: Scene) -> Iterable[Note]:
    """Look for grants that ended or end soon; one that a report relies on stops its next build."""
    number, needed = 0, set(_needed(scene))
    for dataset in scene.datasets:
        for one in dataset.access.grants:
            number += 1
            days = (one.until - scene.today).days
            if days < 0:
                text = Text(
                    de=f"Die Erlaubnis für {one.role} auf {dataset.id} endete am {one.until}.",
                    en=f"The grant of {one.role} on {dataset.id} ended on {one.until}.",
                )
                if (one.role, dataset.id) in needed:
                    yield problem(text, _RENEW, subject=dataset.id, why=_ENDED, facts={"days": days})
                else:
                    yield hint(text, _RENEW, subject=dataset.id, facts={"days": days})
            elif days <= SOON.days:
                text = Text(
                    de=f"Die Erlaubnis für {one.role} auf {dataset.id} endet am {one.until}.",
                    en=f"The grant of {one.role} on {dataset.id} ends on {one.until}.",
                )
                yield hint(text, _RENEW, subject=dataset.id, facts={"days": days})
    yield fine(f"Erlaubnisse im Katalog: {number}", f"Grants in the catalogue: {number}", grants=number)


def _needed(scene: Scene) -> Iterator[tuple[str, str]]:
    """Give the role and the dataset of every reading that a report declares."""
    for report in scene.reports.values():
        for path in (report.prepare, report.report):
            read = scene.notebooks.get(path or "")
            for dataset in getattr(getattr(read, "manifest", None), "inputs", ()):
                yield report.roles.author, dataset


_RENEW = Text(
    de="Lassen Sie entscheiden, wem die Daten gehören: until verlängern oder den Eintrag herausnehmen.",
    en="Let the owner of the data decide; extend until, or take the entry out.",
)
_ENDED = Text(
    de="Ein Bericht liest damit; sein nächster Bau wird abgelehnt.",
    en="A report reads by it; its next build is denied.",
)


def reviews(scene: Scene) -> Iterable[Note]:
    """Look for reasons to withhold data that were to be looked at again."""
    today = scene.today
    for dataset in scene.datasets:
        reason = dataset.access.reason
        if reason is None or reason.review - today > SOON:
            continue
        facts = {"days": (reason.review - today).days}
        if reason.review < today:
            text = Text(
                de=f"Ob {dataset.id} zurückgehalten bleibt, war bis {reason.review} zu prüfen.",
                en=f"Whether {dataset.id} stays withheld was to be reviewed by {reason.review}.",
            )
            yield problem(text, _REVIEW, subject=dataset.id, facts=facts)
        else:
            text = Text(
                de=f"Ob {dataset.id} zurückgehalten bleibt, ist bis {reason.review} zu prüfen.",
                en=f"Whether {dataset.id} stays withheld is to be reviewed by {reason.review}.",
            )
            yield hint(text, _REVIEW, subject=dataset.id, facts=facts)


_REVIEW = Text(
    de="Prüfen Sie den Grund, und setzen Sie decided und review im Katalog neu.",
    en="Review the reason, and set decided and review in the catalogue anew.",
)
