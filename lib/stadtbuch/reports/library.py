"""
The library as a wheel, made from the files that are running: what a stranger needs to compute an edition again.

A lock file pins packages of a registry; the library itself may be a checkout that is on none. The same files give the
same bytes, however the library was installed.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import stadtbuch
from stadtbuch import atomic

NAME = "stadtbuch"
MOMENT = (1980, 1, 1, 0, 0, 0)
"""The first moment a zip can name: archives say nothing about when they were made."""
UNVERSIONED = "0"
WHEEL = "Wheel-Version: 1.0\nGenerator: stadtbuch\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel: the name that installers expect, its content and its SHA-256."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Give its checksum."""
        return atomic.digest(self.data)


@cache
def wheel() -> Wheel:
    """
    Give the wheel of the running library; made once per process.

    Examples
    --------
    >>> wheel().name.startswith("stadtbuch-"), wheel().data == wheel.__wrapped__().data
    (True, True)
    """
    home = Path(stadtbuch.__file__).parent
    about = f"{NAME}-{version()}.dist-info"
    content = {f"{NAME}/{path.relative_to(home).as_posix()}": path.read_bytes() for path in _files(home)}
    content |= {f"{about}/{name}": data for name, data in _about().items()}
    listed = [_recorded(path, data) for path, data in sorted(content.items())]
    content[f"{about}/RECORD"] = "\n".join([*listed, f"{about}/RECORD,,", ""]).encode()
    return Wheel(f"{NAME}-{version()}-py3-none-any.whl", packed(content))


def version() -> str:
    """Give the version of the installed library; a bare checkout has none."""
    installed = _installed()
    return installed.version if installed else UNVERSIONED


def packed(files: dict[str, bytes], *, level: int = 6) -> bytes:
    """
    Pack files into a zip: sorted, without a moment, the same files give the same bytes.

    Parameters
    ----------
    files
        Path -> content.
    level
        How hard to press; what is pressed already (``.whl``, ``.parquet``, ``.zip``) is stored as it is.

    Examples
    --------
    >>> packed({"b": b"1", "a": b"2"}) == packed({"a": b"2", "b": b"1"})
    True
    """
    sink = BytesIO()
    with ZipFile(sink, "w") as archive:
        for path, data in sorted(files.items()):
            entry = ZipInfo(path, date_time=MOMENT)
            entry.external_attr = 0o644 << 16
            if not path.endswith((".whl", ".parquet", ".zip")):
                entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, data, compresslevel=level)
    return sink.getvalue()


def _files(home: Path) -> list[Path]:
    found = (path for path in home.rglob("*") if path.is_file())
    return sorted(path for path in found if "__pycache__" not in path.parts)


def _about() -> dict[str, bytes]:
    """Give what installers read: name, version, requirements, commands, licence; taken from the installation."""
    bare = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {UNVERSIONED}\n"
    told = {"METADATA": bare, "entry_points.txt": f"[console_scripts]\n{NAME} = {NAME}.cli.main:main\n"}
    installed = _installed()
    for name in (*told, "licenses/LICENSE"):
        text = installed.read_text(name) if installed else None
        if text:
            told[name] = text
    return {name: text.encode() for name, text in told.items()} | {"WHEEL": WHEEL.encode()}


def _installed() -> Distribution | None:
    try:
        return distribution(NAME)
    except PackageNotFoundError:
        return None


def _recorded(path: str, data: bytes) -> str:
    """Write a line of the wheel's own list of files (PEP 427)."""
    told = base64.urlsafe_b64encode(sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={told},{len(data)}"
