"""The list of licences."""

from __future__ import annotations

from stadtbuch.catalog.licences import LICENCES


def test_licences_of_german_open_data_are_known() -> None:
    """Those that German municipalities use most."""
    assert {"dl-de/by-2-0", "dl-de/zero-2-0", "cc-by-4.0", "cc-by-3.0-de", "cc0-1.0"} <= set(LICENCES)


def test_licence_that_forbids_a_use_is_not_open() -> None:
    """Non-commercial, no derivatives and all rights reserved cannot stand at open data."""
    assert {name for name, one in LICENCES.items() if not one.open} == {
        "cc-by-nc-4.0",
        "cc-by-nd-4.0",
        "all-rights-reserved",
    }


def test_zero_licences_ask_for_no_attribution() -> None:
    """The others do."""
    free = {name for name, one in LICENCES.items() if not one.attribution}
    assert free == {"dl-de/zero-2-0", "cc0-1.0", "unlicense"}


def test_every_open_licence_has_an_address() -> None:
    """A page must be able to link its text."""
    assert all(one.url.startswith("https://") for one in LICENCES.values() if one.open)
