"""The licences of what `make demo` installs."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

ALLOWED = {
    "0BSD",
    "APACHE-2.0",
    "BSD",
    "BSD-2-CLAUSE",
    "BSD-3-CLAUSE",
    "CC0-1.0",
    "HPND",
    "ISC",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MPL-2.0",
    "PSF-2.0",
    "PYTHON-2.0",
    "UNLICENSE",
    "ZLIB",
}
# How packages without an SPDX expression say it, without the word licence.
CLASSIFIED = {
    "APACHE SOFTWARE": "APACHE-2.0",
    "APACHE LICENSE, VERSION 2.0": "APACHE-2.0",
    "APACHE 2.0": "APACHE-2.0",
    "ISC LICENSE (ISCL)": "ISC",
    "MOZILLA PUBLIC LICENSE 2.0 (MPL 2.0)": "MPL-2.0",
    "PYTHON SOFTWARE FOUNDATION": "PSF-2.0",
}


def _runtime(root: Path) -> list[str]:
    text = (root / "requirements" / "runtime.lock").read_text(encoding="utf-8")
    return re.findall(r"^([a-z0-9][a-z0-9._-]*)==", text, re.MULTILINE)


def licences(name: str) -> set[str]:
    """
    Give the licences a package names, in SPDX's words.

    The expression first, else the classifiers, else the free field.
    """
    facts = metadata(name)
    lines = [line for line in facts.get_all("Classifier") or [] if line.startswith("License ::")]
    classes = [one for line in lines if (one := line.split(" :: ")[-1]) != "OSI Approved"]
    free = (facts.get("License") or "none named").splitlines()[:1]
    expression = facts.get("License-Expression")
    said = [expression] if expression else classes or free
    return {_spdx(word) for one in said for word in re.split(r" (?:AND|OR|WITH) ", one.upper())}


def _spdx(word: str) -> str:
    """Give SPDX's word for a licence as a package wrote it."""
    plain = word.strip().removesuffix(" LICENSE")
    return CLASSIFIED.get(plain, plain)


def test_runtime_licences_are_allowed(root: Path) -> None:
    """Nothing of the runtime brings a licence that the EUPL cannot be combined with, or none at all."""
    unknown = {}
    for name in _runtime(root):
        try:
            named = licences(name)
        except PackageNotFoundError:
            continue  # pinned for another Python or system
        if not named <= ALLOWED:
            unknown[name] = sorted(named - ALLOWED)
    assert unknown == {}


@pytest.mark.parametrize("word", ["AGPL-3.0-ONLY", "GPL-3.0-OR-LATER", "NONE NAMED"])
def test_the_list_does_not_allow(word: str) -> None:
    """Copyleft of the strong kind and silence are refused."""
    assert word not in ALLOWED
