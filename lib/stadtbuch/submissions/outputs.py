"""
What a foreign notebook shows, made anew: only known kinds with known fields, and texts that can be written down (pure).

Nothing here makes HTML or SVG safe for a page: `showcase` does that where it makes one.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Literal

KINDS = ("text/plain", "text/html", "text/markdown", "image/png", "image/svg+xml")
MAX_TEXT, MAX_PICTURE = 200_000, 2_000_000

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,16}\b")
_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,79}")
_PNG = b"\x89PNG\r\n\x1a\n"


def rebuilt(output: Any) -> dict[str, Any] | None:
    r"""
    Make an output anew from the fields that are known; None for what is not one.

    Examples
    --------
    >>> rebuilt({"output_type": "stream", "name": "stdout", "text": "a\x1b[31mb", "evil": 1})
    {'output_type': 'stream', 'name': 'stdout', 'text': 'ab'}
    >>> rebuilt({"output_type": "display_data", "data": {"application/javascript": "alert(1)"}})
    """
    if not isinstance(output, dict):
        return None
    kind = output.get("output_type")
    if kind == "stream" and output.get("name") in ("stdout", "stderr"):
        return {"output_type": "stream", "name": output["name"], "text": clean(_joined(output.get("text")))}
    if kind in ("display_data", "execute_result"):
        return _shown(output, kind)
    if kind == "error":
        return _error(output)
    return None


def _shown(
    output: Mapping[str, Any], kind: Literal["display_data", "execute_result"]
) -> dict[str, Any] | None:
    found = output.get("data")
    data = found if isinstance(found, dict) else {}
    kept = {mime: value for mime in KINDS if (value := _piece(mime, data.get(mime))) is not None}
    if not kept:
        return None
    made: dict[str, Any] = {"output_type": kind, "data": kept, "metadata": {}}
    return made | ({"execution_count": None} if kind == "execute_result" else {})


def _piece(mime: str, value: Any) -> str | None:
    """Take one form of an output, if it is what it says."""
    text = _joined(value)
    if not text:
        return None
    if mime == "image/png":
        return _png(text)
    if len(text) > (MAX_PICTURE if mime == "image/svg+xml" else MAX_TEXT) and mime != "text/plain":
        return None  # half of a picture or of a table's markup is none
    return clean(text, limit=MAX_PICTURE if mime == "image/svg+xml" else MAX_TEXT)


def _png(text: str) -> str | None:
    if len(text) > MAX_PICTURE:
        return None
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return base64.b64encode(data).decode() if data.startswith(_PNG) else None


def _error(output: Mapping[str, Any]) -> dict[str, Any]:
    lines = output.get("traceback")
    told = [clean(_joined(line), limit=2_000) for line in lines[:50]] if isinstance(lines, list) else []
    return {
        "output_type": "error",
        "ename": name(output.get("ename")),
        "evalue": clean(_joined(output.get("evalue")), limit=2_000),
        "traceback": told,
    }


def _joined(value: Any) -> str:
    """Join a text, which nbformat allows as one or as lines."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def clean(text: str, *, limit: int = MAX_TEXT) -> str:
    r"""
    Take out of a text what steers a terminal or is no Unicode, and the addresses in memory that differ each time.

    Examples
    --------
    >>> clean("<Axes at 0x7f3a12345678>\x00\x1b[0m")
    '<Axes at 0x…>'
    """
    cut = text[: limit + 1]
    plain = _CONTROL.sub("", _ANSI.sub("", cut)).encode("utf-8", "replace").decode()
    named = _ADDRESS.sub("at 0x…", plain)
    return named if len(cut) <= limit else f"{named[:limit]} …"


def name(kind: Any) -> str:
    """
    Take the name of an exception, if it is one.

    Examples
    --------
    >>> name("ValueError"), name("<b>")
    ('ValueError', 'Error')
    """
    return kind if isinstance(kind, str) and _NAME.fullmatch(kind) else "Error"
