"""The library knows no city: neither the made-up one nor any real one."""

import re
from pathlib import Path

import pytest

from stadtbuch.synthetic import config

REAL = (
    "Aachen", "Augsburg", "Berlin", "Bielefeld", "Bochum", "Bonn", "Braunschweig", "Bremen", "Chemnitz",
    "Darmstadt", "Dortmund", "Dresden", "Duisburg", "Düsseldorf", "Erfurt", "Essen", "Frankfurt",
    "Freiburg", "Gelsenkirchen", "Hamburg", "Hannover", "Heidelberg", "Jena", "Karlsruhe", "Kassel",
    "Kiel", "Köln", "Konstanz", "Leipzig", "Lübeck", "Magdeburg", "Mainz", "Mannheim", "München",
    "Münster", "Nürnberg", "Oldenburg", "Potsdam", "Rostock", "Saarbrücken", "Soest", "Stuttgart",
    "Ulm", "Wiesbaden", "Wuppertal", "Würzburg", "Zürich",
)  # fmt: skip
SHORTEST = 6  # shorter names of made-up places ("Mitte", "Hafen") are everyday words
COMMON = {"first-names.txt"}
"""First names belong to a language, not to a city: the made-up city shares them with everybody."""
ZONES = re.compile(r"\b(?:Europe|Pacific)/[A-Z][a-z]+")


def sources(root: Path) -> list[Path]:
    """Give every text file of the library."""
    kinds = {".py", ".html", ".j2", ".css", ".json", ".jsonld", ".toml", ".yaml", ".md", ".txt"}
    return [path for path in sorted((root / "lib").rglob("*")) if path.suffix in kinds and path.is_file()]


def mentions(names: set[str], text: str) -> set[str]:
    """
    Give the names that stand in a text as whole words; names of time zones are not cities.

    Examples
    --------
    >>> sorted(mentions({"Kiel"}, "Europe/Berlin, Kieler, Kiel"))
    ['Kiel']
    """
    pattern = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, sorted(names))) + r")(?!\w)")
    return set(pattern.findall(ZONES.sub("", text)))


def invented(root: Path) -> set[str]:
    """Give all names of the made-up city."""
    pattern = config.read(root)
    traps, register = pattern.traps, pattern.register_
    names = {"Lindenstadt", *pattern.districts, *(one.name for one in pattern.boroughs)}
    names |= {one.name for one in pattern.counters.list}
    names |= {name for all_of_sex in register.first_names.values() for name in all_of_sex}
    names |= {a + b for a in register.surnames.beginnings for b in register.surnames.endings}
    names |= {*pattern.wells.names, *pattern.birds.fields, pattern.birds.society, pattern.wells.pump.name}
    names |= {
        traps.dominant.name,
        traps.nest.field,
        pattern.trees.single.de,
        *(one.name for one in pattern.air.list),
    }
    names |= {str(value) for values in traps.canaries.values() for value in values.values()}
    names |= {
        traps.hover.full_name,
        *traps.hover.full_name.split(),
        *(one.value for one in traps.look_alikes),
    }
    return {name for name in names if len(name) >= SHORTEST}


def test_the_library_names_nothing_of_the_made_up_city(root):
    """Names and traps stand in synthetic.yaml only."""
    names = invented(root)
    assert len(names) > 300
    found = {
        path.relative_to(root).as_posix(): mentions(names, path.read_text("utf-8"))
        for path in sources(root)
        if path.name not in COMMON
    }
    assert {path: hits for path, hits in found.items() if hits} == {}


def test_the_library_names_no_real_city(root):
    """A second city uses the same code: examples in it are about no place."""
    found = {
        path.relative_to(root).as_posix(): mentions(set(REAL), path.read_text("utf-8"))
        for path in sources(root)
    }
    assert {path: hits for path, hits in found.items() if hits} == {}


@pytest.mark.parametrize("text", ["in Köln gemessen", '"Marktviertel"', "(Rostock)", "Lindenstadt, 2026"])
def test_a_name_would_be_found(root, text):
    """The guard itself can see."""
    assert mentions(invented(root) | set(REAL), text)


def test_words_that_only_begin_like_a_city_are_no_city():
    """Essential, Bonner and the time zone of the country are allowed."""
    assert mentions(set(REAL), "Bonnet, Ulmen, Europe/Berlin") == set()
