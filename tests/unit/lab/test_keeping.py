"""Which notebooks may keep their outputs on disk."""

from __future__ import annotations

from typing import Any

import pytest
from builders.city import a_manifest, fenced
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.lab import keeping
from stadtbuch.lab.keeping import Kind

OPEN = {"geography.boroughs", "people.counts"}
LOAD = "import stadtbuch as sb\ncity = sb.city()\n"
SHOWN = {"output_type": "stream", "name": "stdout", "text": "12"}


def a_notebook(
    *code: str, manifest: Any = None, outputs: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Make a notebook as it stands in its file; each cell of code has one output."""
    first = (
        [{"cell_type": "markdown", "metadata": {}, "source": fenced(manifest).splitlines(keepends=True)}]
        if manifest
        else []
    )
    cells = [
        {
            "cell_type": "code",
            "metadata": {"execution": {"iopub.execute_input": "2026"}},
            "source": source.splitlines(keepends=True),
            "outputs": outputs if outputs is not None else [SHOWN],
            "execution_count": 1,
        }
        for source in code
    ]
    return {"cells": [*first, *cells], "metadata": {"widgets": {"x": 1}}, "nbformat": 4, "nbformat_minor": 5}


def kind(*code: str, **changes: Any) -> Kind:
    """Say what a notebook is known to read."""
    return keeping.kind(a_notebook(*code, **changes), is_open=OPEN.__contains__)


@pytest.mark.parametrize(
    "code",
    [
        LOAD + "city.load('geography.boroughs').head()",
        LOAD + "city.load(dataset='geography.boroughs', columns=['area'])",
        "%load_ext stadtbuch\n" + LOAD + "%sb_data\ncity.load('people.counts').total()",
        "from stadtbuch import figure\n%time x = 1\n%timeit -n 3 x\n" + LOAD + "city.load('people.counts')",
        "%%time\n"
        + LOAD
        + "import pandas as pd\ndf = city.load('geography.boroughs')\ndf.merge(df, on='borough')",
    ],
)
def test_open_data_only(code):
    """Everything that is read is named, and open."""
    assert kind(code) is Kind.open


def test_a_manifest_counts_as_reading():
    """What is declared may be read by the next cell."""
    assert kind("1 + 1", manifest=a_manifest()) is Kind.open
    closed = a_manifest(purpose="age-structure", inputs={"population.residents": {"columns": ["age"]}})
    assert kind(LOAD + "city.load('geography.boroughs')", manifest=closed) is Kind.closed


@pytest.mark.parametrize("name", ["population.residents", "geography.moon", "data/population.csv"])
def test_what_is_not_known_to_be_open_is_closed(name):
    """A closed dataset, one that nobody knows, a file."""
    assert kind(LOAD + "city.load('geography.boroughs')", LOAD + f"city.load({name!r})") is Kind.closed


@pytest.mark.parametrize(
    "code",
    [
        "city.load(name)",
        "city.load(f'population.{x}')",
        "city.load()",
        "city.load(*names)",
        "read = city.load\nread('population.residents')",
        "city.source('population.residents')",
        "sb.city('../other').load('geography.boroughs')",
        "sb.city(start=there).load('geography.boroughs')",
        "import pandas as pd\npd.read_csv('data/residents.csv')",
        "import geopandas\ngeopandas.GeoDataFrame.from_file('x')",
        "open('data/residents.csv').read()",
        "from pathlib import Path\nPath('data/residents.csv').read_text()",
        "import local_module",
        "from . import x",
        "import os",
        "exec(code)",
        "getattr(city, 'lo' + 'ad')('population.residents')",
        "__import__('os').system('cat data/residents.csv')",
        "get_ipython().run_cell(text)",
        "from IPython import get_ipython as shell\nshell()",
        "!cat data/residents.csv",
        "%run other.ipynb",
        "%%bash\ncat data/residents.csv",
        "x = ",
        "import numpy as np\nf = np.loadtxt",
        "%time people = city.load('population.residents')",
        "%timeit -n 1 -r1 city.load('population.residents')",
        "%%timeit people = city.load('population.residents')\n1",
        "%time print(",
        "from pandas import read_csv\nread_csv('data/residents.csv')",
        "from json import load as parse",
        "import pandas as pd\npd.io.common.get_handle('x', 'r')",
        "import pandas.io.common as common",
        "import pandas as pd\npd.ExcelFile('x')",
        "from IPython.display import Markdown\nMarkdown(filename='data/residents.csv')",
        "from operator import methodcaller\nmethodcaller('read' + '_csv', 'x')(pd)",
        "import matplotlib.pyplot as plt\nplt.imread('x')",
        "from stadtbuch import city as another\nanother('../other')",
        "from stadtbuch import city\ncity('../other')",
        "from stadtbuch.session import snapshots",
        "import stadtbuch.store",
        "Out[3]",
    ],
)
def test_what_cannot_be_told_is_not_kept(code):
    """A name that is computed, a file read past the door, code that is not Python: never counted as open."""
    assert kind(LOAD + "city.load('geography.boroughs')", code) is not Kind.open


def test_a_notebook_that_loads_nothing_is_not_known():
    """What it shows may come from anywhere."""
    assert kind("1 + 1") is Kind.unsure


def test_a_manifest_with_a_mistake_is_not_trusted():
    """Half a manifest says nothing about the rest."""
    notebook = a_notebook(LOAD + "city.load('geography.boroughs')", manifest=a_manifest())
    notebook["cells"][0]["source"] = "```yaml\nstadtbuch:\n  inputs: [\n```"
    assert keeping.kind(notebook, is_open=OPEN.__contains__) is Kind.unsure


def test_a_mark_of_the_kernel_decides():
    """An output that was copied from a notebook with closed data brings its mark along."""
    mark = {"stadtbuch_lab": {"kind": "output", "restricted": True}}
    copied = {"output_type": "display_data", "data": {"text/plain": "x"}, "metadata": mark}
    assert kind(LOAD + "city.load('geography.boroughs')", outputs=[copied]) is Kind.closed


def test_strip_takes_everything_that_tells():
    """Outputs, numbers, timings and the state of widgets go; source and tags stay."""
    notebook = a_notebook("people.head()", manifest=a_manifest())
    assert keeping.strip(notebook) == 1
    cell = notebook["cells"][1]
    assert (cell["outputs"], cell["execution_count"], cell["metadata"]) == ([], None, {})
    assert notebook["metadata"] == {}
    assert "".join(cell["source"]) == "people.head()"


def test_tidy_takes_only_what_the_lab_put_there():
    """A note, a warning or a preview is never saved; what the analyst made is."""
    note = {"output_type": "display_data", "data": {}, "metadata": {"stadtbuch_lab": {"kind": "note"}}}
    notebook = a_notebook("1", outputs=[SHOWN, note])
    assert keeping.tidy(notebook) == 1
    assert notebook["cells"][0]["outputs"] == [SHOWN]


def test_the_same_output_has_the_same_print():
    """As text or as lines, with another number, in another notebook."""
    one = a_notebook("1", outputs=[{**SHOWN, "text": "ab\nc"}])
    other = a_notebook("2", outputs=[{**SHOWN, "text": ["ab\n", "c"]}])
    assert keeping.prints(one) == keeping.prints(other) != keeping.prints(a_notebook("1"))


@given(st.text(max_size=60))
def test_any_text_is_judged_without_an_error(code):
    """No cell makes the judgement break."""
    assert kind(code) in Kind
