"""
Every rule that keeps numbers inside has a test that turns red when the rule is switched off.

The list is `switches.toml`. Here a few of them are tried; ``make campaign NAME=mutations`` tries all.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SWITCHES: list[dict[str, str]] = tomllib.loads((HERE / "switches.toml").read_text())["switch"]
FEW = (
    "a sum needs a number of units",
    "what can be computed from published numbers is found",
    "words of pictures are read",
)


@pytest.fixture(scope="module")
def without() -> Any:
    """Give the program that switches off, as a module."""
    spec = spec_from_file_location("without", HERE / "without.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("switch", SWITCHES, ids=[one["rule"] for one in SWITCHES])
def test_the_list_is_up_to_date(switch: dict[str, str], root: Path, without: Any) -> None:
    """Each switch names a function that is there and says something else, and a test that is there."""
    assert set(switch) == {"rule", "where", "says", "test"}
    module, function = switch["where"].split(":")
    path = root.joinpath("lib", *module.split(".")).with_suffix(".py")
    compile(without.changed(path.read_text(), function=function, says=switch["says"]), str(path), "exec")
    file, _, test = switch["test"].partition("::")
    assert re.search(rf"^def {test or 'test_'}", root.joinpath(file).read_text(), re.MULTILINE)


def test_no_rule_is_listed_twice() -> None:
    """One line per rule, and one per function."""
    assert len({one["rule"] for one in SWITCHES}) == len(SWITCHES)
    assert len({one["where"] for one in SWITCHES}) == len(SWITCHES)


def test_a_function_that_is_not_there_is_said(without: Any) -> None:
    """A switch that would change nothing is an error, not a quiet success."""
    source = "class A:\n    def f(self):\n        return 1\n"
    for function, says in (("A.g", "return 2"), ("f", "return 2")):
        with pytest.raises(LookupError):
            without.changed(source, function=function, says=says)
    scope: dict[str, Any] = {}
    exec(compile(without.changed(source, function="A.f", says="return 2"), "a", "exec"), scope)
    assert scope["A"]().f() == 2


def tried_now(which: str) -> list[dict[str, str]]:
    """Choose the switches that are tried: all, or a few."""
    return [one for one in SWITCHES if which == "all" or one["rule"] in FEW]


def answers(asked: list[dict[str, str]]) -> list[dict[str, int]]:
    """Have the program try what is asked, and read its answers."""
    lines = "".join(f"{json.dumps(one)}\n" for one in asked)
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, str(HERE / "without.py")],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
        env=bare,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.long  # that each switch names what is there is tried always
def test_a_rule_switched_off_turns_its_test_red(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the rule the test is green; without it, it fails, and not because it could not run."""
    assert {*FEW} <= {one["rule"] for one in SWITCHES}
    switches = tried_now(request.config.getoption("--switches", default="few"))
    every = len(switches) == len(
        SWITCHES
    )  # a few: that their tests are green is seen where these run themselves
    tests = sorted({one["test"] for one in switches}) if every else []
    found = answers([*({"test": test} for test in tests), *switches])
    green = dict(zip(tests, found, strict=False))
    off = list(zip(switches, found[len(tests) :], strict=True))
    silent = [one["rule"] for one, seen in off if seen["failed"] == 0 or seen["broken"]]
    with capsys.disabled():
        if every:
            print(
                f"\n{len(off)} rules switched off, {len(off) - len(silent)} tests red, {len(silent)} silent"
            )
    assert [
        test for test, seen in green.items() if seen["failed"] or seen["broken"] or not seen["passed"]
    ] == []
    assert silent == []
