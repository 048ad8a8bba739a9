"""What all tests share: where the repository and the real data are, German messages, an honest end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

# Whether a rule holds does not depend on how busy the machine is.
settings.register_profile("stadtbuch", deadline=None)
settings.load_profile("stadtbuch")

ROOT = Path(__file__).resolve().parents[1]
collect_ignore = ["crates/validate.py"]  # a program for an environment of its own

# A shell that starts something in the background lets it ignore Ctrl-C, and all that it starts; tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Messages are tested in German unless a test says otherwise, whatever the machine speaks.
for name in ("STADTBUCH_RUN", "STADTBUCH_LANGUAGE", "JPY_SESSION_NAME", "LC_ALL"):
    os.environ.pop(name, None)
os.environ["LANG"] = "C.UTF-8"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a campaign try the long tests, too."""
    parser.addoption(
        "--long", action="store_true", default=False, help="also what takes long and has a stand-in"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave long tests to their campaign, and count them: `make test` has twelve minutes."""
    if config.getoption("--long"):
        return
    left = [item for item in items if item.get_closest_marker("long")]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


@pytest.fixture(scope="session")
def root() -> Path:
    """Give the repository's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Give the folder ``shared`` beside the checkout (real open data, known answers), or skip visibly."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the folder ../shared with real open data and known answers is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def project_files() -> list[Path]:
    """Give the files of the project: tracked ones and those that would be added."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode:
        pytest.skip("this copy is no git checkout, so its files cannot be told from what lies around")
    return [path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """End with a plain list of what was skipped and why."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    terminalreporter.write_line("")
    if not reasons:
        terminalreporter.write_line("Skipped: nothing.")
        return
    terminalreporter.write_line("Skipped:")
    for reason, number in sorted(reasons.items()):
        terminalreporter.write_line(f"  {number} x {reason}")


def _reason(report: pytest.TestReport) -> str:
    """Give the words of a skip without its place."""
    words = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return re.sub(r"^Skipped: ", "", words)
