"""
The showcase: what citizens made of the city's open data, each with its own page, and the page that says how to send in.

Shown is what was accepted and lies undamaged in the spool with its re-run, as long as all datasets it uses are open.
What was accepted and withdrawn leaves a page with number and day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from stadtbuch.catalog.licences import LICENCES, Licence
from stadtbuch.errors import StadtbuchError
from stadtbuch.model.submission import Rerun, Stage
from stadtbuch.state import State
from stadtbuch.submissions import inbox, mail, notebooks, showcase
from stadtbuch.submissions.inbox import Held
from stadtbuch.submissions.showcase import Shown
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from stadtbuch.site.facts import Site

FOLDER, SEND_IN, NOTEBOOK = "showcase", "send-in", "notebook.ipynb"
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""
Stricter than elsewhere: no script at all, no form, no frame. ``sandbox`` would be stricter still, but browsers ignore
it in ``<meta>``; a server that can send headers should add it.
"""

NAMELESS = Text(de="ohne Namen", en="without a name")


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One accepted submission as its page shows it."""

    number: str
    title: Text
    credit: str
    licence: Licence | None
    reason: Text
    role: str
    accepted: datetime
    datasets: tuple[str, ...]
    rerun: Rerun
    shown: Shown
    notebook: bytes

    @property
    def path(self) -> str:
        """Give its folder in the site."""
        return f"{FOLDER}/{self.number.lower()}"


@dataclass(frozen=True, slots=True)
class Gone:
    """A submission that was shown and withdrawn: number and day."""

    number: str
    at: datetime

    @property
    def path(self) -> str:
        """Give its folder in the site."""
        return f"{FOLDER}/{self.number.lower()}"


def gather(state: State, *, open_data: Callable[[str], bool]) -> tuple[tuple[Exhibit, ...], tuple[Gone, ...]]:
    """
    Read what may be shown, the newest first, and what was withdrawn.

    Parameters
    ----------
    open_data
        Whether a dataset (or a released table) is open today.
    """
    held = list(inbox.everything(state))
    found = (_exhibit(one) for one in held if one.stage is Stage.accepted)
    exhibits = [one for one in found if one and all(map(open_data, one.datasets))]
    gone = [
        Gone(one.number, one.status.at)
        for one in held
        if one.stage is Stage.withdrawn and one.status.was_public
    ]
    return tuple(sorted(exhibits, key=lambda one: (one.accepted, one.number), reverse=True)), tuple(gone)


def _exhibit(held: Held) -> Exhibit | None:
    """Make one exhibit; nothing if a file of it is not what was accepted."""
    found, inspected = inbox.rerun(held), inbox.inspection(held)
    if found is None or inspected is None or held.status.reason is None:
        return None
    made, executed = found
    try:
        sent = notebooks.read(inbox.original(held))
        shown = showcase.show(executed, sources=sent)
    except StadtbuchError:
        return None
    named = shown.title
    return Exhibit(
        number=held.number,
        title=Text(de=named or f"Einsendung {held.number}", en=named or f"Submission {held.number}"),
        credit=mail.credit(held.submission.credit),
        licence=LICENCES.get(held.submission.licence),
        reason=held.status.reason,
        role=held.status.role,
        accepted=held.status.at,
        datasets=tuple(sorted(one.dataset for one in inspected.uses if one.known)),
        rerun=made,
        shown=shown,
        notebook=showcase.handout(sent),
    )


def pages(site: Site) -> Iterator[tuple[str, str, Callable[[str], Mapping[str, Any]], str, bool]]:
    """Give folder, template, facts, section and whether it is that section's own page, for every page."""
    yield (
        FOLDER,
        "showcase.html.j2",
        lambda _: {"exhibits": site.exhibits, "nameless": NAMELESS},
        FOLDER,
        True,
    )
    mailbox = site.settings.submissions.mailbox or site.settings.city.contact
    sending = {"mailbox": mailbox, "days": site.settings.submissions.keep_days, "sizes": _sizes()}
    yield SEND_IN, "showcase_send_in.html.j2", lambda _: sending, SEND_IN, True
    for exhibit in site.exhibits:
        facts = _facts(site, exhibit)
        yield exhibit.path, "showcase_page.html.j2", lambda _, facts=facts: facts, FOLDER, False  # type: ignore[misc]
    for gone in site.gone:
        tombstone = {"gone": gone, "at": gone.at.astimezone(site.settings.city.zone).date()}
        yield gone.path, "showcase_gone.html.j2", lambda _, facts=tombstone: facts, FOLDER, False  # type: ignore[misc]


def _sizes() -> dict[str, int]:
    return {"bytes": notebooks.MAX_BYTES, "cells": notebooks.MAX_CELLS}


def _facts(site: Site, exhibit: Exhibit) -> dict[str, Any]:
    zone = site.settings.city.zone
    datasets = [(one, site.datasets[one].title) for one in exhibit.datasets if one in site.datasets]
    return {
        "it": exhibit,
        "blocks": exhibit.shown.blocks,
        "datasets": datasets,
        "tables": [one for one in exhibit.datasets if one not in site.datasets],
        "nameless": NAMELESS,
        "accepted": exhibit.accepted.astimezone(zone).date(),
        "rerun_at": exhibit.rerun.at.astimezone(zone).date(),
        "reason_language": site.settings.city.language if exhibit.reason.de == exhibit.reason.en else None,
        "spoken": site.settings.city.language,
        "download": NOTEBOOK,
        "csp_strict": CSP,
    }


def files(site: Site) -> dict[str, bytes]:
    """Give the files beside the pages: pictures that we made, and the notebook without outputs."""
    made: dict[str, bytes] = {}
    for exhibit in site.exhibits:
        made |= {f"{exhibit.path}/{name}": data for name, data in exhibit.shown.files.items()}
        made[f"{exhibit.path}/{NOTEBOOK}"] = exhibit.notebook
    return made


def used_by(site: Site, dataset: str) -> list[tuple[Text, str]]:
    """Give title and path of what citizens made of a dataset."""
    return [(one.title, one.path) for one in site.exhibits if dataset in one.datasets]
