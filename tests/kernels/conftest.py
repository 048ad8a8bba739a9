"""How many forks and kills: 300 in ``make test``, 10,000 in ``make campaign NAME=kernels``."""

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--kills`` and ``--seed``: known when pytest is started on this folder (campaigns do)."""
    parser.addoption("--kills", type=int, default=300, help="how many forks and kills")
    parser.addoption("--seed", type=int, default=None, help="seed of their order")


@pytest.fixture(scope="session")
def kills(request: pytest.FixtureRequest) -> int:
    """Tell how many."""
    return int(request.config.getoption("--kills", default=300))


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """Give the seed; a campaign draws a new one, and prints it."""
    given = request.config.getoption("--seed", default=None)
    if given is not None:
        return int(given)
    campaign = request.config.getoption("--kills", default=300) != 300
    return int.from_bytes(os.urandom(4), "big") if campaign else 20260115
