"""The re-run: twice the same, or where not, or why it fails, in words for the person who sent it."""

import json
from pathlib import Path
from typing import Any

import pytest
from builders.city import CANARY, Made, a_city
from builders.submissions import ROLES, a_submission, code, received, text

from stadtbuch.errors import Refused, UsageError
from stadtbuch.model.submission import Stage, Verdict
from stadtbuch.runs import box
from stadtbuch.submissions import inbox, notebooks, rerun, review


@pytest.fixture
def possible() -> None:
    """Skip, visibly, where no box can be opened."""
    found = box.possible()
    if not found.yes:
        pytest.skip(f"no sandbox can be opened here: {found.why_not.en if found.why_not else ''}")


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Give a small city with open boroughs and closed residents."""
    return a_city(tmp_path / "city", roles=ROLES)


def inspected(city: Any, *cells: Any) -> str:
    """Receive and inspect a notebook; give its number."""
    number = received(city, a_submission(*cells)).submission.number
    review.inspect(city, number)
    return number


def executed(city: Any, number: str) -> dict[str, Any]:
    """Read the kept notebook."""
    kept = inbox.rerun(inbox.get(city.state, number))
    assert kept is not None
    return json.loads(kept[1])


def test_good_notebook_is_reproduced_on_open_data(possible: None, made: Made) -> None:
    """``sb.city().load`` gives the open dataset as in a run; closed ones are not there; our outputs are kept."""
    city = made.open()
    number = inspected(
        city,
        text("# Bezirke"),
        code(
            'import stadtbuch as sb\ncity = sb.city()\nframe = city.load("geography.boroughs")\n'
            "print(len(frame))\nframe.head(2)"
        ),
        code(
            'try:\n    city.load("population.residents")\nexcept Exception as error:\n    print(type(error).__name__)'
        ),
        code("print({'a', 'b', 'c'}, object())"),
    )
    begun: list[int] = []
    kept = rerun.rerun(city, number, progress=begun.append)
    assert kept.verdict is Verdict.reproduced
    assert begun == [1, 2]
    assert list(kept.inputs) == ["geography.boroughs"]
    assert inbox.get(city.state, number).stage is Stage.rerun
    cells = executed(city, number)["cells"]
    assert [cell["id"] for cell in cells] == ["cell-1", "cell-2", "cell-3", "cell-4"]
    assert "text/html" in cells[1]["outputs"][1]["data"]
    assert cells[2]["outputs"][0]["text"] == "AccessDenied\n"
    assert "0x…" in cells[3]["outputs"][0]["text"]
    assert CANARY not in json.dumps(cells)
    assert "cgroup" not in kept.confined or box.possible().bounded


def test_difference_is_told_with_its_cell(possible: None, made: Made) -> None:
    """Two runs that give different numbers are not called reproduced; the sender reads where and what to do."""
    city = made.open()
    number = inspected(
        city, text("# x"), code("import os"), code("print(os.urandom(4).hex())"), code("1 + 1")
    )
    kept = rerun.rerun(city, number)
    assert (kept.verdict, kept.cells) == (Verdict.differs, (3,))
    assert "Zelle 3" in kept.text.de
    assert "seed" in kept.text.en


def test_failure_is_told_in_the_senders_words(possible: None, made: Made) -> None:
    """A notebook that stops is run once; cell and reason are told, without a traceback."""
    city = made.open()
    number = inspected(city, code("import a_package_nobody_has"))
    begun: list[int] = []
    kept = rerun.rerun(city, number, progress=begun.append)
    assert (kept.verdict, kept.cells, begun) == (Verdict.fails, (1,), [1])
    assert "Paket" in kept.text.de
    assert "Traceback" not in kept.text.en


def test_nothing_runs_without_a_box(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no sandbox can be opened, the re-run refuses and leaves the submission as it was."""
    city = made.open()
    number = inspected(city)
    monkeypatch.setattr(box.platform, "machine", lambda: "riscv64")
    with pytest.raises(Refused) as caught:
        rerun.rerun(city, number)
    assert caught.value.code == "box.impossible"
    assert inbox.get(city.state, number).stage is Stage.inspected


def test_nothing_runs_unbounded_on_a_citys_server(
    possible: None, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A city's server without control groups refuses."""
    city = made.open()
    number = inspected(city)
    monkeypatch.setattr(box.cgroups, "find", lambda: None)
    with pytest.raises(Refused) as caught:
        rerun.rerun(city, number, bounded=True)
    assert caught.value.code == "box.unbounded"


def test_nothing_runs_uninspected(possible: None, made: Made) -> None:
    """The order is: inspect, then run."""
    city = made.open()
    number = received(city).submission.number
    with pytest.raises(UsageError) as caught:
        rerun.rerun(city, number)
    assert caught.value.code == "submission.not-inspected"


def test_closed_data_are_not_laid_out(made: Made) -> None:
    """Whatever the inspection says: what is not open by the catalogue of this moment does not go in."""
    laid = rerun.lay_out(
        made.open(), ["geography.boroughs", "population.residents", "no.such", "geography.boroughs"]
    )
    assert set(laid.files) == {"inputs/geography.boroughs.parquet", "run.json"}
    assert CANARY.encode() not in b"".join(laid.files.values())
    info = json.loads(laid.files["run.json"])
    assert list(info["inputs"]) == ["geography.boroughs"]
    assert info["restricted"] is False


@pytest.mark.parametrize(
    "kind",
    ["Timeout", "Flood", "DeadKernel", "Silent", "Client", "MemoryError", "AccessDenied", "ValueError"],
)
def test_every_end_has_words(kind: str) -> None:
    """German and English, with the cell where there is one."""
    said = rerun.words(rerun.Fault(4, kind, "message"))
    assert said.de.startswith("In Zelle 4: ")
    assert said.en.startswith("In cell 4: ")
    assert rerun.words(rerun.Fault(None, kind, "")).de


def test_gate_comes_before_the_box(made: Made) -> None:
    """A file that is no notebook never reaches the box: reading it refuses."""
    with pytest.raises(Refused):
        notebooks.read(b"PK\x03\x04")
