"""New analyses from templates."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders.city import Made, a_city
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.errors import UsageError
from stadtbuch.runs import drafts, manifest


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Give a fresh city."""
    return a_city(tmp_path / "city")


def test_an_analysis_of_open_data_is_one_notebook(made: Made) -> None:
    """It has a valid manifest, and nothing of the template's name is left."""
    (path,) = drafts.draft(made.settings, "how-large")
    assert path == "notebooks/analyses/how-large.ipynb"
    assert manifest.read(made.root / path, root=made.root).name == path


def test_an_analysis_of_closed_data_is_a_pair(made: Made) -> None:
    """The page reads the table that the first notebook gives, under the new name."""
    page, prepare = drafts.draft(made.settings, "how-old", template="closed-data")
    assert prepare == "notebooks/analyses/how-old.prepare.ipynb"
    gives = manifest.read(made.root / prepare, root=made.root).manifest.gives
    assert list(manifest.read(made.root / page, root=made.root).manifest.inputs) == [f"how-old.{gives[0]}"]
    assert drafts.INSIDE not in (made.root / page).read_text(encoding="utf-8")


def test_nothing_is_overwritten(made: Made) -> None:
    """If one of the files exists, none is written."""
    drafts.draft(made.settings, "how-old")
    with pytest.raises(UsageError) as error:
        drafts.draft(made.settings, "how-old", template="closed-data")
    assert error.value.code == "draft.exists"
    assert not (made.root / "notebooks/analyses/how-old.prepare.ipynb").exists()


def test_the_citys_own_template_comes_first(made: Made) -> None:
    """A city adds templates and changes the library's by putting a folder of the same name."""
    own = made.root / "notebooks/templates/open-data"
    own.mkdir(parents=True)
    content = json.loads((drafts.SHIPPED / "open-data/analysis.ipynb").read_text(encoding="utf-8"))
    content["cells"] = content["cells"][:1]
    (own / "analysis.ipynb").write_text(json.dumps(content), encoding="utf-8")
    (path,) = drafts.draft(made.settings, "ours")
    assert len(json.loads((made.root / path).read_text(encoding="utf-8"))["cells"]) == 1
    assert set(drafts.templates(made.settings)) == {"open-data", "closed-data"}


@pytest.mark.parametrize("template", ["nowhere", "../../etc", ""])
def test_an_unknown_template_names_those_there_are(made: Made, template: str) -> None:
    """The remedy lists them."""
    with pytest.raises(UsageError) as error:
        drafts.draft(made.settings, "how-old", template=template)
    assert error.value.code == "draft.template"
    assert "closed-data, open-data" in error.value.remedy.en


@given(st.text(max_size=80))
def test_a_name_never_leads_out_of_the_folder(name: str) -> None:
    """Whatever is not a plain address is refused before anything is touched."""
    if not drafts.NAME.fullmatch(name):
        with pytest.raises(UsageError):
            drafts.draft(None, name)  # no settings: nothing else is looked at
    else:
        assert "/" not in name
        assert "." not in name
