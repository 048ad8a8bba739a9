"""A real JupyterLab server: what it writes to disk, and what its page may ask elsewhere."""

from __future__ import annotations

import base64
import json
import re
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest
from builders.city import CANARY, Made
from builders.lab import Server, plain_server_in

LOAD = "import stadtbuch as sb\ncity = sb.city()\n"
OPEN = LOAD + 'city.load("geography.boroughs")'
CLOSED = LOAD + 'people = city.load("population.residents", purpose="age-structure", columns=["age"])\npeople'


def a_notebook(source: str, *, shown: str = CANARY, metadata: dict[str, Any] | None = None) -> dict[str, Any]:
    """Make a notebook of one cell that printed something."""
    output = {"output_type": "stream", "name": "stdout", "text": f"{shown}\n"}
    if metadata is not None:
        data = {"text/plain": shown}
        output = {"output_type": "display_data", "data": data, "metadata": metadata}
    cell = {
        "cell_type": "code",
        "id": "one",
        "metadata": {},
        "source": source,
        "outputs": [output],
        "execution_count": 3,
    }
    return {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def on_disk(server: Server, path: str) -> str:
    """Give the text of a file below the city."""
    return (server.root / path).read_text(encoding="utf-8")


def leaks(server: Server) -> list[str]:
    """Name the files below the notebooks' folder, hidden ones too, that hold the canary."""
    files = [path for path in (server.root / "notebooks").rglob("*") if path.is_file()]
    return [path.name for path in files if CANARY in path.read_text(encoding="utf-8", errors="replace")]


def test_a_closed_notebook_is_saved_without_outputs(server: Server) -> None:
    """Source stays, outputs and numbers go; checkpoints are as clean."""
    server.save("notebooks/closed.ipynb", a_notebook(CLOSED))
    server.ask("/api/contents/notebooks/closed.ipynb/checkpoints", method="POST")
    (cell,) = json.loads(on_disk(server, "notebooks/closed.ipynb"))["cells"]
    assert (cell["outputs"], cell["execution_count"]) == ([], None)
    assert "population.residents" in "".join(cell["source"])
    assert (server.root / "notebooks/.ipynb_checkpoints/closed-checkpoint.ipynb").is_file()
    assert leaks(server) == []


def test_an_open_notebook_keeps_its_outputs(server: Server) -> None:
    """Only what the lab itself showed goes."""
    notebook = a_notebook(OPEN, shown="19,75")
    note = a_notebook(OPEN, shown="Geladen", metadata={"stadtbuch_lab": {"kind": "note"}})
    notebook["cells"][0]["outputs"] += note["cells"][0]["outputs"]
    server.save("notebooks/open.ipynb", notebook)
    (cell,) = json.loads(on_disk(server, "notebooks/open.ipynb"))["cells"]
    assert [one["output_type"] for one in cell["outputs"]] == ["stream"]


@pytest.mark.parametrize("source", ["1 + 1", LOAD + "city.load(name)", "pd.read_csv('data/residents.csv')"])
def test_what_is_not_understood_is_saved_without_outputs(server: Server, source: str) -> None:
    """Nothing is kept that is not known to be open."""
    server.save("notebooks/unsure.ipynb", a_notebook(source, shown=f"never shown before {len(source)}"))
    assert json.loads(on_disk(server, "notebooks/unsure.ipynb"))["cells"][0]["outputs"] == []


def test_outputs_of_closed_data_are_known_again(server: Server) -> None:
    """In a copied cell, under a new name, after the line that loaded the data was taken away."""
    server.save("notebooks/closed.ipynb", a_notebook(CLOSED))
    server.save("notebooks/copied.ipynb", a_notebook(OPEN))
    mark = {"stadtbuch_lab": {"kind": "output", "restricted": True}}
    server.save("notebooks/marked.ipynb", a_notebook(OPEN, shown=f"other {CANARY}", metadata=mark))
    assert leaks(server) == []


def test_a_notebook_that_was_closed_stays_so(server: Server) -> None:
    """The kernel still holds the data when the line that loaded them is gone."""
    server.save("notebooks/was-closed.ipynb", a_notebook(CLOSED, shown="first"))
    server.save("notebooks/was-closed.ipynb", a_notebook(OPEN, shown=f"new {CANARY}"))
    assert leaks(server) == []


def test_no_other_way_of_writing_goes_around(server: Server) -> None:
    """Edited as text, uploaded whole or in pieces, copied, and a checkpoint of a file that came from elsewhere."""
    content = json.dumps(a_notebook(CLOSED))
    body = {"type": "file", "format": "text", "content": content}
    server.ask("/api/contents/notebooks/text.ipynb", method="PUT", body=body)
    encoded = base64.b64encode(content.encode()).decode()
    half = len(content) // 2
    pieces = [base64.b64encode(part.encode()).decode() for part in (content[:half], content[half:])]
    for chunk, part in ((1, pieces[0]), (-1, pieces[1])):
        told = {"type": "file", "format": "base64", "content": part, "chunk": chunk}
        server.ask("/api/contents/notebooks/pieces.ipynb", method="PUT", body=told)
    whole = {"type": "file", "format": "base64", "content": encoded}
    server.ask("/api/contents/notebooks/whole.ipynb", method="PUT", body=whole)
    server.ask("/api/contents/notebooks/other.json", method="PUT", body=whole)
    server.ask("/api/contents/notebooks/other.json", method="PATCH", body={"path": "notebooks/other.ipynb"})
    old = {"worksheets": [{"cells": a_notebook(OPEN)["cells"]}], "nbformat": 3, "nbformat_minor": 0}
    body = {"type": "file", "format": "text", "content": json.dumps(old)}
    server.ask("/api/contents/notebooks/old.ipynb", method="PUT", body=body)
    server.ask("/api/contents/notebooks", method="POST", body={"copy_from": "notebooks/text.ipynb"})
    (server.root / "notebooks/foreign.ipynb").write_text(content, encoding="utf-8")
    server.ask("/api/contents/notebooks/foreign.ipynb/checkpoints", method="POST")
    server.ask("/api/contents/notebooks/text.ipynb", method="PATCH", body={"path": "notebooks/moved.ipynb"})
    assert {path.name for path in (server.root / "notebooks").glob("*.ipynb")} >= {
        "pieces.ipynb",
        "moved.ipynb",
    }
    assert leaks(server) == []


def test_what_cannot_be_judged_is_not_saved(server: Server) -> None:
    """A notebook of a wrong shape is refused, not written."""
    broken = a_notebook(CLOSED)
    broken["cells"] = [3]
    with pytest.raises(urllib.error.HTTPError) as error:
        server.save("notebooks/broken.ipynb", broken)
    assert error.value.code in (400, 500)
    assert not (server.root / "notebooks/broken.ipynb").exists()


def test_a_broken_catalogue_keeps_nothing(server: Server, city: Made) -> None:
    """As long as nobody can say what is open, nothing counts as open."""
    path = city.root / "catalogs" / "geography.yaml"
    before = path.read_bytes()
    path.write_text("datasets: [", encoding="utf-8")
    try:
        server.save("notebooks/later.ipynb", a_notebook(OPEN, shown="23,75"))
    finally:
        path.write_bytes(before)
    assert json.loads(on_disk(server, "notebooks/later.ipynb"))["cells"][0]["outputs"] == []


def test_other_files_are_saved_as_they_are(server: Server) -> None:
    """Text and JSON that is no notebook are none of the keeper's business."""
    for name, content in (
        ("a.md", "# {cells}\n"),
        ("b.json", '{"cells": 3}\n'),
        ("c.txt", '{"cells" no json'),
    ):
        body = {"type": "file", "format": "text", "content": content}
        server.ask(f"/api/contents/notebooks/{name}", method="PUT", body=body)
        assert on_disk(server, f"notebooks/{name}") == content


def test_the_page_asks_nobody_elsewhere(server: Server) -> None:
    """No news, no search for updates, no list of extensions; the start notebook opens first."""
    page = server.ask("/lab")
    told = json.loads(re.search(r'<script id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    assert told["news"] == {"disabled": True}
    assert "@jupyterlab/apputils-extension:announcements" in told["disabledExtensions"]
    assert told["extensionManager"]["can_install"] is False
    assert "/lab/tree/notebooks/tutorials/start.ipynb?token=" in server.start
    assert (server.root / "notebooks/tutorials/start.ipynb").is_file()


def test_without_the_token_nothing_is_said(server: Server) -> None:
    """Jupyter's own lock stays on the door."""
    stranger = Server(server.url, "wrong", server.root, "")
    with pytest.raises(urllib.error.HTTPError) as error:
        stranger.ask("/api/contents/notebooks")
    assert error.value.code == 403


def test_the_citys_state_is_not_listed(server: Server) -> None:
    """The file browser shows what people work on."""
    (server.root / "var").mkdir(exist_ok=True)
    listed = {one["name"] for one in server.ask("/api/contents")["content"]}
    assert "notebooks" in listed
    assert "var" not in listed


def test_templates_are_offered(server: Server) -> None:
    """jupyterlab-templates lists ours beside its own."""
    offered = server.ask("/templates/names")["templates"]
    listed = {one["name"].lstrip("/") for ours in ("open-data", "closed-data") for one in offered[ours]}
    assert "open-data/analysis.ipynb" in listed
    assert "closed-data/analysis.prepare.ipynb" in listed


@pytest.fixture(scope="module")
def plain(city: Made) -> Iterator[Server]:
    """Give a plain ``jupyter lab``, started in the folder above the city by somebody who knows no better."""
    with plain_server_in(city.root.parent) as one:
        yield one


def test_a_plain_lab_keeps_closed_outputs_off_the_disk(plain: Server) -> None:
    """The extension comes with the package; each notebook is judged by the city around it."""
    plain.save("city/notebooks/plain.ipynb", a_notebook(CLOSED))
    plain.save("city/notebooks/plain-open.ipynb", a_notebook(OPEN, shown="19,76"))
    written = json.loads(on_disk(plain, "city/notebooks/plain-open.ipynb"))
    assert written["cells"][0]["outputs"] != []
    plain.save("plain-above.ipynb", a_notebook(CLOSED, shown=f"above {CANARY}"))
    plain.save("plain-copied.ipynb", a_notebook("1 + 1"))
    found = [path.name for path in plain.root.rglob("plain*.ipynb") if CANARY in path.read_text("utf-8")]
    assert found == []


def test_a_plain_lab_leaves_other_peoples_notebooks_alone(plain: Server) -> None:
    """A notebook in no city that never names the library is saved as it is."""
    notebook = a_notebook("1 + 1", shown="2")
    plain.save("other.ipynb", notebook)
    (cell,) = json.loads(on_disk(plain, "other.ipynb"))["cells"]
    assert cell["outputs"][0]["text"] == ["2\n"]


def test_a_plain_lab_offers_the_templates(plain: Server) -> None:
    """Those of the library: there is no city here."""
    assert {"open-data", "closed-data"} <= set(plain.ask("/templates/names")["templates"])
