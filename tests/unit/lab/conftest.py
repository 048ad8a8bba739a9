"""A small city, a real kernel in it, and a real JupyterLab server for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from builders.city import Made, a_city
from builders.lab import Kernel, Server, kernel_in, server_in


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Give a city with an open and a closed dataset, for all tests of a file."""
    return a_city(tmp_path_factory.mktemp("lab") / "city")


@pytest.fixture(scope="module")
def kernel(city: Made) -> Iterator[Kernel]:
    """Give a kernel in the city with the extension loaded."""
    with kernel_in(city.root) as one:
        one.run("%load_ext stadtbuch")
        one.run("import stadtbuch as sb\ncity = sb.city()")
        yield one


@pytest.fixture(scope="module")
def server(city: Made) -> Iterator[Server]:
    """Give a JupyterLab server, started the way ``stadtbuch lab`` starts it."""
    with server_in(city.root) as one:
        yield one
