"""The parameters of the rules for sums: they hold in the run, and nothing that is public tells them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from builders.city import TOML, Made, a_city, a_dataset, a_manifest, default_datasets
from builders.reports import ROLES, START, write_notebook, write_report

from stadtbuch import settings
from stadtbuch.errors import SettingsError
from stadtbuch.reports import build, decisions
from stadtbuch.runs import manifest, plan

TAXES = "population.taxes"
RULES = """reason = {de = "Niemand soll einen Betrag schätzen.", en = "Nobody shall estimate an amount."}
decided_by = "steering-group"
decided = 2026-01-10
[dominance]
n = 1
k = 71
[pq]
p = 29
q = 97
"""
TELLTALE = re.compile(
    rb"confidential|p_percent|dominance|\b71 ?(%|Prozent|per cent)|\b[kpqn]\"? ?[=:] ?(71|29|97)\b"
)
PREPARE = (
    f"taxes = city.load('{TAXES}')\n"
    "areas = city.load('geography.boroughs')[['borough']].assign(city='all of it')\n"
    f"sb.protect(taxes, by=['branch', 'borough'], sum='tax', unit='company', places=2, name='paid', "
    f"dataset='{TAXES}', hierarchies={{'borough': areas}})"
)
SHOW = (
    "table = city.load('paid-taxes.paid')\n"
    "sb.headline(table.total(), unit={'de': 'Euro', 'en': 'euros'}, at='2025-12-31')\n"
    "sb.table(table.by('branch'), name='taxes', caption={'de': 'Steuern', 'en': 'Taxes'}, columns={\n"
    "    'branch': {'de': 'Branche', 'en': 'Branch'}, 'value': {'de': 'Euro', 'en': 'Euros'}})"
)


def described(name: str, kind: str, **more: Any) -> dict[str, Any]:
    """Describe a column."""
    return {"name": name, "type": kind, "title": {"de": name.title(), "en": name.capitalize()}, **more}


def taxes() -> dict[str, Any]:
    """Describe what companies paid, in several payments each."""
    entry = a_dataset(access="closed")
    fields = [
        described("payment", "integer"),
        described("company", "string", privacy="identifier"),
        described("branch", "code", privacy="quasi-identifier"),
        described("borough", "code", privacy="quasi-identifier"),
        described("tax", "number", privacy="sensitive", unit="EUR"),
    ]
    entry["source"] = {**entry["source"], "url": "{DATA}/taxes.csv"}
    entry["schema"] = {"primaryKey": ["payment"], "fields": fields}
    entry["privacy"] = {
        "unit": "company", "min_count": 3, "zeros": "may-be-withheld",
        "purposes": {"age-structure": ["company", "branch", "borough", "tax"]},
    }  # fmt: skip
    return entry


def payments() -> str:
    """Give four companies in each place, one of them large, each paying twice."""
    lines, number = ["payment;company;branch;borough;tax"], 0
    for place, (branch, borough) in enumerate((one, two) for one in "xyz" for two in ("01", "02")):
        for company in range(4):
            for _ in range(2):
                number += 1
                amount = 4999.99 if (place, company) == (0, 0) else 100 + 7 * company + place + 0.25
                lines.append(f"{number};C{place}{company};{branch};{borough};{amount:.2f}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def city(tmp_path: Path) -> Made:
    """Give a city with rules for sums and a report about taxes."""
    root = tmp_path / "city"
    toml = TOML + '[tables]\nconcentration = "secret/concentration.toml"\n'
    made = a_city(root, datasets=default_datasets() | {TAXES: taxes()}, roles=ROLES, toml=toml)
    (root / "secret").mkdir()
    (root / "secret/concentration.toml").write_text(RULES, encoding="utf-8")
    (root / "data/taxes.csv").write_text(payments(), encoding="utf-8")
    inputs = {TAXES: {"columns": ["company", "branch", "borough", "tax"]}, "geography.boroughs": {}}
    preparing = a_manifest(purpose="age-structure", risk="low", inputs=inputs, gives=["paid"])
    write_notebook(root, "paid-taxes.prepare", START, PREPARE, manifest=preparing, words=[])
    write_notebook(root, "paid-taxes", START, SHOW, manifest=a_manifest(inputs={"paid-taxes.paid": {}}))
    write_report(root, "paid-taxes", prepare="notebooks/paid-taxes.prepare.ipynb", release="approval")
    return made


def test_sums_are_published_and_the_rule_is_not(city: Made) -> None:
    """From rows to the page: the dominated sum is withheld, and no public file tells by which numbers."""
    summary = build.build(city.open(), ["paid-taxes"], jobs=2)
    assert [one["publication"] for one in summary["runs"]] == ["awaiting-approval"], summary
    decisions.approve(city.open(as_role="head-of-statistics"), "paid-taxes")
    record = json.loads(next((city.root / "var/editions").rglob("data/paid.json")).read_bytes())
    told = {tuple(cell["labels"]): cell["value"] for cell in record["cells"]}
    assert told["x", "01"] is None
    assert told[None, None] == sum(
        round(float(line.split(";")[4]) * 100) for line in payments().split("\n")[1:-1]
    )
    assert record["zeros"] == "may-be-withheld"
    assert [*record["hierarchies"]["borough"]] == ["city"]
    public = [
        path
        for part in ("public", "var/editions")
        for path in (city.root / part).rglob("*")
        if path.is_file()
    ]
    assert len(public) > 10
    assert [path.name for path in public if TELLTALE.search(path.read_bytes())] == []
    entries = [entry.model_dump_json().encode() for entry in city.open().book.entries()]
    assert [entry for entry in entries if TELLTALE.search(entry)] == []


def planned(city: Made, name: str) -> plan.Request:
    """Plan a run in a new session."""
    session = Made(city.root, settings.read(city.root)).open()
    return plan.plan(session, manifest.read(city.root / f"notebooks/{name}.ipynb", root=city.root), {})


def test_only_runs_of_closed_data_know_the_rule(city: Made) -> None:
    """Their key changes with it, by a secret of the city: a bare hash of two small numbers could be guessed."""
    before = planned(city, "paid-taxes.prepare")
    assert before.info["confidential"]["concentration"]["pq"] == {"p": 29, "q": 97}
    assert (
        TELLTALE.search(
            json.dumps({**before.key_parts, "confidential": None}).encode().replace(b"confidential", b"")
        )
        is None
    )
    write_notebook(city.root, "open", START, manifest=a_manifest())
    assert "confidential" not in planned(city, "open").info
    assert "confidential" not in planned(city, "open").key_parts
    file = city.root / "secret/concentration.toml"
    file.write_text(RULES.replace("k = 71", "k = 72"), encoding="utf-8")
    assert planned(city, "paid-taxes.prepare").key != before.key


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("[dominance]", "dominance"),
        (RULES.replace("n = 1", "n = 0"), "dominance.n"),
        (RULES.replace("q = 97", "q = 7"), "pq"),
        (RULES[: RULES.index("[dom")], "[dominance]"),
        ("n = ", "TOMLDecodeError"),
        (None, "FileNotFoundError"),
    ],
)
def test_a_wrong_file_is_said_without_its_numbers(city: Made, written: str | None, named: str) -> None:
    """Missing, no TOML, without a rule or with one that is none: the key is named, its value is not."""
    file = city.root / "secret/concentration.toml"
    if written is None:
        file.unlink()
    else:
        file.write_text(written, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        settings.concentration(city.settings)
    assert caught.value.code == "settings.concentration"
    assert named in caught.value.what.en
    assert TELLTALE.search(caught.value.what.en.replace(named, "").encode()) is None
