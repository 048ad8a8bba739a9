"""
Who may read what: the rules of access as one table.

Each line asks for data and says what the answer is and why, in both languages. The dataset of the table is a
population register: analysts may read `district` and `age` for the purpose `age-structure` until 2027-12-31.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from stadtbuch.access import policy
from stadtbuch.model.dataset import Dataset
from stadtbuch.texts import Text


@dataclass(frozen=True)
class Case:
    """One line of the table: what is asked, and the answer (``allowed`` or the code of the refusal)."""

    access: str
    role: str
    purpose: str | None
    columns: tuple[str, ...] | None
    day: date
    answer: str
    because: Text


IN_TIME, LAST_DAY, TOO_LATE = date(2026, 3, 1), date(2027, 12, 31), date(2028, 1, 1)

CASES = [
    Case("open", "visitor", None, None, IN_TIME, "allowed",
         Text(de="Offene Daten darf jede und jeder lesen.", en="Anybody may read open data.")),
    Case("open", "visitor", None, ("age",), TOO_LATE, "allowed",
         Text(de="Auch einzelne Spalten, zu jeder Zeit.", en="Single columns too, at any time.")),
    Case("open", "visitor", None, ("sex",), IN_TIME, "access.unknown-column",
         Text(de="Die Spalte gibt es nicht.", en="There is no such column.")),
    Case("closed", "analyst", "age-structure", ("district", "age"), IN_TIME, "allowed",
         Text(de="Alles ist freigegeben.", en="All of it is granted.")),
    Case("shared", "analyst", "age-structure", ("district", "age"), IN_TIME, "allowed",
         Text(de="Geteilt wird wie geschlossen entschieden.", en="Shared is decided like closed.")),
    Case("closed", "analyst", "age-structure", ("age",), LAST_DAY, "allowed",
         Text(de="Der letzte Tag einer Freigabe zählt mit.", en="The last day of a grant counts.")),
    Case("closed", "analyst", "age-structure", ("age",), TOO_LATE, "access.grant-expired",
         Text(de="Danach ist sie abgelaufen.", en="After it the grant has run out.")),
    Case("closed", "analyst", None, ("age",), IN_TIME, "access.no-purpose",
         Text(de="Ohne Zweck wird nicht gelesen.", en="Nothing is read without a purpose.")),
    Case("closed", "analyst", "marketing", ("age",), IN_TIME, "access.unknown-purpose",
         Text(de="Der Zweck muss im Katalog stehen.", en="The purpose must stand in the catalogue.")),
    Case("closed", "visitor", "age-structure", ("age",), IN_TIME, "access.no-grant",
         Text(de="Die Rolle braucht eine Freigabe.", en="The role needs a grant.")),
    Case("closed", "analyst", "school-planning", ("age",), IN_TIME, "access.no-grant",
         Text(de="Eine Freigabe gilt nur für ihren Zweck.", en="A grant holds for its purpose only.")),
    Case("closed", "analyst", "age-structure", None, IN_TIME, "access.columns-needed",
         Text(de="Gelesen wird nur, was genannt ist.", en="Only what is named is read.")),
    Case("closed", "analyst", "age-structure", ("age", "person_id"), IN_TIME, "access.column-not-allowed",
         Text(de="Der Zweck begrenzt die Spalten.", en="The purpose limits the columns.")),
    Case("deleted", "analyst", "age-structure", ("age",), IN_TIME, "access.retention-over",
         Text(de="Gelöschte Daten gibt es nicht mehr.", en="Deleted data no longer exist.")),
]  # fmt: skip


def register(access: str) -> Dataset:
    """Give the register of the table, in one of the classes."""
    title = {"de": "x", "en": "x"}
    restricted: dict[str, Any] = {
        "class": "shared" if access == "shared" else "closed",
        "grants": [{"role": "analyst", "purposes": ["age-structure"], "until": LAST_DAY}],
    }
    return Dataset.model_validate({
        "id": "population.residents", "domain": "population", "title": title, "description": title,
        "publisher": "office", "owner": "head", "steward": "steward", "contactPoint": "a@b.example",
        "source": {"reader": "parquet", "url": "x"}, "misuse": title,
        "access": {"class": "open"} if access == "open" else restricted,
        "lifecycle": {"phase": "deleted" if access == "deleted" else "maintained"},
        "privacy": {"unit": "person", "purposes": {
            "age-structure": ["district", "age"], "school-planning": ["district", "age"],
        }},
        "schema": {"fields": [
            {"name": "person_id", "type": "string", "title": title, "privacy": "identifier"},
            {"name": "district", "type": "code", "title": title, "privacy": "quasi-identifier"},
            {"name": "age", "type": "integer", "title": title, "privacy": "quasi-identifier"},
        ]},
    })  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.access}-{case.answer}-{case.because.en}")
def test_answer(case: Case) -> None:
    """The decision is the one of the table, and never without a reason."""
    decision = policy.decide(
        register(case.access), role=case.role, purpose=case.purpose, columns=case.columns, now=case.day
    )
    assert ("allowed" if decision.allowed else decision.obligations["code"]) == case.answer
    assert all(reason.de and reason.en for reason in decision.reasons)


def test_table_holds_every_answer() -> None:
    """A new reason to refuse needs a line here."""
    codes = set(re.findall(r'"(access\.[a-z-]+)"', inspect.getsource(policy)))
    assert {case.answer for case in CASES} == codes | {"allowed"}
