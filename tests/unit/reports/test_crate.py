"""The RO-Crate of an edition: every result leads to what it was made from; people stand there by role."""

import getpass
import json
import socket
import subprocess
from pathlib import Path

import pytest

from stadtbuch.reports import crate, decisions, editions

VALIDATOR = Path(__file__).resolve().parents[3] / ".venv" / "crates" / "bin" / "python"
PROGRAM = Path(__file__).resolve().parents[2] / "crates" / "validate.py"


def newest(built, report):
    """Give the newest edition; what waits is approved first."""
    city = built.open(as_role="head-of-statistics")
    if editions.waiting(city.state, report, ""):
        decisions.approve(city, report)
    found = editions.latest(city.state, report, "")
    assert found is not None
    return found


def folder(built, report):
    """Give the folder of the newest edition."""
    return newest(built, report).folder


def graph(built, report):
    """Give the entities of a crate by id."""
    told = json.loads((folder(built, report) / crate.FILE).read_text())
    return {one["@id"]: one for one in told["@graph"]}


def ids(value):
    """Give the ids that a property leads to."""
    return [one["@id"] for one in (value if isinstance(value, list) else [value])]


def test_every_result_leads_to_inputs_code_parameters_and_rules(built):
    """A named value, a figure and a table each name data version, notebook, environment, library and gate."""
    known = graph(built, "area")
    for place in ("#result-area_total", "figures/areas.de.svg", "figures/areas.csv", "data/areas.csv"):
        origin = ids(known[place]["wasDerivedFrom"])
        assert {"package/inputs/geography.boroughs.parquet", "package/area.ipynb", "#gate"} <= set(origin)
        assert any(one.startswith("urn:sha256:") for one in origin)
        assert ids(known[place]["wasGeneratedBy"]) == ["#run-report"]
    assert known["#result-area_total"]["value"] == 19.75
    data = known["package/inputs/geography.boroughs.parquet"]
    assert (data["identifier"], len(data["version"]), len(data["sha256"])) == ("geography.boroughs", 64, 64)
    assert known["#rule-rules"]["value"] == "2026.1"


def test_a_protected_table_leads_to_the_closed_dataset_by_name_and_version_only(built):
    """The register is named with its class; no file of it is part of the crate."""
    known = graph(built, "people")
    assert "#dataset-population.residents" in ids(known["data/by_borough.csv"]["wasDerivedFrom"])
    register = known["#dataset-population.residents"]
    assert (register["conditionsOfAccess"], register["@type"]) == ("closed", "CreativeWork")
    assert not any("residents" in part for part in ids(known["./"]["hasPart"]))


def test_the_approval_is_named_by_role(built):
    """Who released stands there as a role, with the day."""
    known = graph(built, "people")
    assert ids(known["#approval"]["agent"]) == ["#role-head-of-statistics"]
    assert "#approval" in ids(known["./"]["mentions"])
    assert "#approval" not in graph(built, "area")


def test_every_file_of_the_edition_is_part_of_the_crate(built):
    """The checksums are those of edition.json; references lead to entities that are there."""
    archived = newest(built, "area")
    known = graph(built, "area")
    for file in archived.edition.files:
        if file.path != crate.FILE:
            assert known[file.path]["sha256"] == file.sha256
    outside = ("http", "urn:")
    for one in known.values():
        for name, value in one.items():
            if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
                assert [x for x in ids(value) if x not in known and not x.startswith(outside)] == [], name


def test_a_crate_tells_nothing_about_the_machine(built):
    """No folder, login or host stands in it."""
    text = (folder(built, "area") / crate.FILE).read_text()
    for secret in (str(built.root), getpass.getuser(), socket.gethostname(), str(Path.cwd())):
        assert f'"{secret}' not in text
        assert f"{secret}/" not in text


def test_the_same_edition_gives_the_same_crate(built):
    """Written again from the archive, it has the same bytes; the moment is the edition's, not the clock's."""
    archived = newest(built, "area")
    files = {one.path: (archived.folder / one.path).read_bytes() for one in archived.edition.files}
    sealed, again = crate.seal(archived.edition, files)
    assert again[crate.FILE] == files[crate.FILE]
    assert sealed.files == archived.edition.files


def test_an_edition_that_waits_has_no_crate_yet(built):
    """The crate is written when the edition is released, so it knows who did."""
    waiting = editions.waiting(built.open().state, "people", "")
    assert waiting is not None
    assert crate.FILE not in {file.path for file in waiting.edition.files}


def test_crates_hold_to_the_profiles(built):
    """
    roc-validator finds nothing that RO-Crate 1.1 and the Workflow Run profiles require and these crates lack.

    It lives in an environment of its own, because it needs an older rich; `make test` installs it.
    """
    if not VALIDATOR.exists():
        pytest.skip("roc-validator (requirements/crates.lock) is not installed, so no RO-Crate was validated")
    folders = [str(folder(built, report)) for report in ("area", "people")]
    ended = subprocess.run(
        [str(VALIDATOR), str(PROGRAM), *folders], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert {name: one["issues"] for name, one in told.items()} == {name: [] for name in folders}
    for one in told.values():
        assert one["profiles"] == [
            "process-run-crate-0.5",
            "ro-crate-1.1",
            "workflow-ro-crate-1.0",
            "workflow-run-crate-0.5",
        ]
        assert one["checks"] > 50
