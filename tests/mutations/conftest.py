"""How many of the switches are tried: a few in every test, all of them in the campaign."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of the campaign."""
    parser.addoption("--switches", default="few", choices=("few", "all"), help="which rules are switched off")
