"""
Whether protected places say what their rules allow: they are made again from the rows that the run saw.

Places come from code that nobody checked. So the gate coarsens them once more, by the rules of the catalogue,
the outline of the whole city and today's season, and the record must be the same. Counts of a dataset with
such rules may not leave in another form; and a page that shows such places says why they are coarse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stadtbuch.disclosure import places
from stadtbuch.errors import ProtectionError
from stadtbuch.model.dataset import Dataset
from stadtbuch.model.verdict import Finding, Severity
from stadtbuch.reports import recount
from stadtbuch.reports.evidence import Evidence
from stadtbuch.session.city import City
from stadtbuch.session.snapshots import conditions
from stadtbuch.texts import Text


def findings(city: City, evidence: Evidence) -> Iterator[Finding]:
    """
    Make all protected places of a run again.

    Rules: ``reports.regrid`` (not what the rules give), ``reports.places-needed`` (another form than protected
    places), ``reports.places-rules`` (no rules in the catalogue).

    Raises
    ------
    ValueError
        If a snapshot is not the one that was planned; the gate refuses what it cannot judge.
    """
    for name, record in evidence.tables.items():
        known = city.catalog.datasets.get(str(record["dataset"]))
        rules = known.privacy.places if known else None
        if record.get("kind") != places.KIND:
            yield from [_needed(name, str(record["dataset"]))] if rules else []
        elif known is None or rules is None or known.id not in evidence.facts["inputs"]:
            yield _no_rules(name)
        else:
            again = _again(city, evidence, known, name=name, show=record["show"])
            yield from differences(name, record, again)


def _again(
    city: City, evidence: Evidence, dataset: Dataset, *, name: str, show: Any
) -> dict[str, Any] | None:
    """Make the record as the rules say; None if they say that there can be none."""
    described, rules = evidence.facts["inputs"][dataset.id], dataset.privacy.places
    assert rules is not None  # asked by the caller
    frame = recount.snapshot(evidence, described)
    try:
        return places.coarsen(
            frame,
            rules,
            dataset=dataset.id,
            name=name,
            show=show,
            before=places.opens(rules.season, city.reached) if rules.season else None,
            titles=places.protected_titles(dataset),
            outline=city.source(rules.outline).frame if rules.outline else None,
            where=conditions(described.get("rows") or {}),
        ).to_record()
    except ProtectionError:
        return None


def differences(name: str, record: Mapping[str, Any], again: Mapping[str, Any] | None) -> Iterator[Finding]:
    """
    Compare a record with the one that the rules give; say which parts differ, not how.

    Examples
    --------
    >>> [one.rule for one in differences("birds", {"found": []}, {"found": [], "areas": {}})]
    ['reports.regrid']
    """
    if again is None:
        yield _differs(name, ("show",))
        return
    parts = sorted(part for part in {*record, *again} if record.get(part) != again.get(part))
    if parts:
        yield _differs(name, parts)


def beside(evidence: Evidence) -> Iterator[Finding]:
    """Find protected places whose reason stands beside no picture and no table: ``reports.reason-missing``."""
    said = [
        one.get("marks") or one.get("legend") or {}
        for one in (*evidence.figures.values(), *evidence.shown.values())
    ]
    for name, described in evidence.facts["inputs"].items():
        reason = described.get("protection")
        if reason and not any(_holds(one, reason) for one in said):
            yield _unsaid(name)


def _holds(legend: Mapping[str, str], reason: Mapping[str, str]) -> bool:
    return all(words in legend.get(language, "") for language, words in reason.items())


# ---- what is said -------------------------------------------------------------------------------------


def _differs(name: str, parts: Any) -> Finding:
    listed = ", ".join(part for part in parts if str(part).isidentifier())
    return _refuse(
        "reports.regrid",
        name,
        Text(
            de=f"{name} ist nicht, was die Regeln des Datensatzes für seine Orte ergeben ({listed}).",
            en=f"{name} is not what the rules of the dataset give for its places ({listed}).",
        ),
        Text(
            de="Bilden Sie es mit sb.places(...) aus den Zeilen, wie city.load sie gibt, und mit den Gebieten der "
            "ganzen Stadt. Auswahlen gehören unter rows: ins Manifest.",
            en="Make it with sb.places(...) from the rows as city.load gives them, and with the areas of the "
            "whole city. Selections belong under rows: in the manifest.",
        ),
    )


def _needed(name: str, dataset: str) -> Finding:
    return _refuse(
        "reports.places-needed",
        name,
        Text(
            de=f"{name} entsteht aus {dataset}, dessen Orte geschützt sind, und hält sich nicht an deren Regeln.",
            en=f"{name} is made from {dataset}, whose places are protected, and does not follow their rules.",
        ),
        Text(de="Bilden Sie es mit sb.places(...).", en="Make it with sb.places(...)."),
    )


def _no_rules(name: str) -> Finding:
    return _refuse(
        "reports.places-rules",
        name,
        Text(
            de=f"Für {name} lässt sich nicht prüfen, wie genau Orte gezeigt werden dürfen.",
            en=f"It cannot be judged for {name} how exactly places may be told.",
        ),
        Text(
            de="Der Datensatz muss unter inputs: stehen und im Katalog privacy.places haben.",
            en="The dataset must be listed under inputs: and have privacy.places in the catalogue.",
        ),
    )


def _unsaid(name: str) -> Finding:
    return _refuse(
        "reports.reason-missing",
        name,
        Text(
            de=f"Auf der Seite steht nicht, warum die Orte aus {name} so grob sind.",
            en=f"The page does not say why the places of {name} are so coarse.",
        ),
        Text(
            de=f'Nennen Sie "{name}" unter sources= in sb.figure(...); der Grund steht dann neben dem Bild.',
            en=f'Name "{name}" under sources= in sb.figure(...); the reason then stands beside the picture.',
        ),
    )


def _refuse(rule: str, subject: str, said: Text, remedy: Text) -> Finding:
    return Finding(rule=rule, severity=Severity.refuse, subject=subject, text=said, remedy=remedy)
