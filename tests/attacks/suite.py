"""What is asserted of every attack, for both identities: `test_as_root` and `test_as_user` run the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attacks.hostile import ATTACKS, Attack, Seen
from stadtbuch.runs import box

TESTS = Path(__file__).parents[1]
LIBRARY = Path(box.__file__).parents[2]
NOBODY = 65534
FOOT = "\nsay('reached the end')"


class Driver:
    """The process that opens the boxes, and the world around them."""

    def __init__(self, identity: str) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="walls-"))
        self.root.chmod(0o755)
        line = [sys.executable, "-m", "attacks.driver", str(self.root)]
        if identity == "user" and os.geteuid() == 0:
            os.chown(self.root, NOBODY, NOBODY)
            line = _as_nobody(line)
        environment = {
            **os.environ,
            "PYTHONPATH": f"{LIBRARY}{os.pathsep}{TESTS}",
            "HOME": str(self.root / "home"),
        }
        self.process = subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd="/"
        )
        self.hello = self._answer()

    def ask(self, **asked: Any) -> dict[str, Any]:
        """Have something done in a box."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the driver died"
        return json.loads(line)

    def close(self) -> None:
        """End it and remove the world."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()
        shutil.rmtree(self.root)


def _as_nobody(line: list[str]) -> list[str]:
    """Start something as an ordinary user, who must be able to read this Python wherever it is installed."""
    needed = [Path(one) for one in (sys.base_prefix, sys.prefix, LIBRARY / "stadtbuch", TESTS)]
    closed = dict.fromkeys(
        folder for path in needed for folder in path.parents if not folder.stat().st_mode & 0o005
    )
    view = ["--dev-bind", "/", "/"]
    for folder in sorted(closed):
        view += ["--perms", "0755", "--tmpfs", str(folder)]
    for path in needed:
        below = [
            folder for folder in reversed(path.parents) if any(folder.is_relative_to(one) for one in closed)
        ]
        view += [part for folder in below for part in ("--perms", "0755", "--dir", str(folder))]
        view += ["--ro-bind", str(path), str(path)] if below else []
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
    return ["bwrap", *view, "--", *user, *line]


def drive(identity: str) -> Iterator[Driver]:
    """Give a driver, or skip and say why; at the end nothing of it is left."""
    if identity == "root" and os.geteuid() != 0:
        pytest.skip("the tests do not run as root, so what holds for root is not tried")
    found = box.possible()
    if not found.yes:
        pytest.skip(f"no sandbox can be opened here: {found.why_not.en if found.why_not else ''}")
    driver = Driver(identity)
    try:
        yield driver
    finally:
        driver.close()
        assert not driver.root.exists()


class Evidence:
    """Runs attacks, those of a batch in one box, and keeps what came of them."""

    def __init__(self, driver: Driver, *, alone: bool, do: str = "notebook") -> None:
        self.driver, self.alone, self.do = driver, alone, do
        self.seen: dict[str, Seen] = {}

    def of(self, attack: Attack) -> Seen:
        """Give what came of an attack."""
        if attack.name not in self.seen:
            if self.alone or attack.batch == "alone":
                self._run([attack])
            elif attack.batch == "light":
                self._run_without_kernel(attack)
            else:
                self._run([one for one in ATTACKS.values() if one.batch == attack.batch])
        return self.seen[attack.name]

    def _run_without_kernel(self, attack: Attack) -> None:
        """Try in a box of its own what needs no kernel: a start costs 50 ms instead of 2 s."""
        limits = {"seconds": attack.seconds} | attack.limits
        run = self.driver.ask(do="plain", code=attack.code + FOOT, limits=limits)
        self.seen[attack.name] = Seen(run["reply"], run)

    def _run(self, attacks: list[Attack]) -> None:
        for one in attacks:
            if one.after:
                self.of(ATTACKS[one.after])
        first = attacks[0]
        run = self.driver.ask(
            do=self.do,
            cells=[one.code + FOOT for one in attacks],
            limits=first.limits,
            seconds=first.seconds,
            output_bytes=first.output_bytes,
        )
        for number, one in enumerate(attacks, start=2):
            outputs = run["outputs"].get(f"cell-{number}", [])
            self.seen[one.name] = Seen("".join(map(_text, outputs)), run, outputs)


def _text(output: dict[str, Any]) -> str:
    said = [
        output.get("text", ""),
        output.get("ename", ""),
        output.get("evalue", ""),
        *output.get("data", {}).values(),
    ]
    return "\n".join(map(str, said)) + "\n"


def held(attack: Attack, seen: Seen) -> None:
    """Assert that an attack did no harm, and that it was really tried."""
    run = seen.run
    assert run["harm"] == {}, f"{attack.name}: {run['harm']}"
    assert "YES" not in seen.text, seen.text
    fault = run.get("fault")
    if attack.fault is None:
        assert fault is None, fault
        assert "reached the end" in seen.text, seen.text
    elif "fault" not in run:
        assert "*" in attack.fault or "reached the end" not in seen.text
    elif "*" not in attack.fault:
        assert fault is not None
        assert fault["kind"] in attack.fault, fault
    limits = {"memory_bytes": 2 << 30, "seconds": 120.0, **attack.limits}
    assert run["seconds"] < limits["seconds"] + 30
    if run["memory"] is not None:
        assert run["memory"] <= limits["memory_bytes"]
    attack.judge(seen)
