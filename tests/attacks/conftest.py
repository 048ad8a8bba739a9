"""How many boxes the hostile notebooks get: few in ``make test``, one each in ``make campaign NAME=sandbox``."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--alone``: known when pytest is started on this folder (campaigns do)."""
    parser.addoption("--alone", action="store_true", default=False, help="one box for each hostile notebook")


@pytest.fixture(scope="session")
def alone(request: pytest.FixtureRequest) -> bool:
    """Tell whether each attack has its own box."""
    return bool(request.config.getoption("--alone", default=False))


SAMPLE = ("test_the_neighbour_is_hurt_only_without_the_wall", "test_a_run_holds_no_door_to_the_zygote")
"""Of runs that are set apart by namespaces, ``make test`` tries these, as an ordinary user; the campaign tries all."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what is beyond the sample to the campaign."""
    if config.getoption("--alone", default=False):
        return
    beyond = [one for one in items if "namespaces" in one.name and not _is_sample(one)]
    config.hook.pytest_deselected(items=beyond)
    items[:] = [one for one in items if one not in beyond]


def _is_sample(one: pytest.Item) -> bool:
    return one.name.startswith(SAMPLE) and "user" in one.name
