"""
What the gate would say about one cell, while its author still sits in front of it.

The gate's own rules look at the cell. In the lab their findings are warnings: experiments stay free, strictness
is at the exit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stadtbuch.disclosure.places import ProtectedPlaces
from stadtbuch.disclosure.tables import ProtectedTable
from stadtbuch.errors import StadtbuchError
from stadtbuch.lab.watching import Output
from stadtbuch.model.verdict import Finding
from stadtbuch.privacy import outputs as rules
from stadtbuch.privacy import values as scan
from stadtbuch.reports import screening, values
from stadtbuch.session.city import City
from stadtbuch.session.snapshots import min_count
from stadtbuch.texts import Text

Protected = ProtectedTable | ProtectedPlaces

FORM = frozenset(
    f"privacy.{name}" for name in ("form", "metadata", "mime", "traceback", "stderr", "unrecorded", "svg")
)
"""Rules about the form of what is published. Whoever explores may show things in any form."""

PEEK = Text(
    de="Zum Ansehen genügt %sb_peek: Was es zeigt, wird nicht gespeichert.",
    en="To look at rows, %sb_peek is enough: what it shows is not saved.",
)


def facts(city: City, datasets: Iterable[str]) -> rules.Facts:
    """
    Gather what the rules ask for.

    Parameters
    ----------
    city
        The session.
    datasets
        Ids of the datasets that are not open and that were loaded in this kernel.
    """
    closed = [city.dataset(name) for name in sorted(datasets)]
    return rules.Facts(
        restricted=bool(closed),
        key=city.state.key(values.KEY),
        closed=tuple(rules.ClosedFacts(one.id, one.table.names, _index(city, one.id)) for one in closed),
        canaries=values.canaries(city),
        vocabulary=scan.vocabulary(screening.public_words(city)) if closed else frozenset(),
        allowed_addresses=frozenset(screening.addresses(city)),
        paths=(str(city.settings.root),),
        rules=city.settings.rules.version,
        min_count=max((min_count(one, city.settings) for one in closed), default=None),
    )


def _index(city: City, dataset: str) -> frozenset[bytes]:
    """Give the hashes of a dataset's values; the other rules still hold where its source is gone."""
    try:
        return values.index(city, dataset)
    except StadtbuchError:
        return frozenset()


def judge(
    source: str,
    outputs: Sequence[Output],
    *,
    number: int,
    facts: rules.Facts,
    tables: Sequence[Protected],
) -> list[Finding]:
    """
    Say what stands against a cell.

    Parameters
    ----------
    source
        Its code.
    outputs
        What it put out.
    number
        Its number in square brackets, by which the finding calls it.
    facts
        From `facts`.
    tables
        The protected tables of this kernel: showing one is what is wanted.
    """
    shown = [one for one in outputs if not _protected(one, tables)]
    cell: dict[str, Any] = {
        "cell_type": "code",
        "metadata": {},
        "source": source,
        "outputs": shown,
        "execution_count": None,
    }
    empty = {"cell_type": "markdown", "metadata": {}, "source": ""}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [empty] * (number - 1) + [cell]}
    own = rules.Facts(**{**_fields(facts), "records": _recorded(shown)})
    return rules.judge(notebook, own)


def _fields(facts: rules.Facts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in rules.Facts.__dataclass_fields__}


def _recorded(outputs: Sequence[Output]) -> Mapping[tuple[str, str], frozenset[str]]:
    """Take the word of `sb.table` and its siblings: whether it is true, the gate finds out."""
    records: dict[tuple[str, str], frozenset[str]] = {}
    for one in outputs:
        claim = one.get("metadata", {}).get("stadtbuch")
        if isinstance(claim, Mapping):
            records[str(claim.get("kind")), str(claim.get("name"))] = frozenset(
                map(str, one["data"].values())
            )
    return records


def _protected(output: Output, tables: Sequence[Protected]) -> bool:
    """Tell whether an output shows nothing but a protected table."""
    shown = output.get("data", {}).get("text/html")
    return shown is not None and any(shown == one._repr_html_() for one in tables)


def split(findings: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Tell findings about data from those about form."""
    return (
        [one for one in findings if one.rule not in FORM],
        [one for one in findings if one.rule in FORM],
    )
