"""Reading code without running it: datasets, doors out of the notebook, and what cannot be told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.submissions import syntax
from stadtbuch.submissions.notebooks import Cell


def read(*sources: str) -> syntax.Facts:
    """Read code cells."""
    return syntax.read([Cell(number, "code", source) for number, source in enumerate(sources, 1)])


ASKED = {
    'city.load("mobility.counts")': {"mobility.counts"},
    'sb.city().load(dataset="mobility.counts")': {"mobility.counts"},
    'stadtbuch.city().load("mobility." + "counts", columns=["a"])': {"mobility.counts"},
    'D = "mobility"\ncity.load(f"{D}.counts")': {"mobility.counts"},
    'city.load("{}.{}".format("mobility", "counts"))': {"mobility.counts"},
    'city.load("%s.%s" % ("mobility", "counts"))': {"mobility.counts"},
    'city.load(".".join(["mobility", "counts"]))': {"mobility.counts"},
    'city.load(" MOBILITY.COUNTS ".lower().strip())': {"mobility.counts"},
    'cat = intake.open_catalog("catalogs/intake.yaml")\ncat["mobility.counts"].read()': {"mobility.counts"},
    'cat = intake.open_catalog("x")\ncat.mobility.counts.read()': {"mobility.counts"},
    'pd.read_csv("https://stadt.example/datasets/mobility.counts/counts.csv")': {"mobility.counts"},
    "def f():\n  return city.load('mobility.counts')": {"mobility.counts"},
    'city.load(input("?"))': {None},
    'n = "a.b"\nn = "c.d"\ncity.load(n)': {None},
    'for n in ["a.b"]:\n    city.load(n)': {None},
    'city.load("mobility." + n)': {None},
    'json.load(open("x"))': set(),
    'np.load("x.npy")': set(),
    '"mobility.counts"': set(),
}


@pytest.mark.parametrize("source", ASKED)
def test_datasets_are_found_as_far_as_they_are_constant(source: str) -> None:
    """What is constant is followed; what only a run would tell is said to be unknown."""
    assert {one.dataset for one in read(source).asked} == ASKED[source]


def test_a_name_is_known_in_later_cells() -> None:
    """Notebooks set names in one cell and use them in another."""
    assert [(one.cell, one.dataset) for one in read('X = "a-b.c_d"', "1", "city.load(X)").asked] == [
        (3, "a-b.c_d")
    ]


SEEN = {
    "import requests": {"network"},
    "from urllib.request import urlopen": {"network"},
    "import urllib.parse": set(),
    "from urllib import request": {"network"},
    'pd.read_csv("https://a.example/x.csv")': {"network", "address"},
    "import subprocess as s": {"processes"},
    'os.system("ls")': {"processes"},
    "from os import popen": {"processes"},
    "import os": set(),
    "ctypes = 1": set(),
    "import ctypes": {"processes"},
    "!pip install x": {"shell"},
    "x = !ls": {"shell"},
    "if 1:\n    !ls\n    y = 2": {"shell"},
    "%%bash\nls": {"magic"},
    "%%time\nimport requests": {"harmless-magic", "network"},
    "%matplotlib inline\nimport pandas": {"harmless-magic"},
    "%run other.py": {"magic"},
    "?pd": {"harmless-magic"},
    "get_ipython().system('ls')": {"magic"},
    'open("data.csv")': {"files"},
    'np.load("x.npy")': {"files"},
    'open("out.txt", "w")': {"writes"},
    'pd.read_csv("data.csv")': {"files"},
    "pd.read_csv(path)": {"maybe-files"},
    "pd.read_csv(io.StringIO(text))": set(),
    'frame.to_csv("x.csv")': {"writes"},
    "frame.to_csv()": set(),
    "import pickle": {"packed"},
    "eval('1')": {"dynamic"},
    "frame.eval('a + b')": set(),
    "getattr(x, name)": {"dynamic"},
    "getattr(x, 'name')": set(),
    "().__class__.__bases__[0].__subclasses__()": {"dynamic"},
    "__import__('os')": {"dynamic"},
    "importlib.import_module('os')\nimport importlib": {"dynamic"},
    '"""\n!ls\n%run x\n"""': set(),
}


@pytest.mark.parametrize("source", SEEN)
def test_doors_out_of_the_notebook_are_seen(source: str) -> None:
    """Network, processes, files, magics and dynamic code are told apart, and harmless things are not blamed."""
    assert set(read(source).seen) == SEEN[source]


def test_a_cell_that_is_no_python_is_said_to_be_unreadable() -> None:
    """The other cells are still read."""
    facts = read("def (", 'city.load("a.b")')
    assert (facts.unreadable, len(facts.asked)) == ({1}, 1)


BOMBS = {
    "brackets": "(" * 100_000 + ")" * 100_000,
    "minus": "-" * 150_000 + "1",
    "not": "not " * 40_000 + "1",
    "attributes": "a" + ".b" * 50_000,
    "ternary": "1 if 1 else " * 10_000 + "1",
    "lambda": "lambda:" * 10_000 + "1",
    "sums": "x = " + "+".join(["'a'"] * 20_000),
    "power": "1" + "**1" * 20_000,
    "await": "await " * 10_000 + "x",
    "calls": "f" + "()" * 50_000,
    "strings": "'" * 100_001,
    "huge integer": "x = " + "9" * 100_000,
    "indents": "\n".join(" " * depth + "if 1:" for depth in range(300)),
    "f-strings": "f'{" * 60 + "1" + "}'" * 60,
    "doubling": "\n".join(['x0 = "ab"', *(f"x{n + 1} = x{n} + x{n}" for n in range(60)), "city.load(x60)"]),
    "continuation": "x = \\\n" * 20_000,
    "shell": "!" * 100_000,
    "spaces": " " * 190_000 + "!",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_no_code_stops_the_reading(bomb: str) -> None:
    """Code made to exhaust a parser gives an answer, and neither a crash nor an hour."""
    facts = read(BOMBS[bomb])
    assert isinstance(facts.unreadable, set)


@given(st.text("()[]{}'\"\\\n\t !%?=:.,abcityloadf0 ", max_size=120))
def test_any_text_can_be_read(source: str) -> None:
    """No text gives an error."""
    assert read(source) is not None
