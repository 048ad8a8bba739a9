"""
Views of the book: registers, histories and counts as pure folds over its entries.

An export or register is one more function here; the entries do not change for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stadtbuch.model.entry import Entry

RAN = ("ran", "run-failed")


def runs(entries: Iterable[Entry]) -> list[Entry]:
    """Give the entries about runs, finished and failed, in their order."""
    return [entry for entry in entries if entry.kind in RAN]


def released(entries: Iterable[Entry]) -> dict[str, Entry]:
    """
    Give what was released and not withheld since: edition id to its entry, in the order of release.

    Examples
    --------
    >>> released([])
    {}
    """
    public: dict[str, Entry] = {}
    for entry in entries:
        if entry.kind == "released":
            public[entry.subject] = entry
        elif entry.kind == "withheld":
            public.pop(entry.subject, None)
    return public


VERIFIED = "verified"
"""The kind of entry that says what computing an edition again gave."""


def verified(entries: Iterable[Entry]) -> dict[str, Entry]:
    """
    Give the last verdict about each edition that was computed again.

    Examples
    --------
    >>> verified([])
    {}
    """
    return {entry.subject: entry for entry in entries if entry.kind == VERIFIED}


def waiting(entries: Iterable[Entry]) -> dict[str, Entry]:
    """
    Give the editions that wait: announced, and neither approved, refused nor released since.

    An ``approved`` entry is about a report and lists its ``editions``.
    """
    open_now: dict[str, Entry] = {}
    for entry in entries:
        if entry.kind == "awaiting-approval":
            open_now[entry.subject] = entry
        elif entry.kind in ("approved", "released", "refused"):
            for edition in (entry.subject, *_listed(entry.details, "editions")):
                open_now.pop(edition, None)
    return open_now


def uses(entries: Iterable[Entry]) -> dict[str, set[str]]:
    """
    Give for every dataset the notebooks and reports that used it.

    A ``loaded`` entry is about a dataset and names the notebook in its details; ``ran`` and ``released``
    entries are about a notebook or an edition and list the datasets as ``inputs``.

    Returns
    -------
    dict
        Dataset id to names; an edition counts as its report.
    """
    used: dict[str, set[str]] = {}
    for entry in entries:
        for dataset, user in _pairs(entry):
            used.setdefault(dataset, set()).add(user)
    return used


def _pairs(entry: Entry) -> Iterable[tuple[str, str]]:
    if entry.kind == "loaded":
        user = entry.details.get("notebook")
        return [(entry.subject, user)] if isinstance(user, str) and user else []
    if entry.kind in ("ran", "released"):
        user = (
            entry.subject.partition("@")[0].partition("/")[0] if entry.kind == "released" else entry.subject
        )
        return [(dataset, user) for dataset in _listed(entry.details, "inputs")]
    return []


def _listed(details: Mapping[str, object], name: str) -> list[str]:
    """Read the ids in an entry's details, whether they are listed or mapped to their versions."""
    ids = details.get(name)
    return [str(one) for one in ids] if isinstance(ids, list | dict) else []
