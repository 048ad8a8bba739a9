"""
A fresh environment from an edition's lock file and its library, to compute the edition in.

Only wheels are installed, each with its hash, from the package index that this machine is set to. What a lock file
may hold is checked line by line before an installer reads it: an option or an address in it is refused.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from stadtbuch.reports import library, packages
from stadtbuch.runs import key
from stadtbuch.texts import Text
from stadtbuch.transparency.unpacking import Opened

PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+( ; [A-Za-z0-9_ .*<>=!'()~-]+)? \\")
HASHED = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+")
SECONDS = 1800


class Impossible(Exception):
    """The environment cannot be built; `why` says why."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.en)
        self.why = why


@dataclass
class Environments:
    """
    Builds environments in a folder, each once: editions with the same lock and library share one.

    Attributes
    ----------
    folder
        Of our own; whoever made it removes it.
    """

    folder: Path
    _built: dict[str, Path] = field(default_factory=dict)

    def python(self, opened: Opened) -> Path:
        """
        Give the interpreter of the environment that an edition asks for.

        Raises
        ------
        Impossible
            If its lock holds what no lock holds, its library is missing, or the index lacks something.
        """
        told = opened.index or {}
        lock, wheel = opened.folder / told["environment"]["file"], _wheel(opened, told)
        name = sha256(lock.read_bytes() + wheel.read_bytes()).hexdigest()
        if name not in self._built:
            self._built[name] = _build(self.folder / name[:16], lock, wheel)
        return self._built[name]


def _wheel(opened: Opened, told: dict[str, Any]) -> Path:
    """Give the edition's library: from its package, or the running one where that is the same."""
    path = opened.folder / told["library"]["wheel"]
    if path.is_file():
        return path
    if told["library"]["sha256"] != key.library()["sha256"]:
        raise Impossible(
            Text(
                de=f"Die Bibliothek {path.name} liegt nicht dabei. Nehmen Sie das Zip der Ausgabe.",
                en=f"The library {path.name} does not come along. Take the edition's zip.",
            )
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(library.wheel().data)
    return path


def locked(lock: Path) -> bool:
    r"""
    Tell whether a file names versions, and nothing but versions: with hashes, or as a bare list.

    Examples
    --------
    >>> from tempfile import NamedTemporaryFile
    >>> def told(text):
    ...     with NamedTemporaryFile(suffix=".lock") as file:
    ...         _ = Path(file.name).write_text(text)
    ...         return locked(Path(file.name))
    >>> told("pandas==3.1.0 \\\n    --hash=sha256:" + 64 * "0" + "\n"), told("--index-url https://x.example\n")
    (True, False)
    """
    lines = lock.read_text(encoding="utf-8", errors="replace").splitlines()
    if lock.name == Path(packages.INSTALLED).name:
        return all(NAMED.fullmatch(line) for line in lines)
    pairs = zip(lines, [*lines[1:], ""], strict=True)
    return all(
        HASHED.fullmatch(line) or (PINNED.fullmatch(line) and HASHED.fullmatch(after))
        for line, after in pairs
    )


def _build(folder: Path, lock: Path, wheel: Path) -> Path:
    """Make a virtual environment and install lock and library into it."""
    if not locked(lock):
        raise Impossible(
            Text(
                de="In der Liste der Bibliotheken steht etwas, das dort nicht hingehört; sie wird nicht installiert.",
                en="The list of libraries holds something that does not belong there; it is not installed.",
            )
        )
    python = folder / "bin" / "python"
    hashed = ["--require-hashes"] if lock.name == Path(packages.LOCK).name else ["--no-deps"]
    uv = _uv()
    if uv:
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        install = [uv, "pip", "install", "--quiet", "--python", str(python)]
    else:
        _run([sys.executable, "-m", "venv", str(folder)])
        install = [str(python), "-m", "pip", "install", "--quiet"]
    _run([*install, *hashed, "--only-binary", ":all:", "-r", str(lock)])
    _run([*install, "--no-deps", str(wheel)])
    return python


def _uv() -> str | None:
    """Give uv, which installs in seconds, where it is: beside our interpreter, or on the path."""
    own = Path(sys.executable).with_name("uv")
    return str(own) if own.is_file() else shutil.which("uv")


def _run(command: Sequence[str]) -> None:
    try:
        ended = subprocess.run(list(command), capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603 - our own words; paths are arguments
    except (OSError, subprocess.TimeoutExpired):
        raise Impossible(_failed(command, "")) from None
    if ended.returncode:
        raise Impossible(_failed(command, ended.stderr))


def _failed(command: Sequence[str], said: str) -> Text:
    """Say which step failed, with the first words of the installer that speak of an error."""
    name = "venv" if "venv" in command else "pip install"
    lines = [line.strip(" ×╰─▶│") for line in said.splitlines() if line.strip()]
    told = " ".join(lines)[:300]
    return Text(
        de=f"Die Umgebung lässt sich hier nicht bauen ({name}). {told}".strip(),
        en=f"The environment cannot be built here ({name}). {told}".strip(),
    )


def inside(python: Path, folder: Path, *, seconds: float) -> dict[str, Any]:
    """
    Let the edition's own library compute the edition again, in its environment.

    Raises
    ------
    Impossible
        If it does not answer with a verdict.
    """
    command = [str(python), "-I", "-m", "stadtbuch", "verify", str(folder), "--here", "--json"]
    try:
        ended = subprocess.run(  # noqa: S603 - our own words; the folder is an argument
            command, capture_output=True, text=True, timeout=seconds, cwd=folder.parent, check=False
        )
        told = json.loads(ended.stdout)
        (one,) = told if isinstance(told, list) else [told]
    except (OSError, ValueError, subprocess.TimeoutExpired):
        raise Impossible(SILENT) from None
    if "verdict" not in one:
        raise Impossible(SILENT)
    return dict(one)


SILENT = Text(
    de="Die Bibliothek der Ausgabe gab in ihrer Umgebung kein Urteil.",
    en="The edition's library gave no verdict in its environment.",
)
