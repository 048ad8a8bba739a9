"""How large a sample an attack takes: small by default, as large as a campaign wants."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--sample N``: known when pytest is started on this folder (campaigns do)."""
    parser.addoption("--sample", type=int, default=None, help="how many random tables the attacker tries")


@pytest.fixture(scope="session")
def sample(request: pytest.FixtureRequest) -> int:
    """Give the number of random tables."""
    return request.config.getoption("--sample", default=None) or 200
