"""How many boxes the hostile notebooks get: few in ``make test``, one each in ``make campaign NAME=sandbox``."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--alone``: known when pytest is started on this folder (campaigns do)."""
    parser.addoption("--alone", action="store_true", default=False, help="one box for each hostile notebook")


@pytest.fixture(scope="session")
def alone(request: pytest.FixtureRequest) -> bool:
    """Tell whether each attack has its own box."""
    return bool(request.config.getoption("--alone", default=False))
