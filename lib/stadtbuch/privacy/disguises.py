r"""
Disguises: the texts that a text holds in another writing, such as Base64, hexadecimal, ``%4D`` or ``\u004d``.

Undone are the writings that programs use for transport, three deep. It is no search for ciphers: whoever wants to
smuggle data out finds a way that no program knows (docs: explanation/gate).
"""

from __future__ import annotations

import ast
import base64
import binascii
import codecs
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from html import unescape
from typing import NamedTuple
from urllib.parse import unquote

from stadtbuch.privacy import contents

DEEPEST = 3
_BLOB = 200
"""From so many signs on a run of Base64 that holds nothing readable is a finding by itself; hashes are shorter."""

_ESCAPED = re.compile(r"(?:\\u\{?[0-9A-Fa-f]{2,8}\}?|\\U[0-9A-Fa-f]{8}|\\x[0-9A-Fa-f]{2}|\\[0-7]{3})")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{7,}={0,2}(?![A-Za-z0-9+/_=-])")
_WRAPPED = re.compile(r"(?:[A-Za-z0-9+/]{60,76}\r?\n)+[A-Za-z0-9+/]+={0,2}")
_BASE32 = re.compile(r"(?<![A-Z0-9=])[A-Z2-7]{8,}={0,6}(?![A-Za-z0-9=])")
_HEX = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}[ :,-]?){5,}(?![0-9A-Fa-f])")
_QUOTED = re.compile(r"=[0-9A-F]{2}")
_BETWEEN = re.compile(r"[/_-]")
_ORDINARY = re.compile(r"(?![a-eQ-W][i-nyz])[A-Za-z][a-z]*")
"""A word in small letters that no text of ASCII becomes in Base64, by its first two letters: not worth a try."""
_OLD = bytes(range(32, 127)) + "\n\r\täöüÄÖÜßéèáàâêçñ".encode("cp1252")
"""What German text of old Windows programs consists of."""
_LETTERS = re.compile(r"[^\W\d_]{3,}|\d{6,}")


class Layer(NamedTuple):
    """A text that was found in another one: in which writing, and what it says; None if it cannot be read."""

    writing: str
    text: str | None


def undone(text: str) -> tuple[Layer, ...]:
    r"""
    Give what a text says in other writings.

    Parameters
    ----------
    text
        As it stands in the notebook.

    Returns
    -------
    tuple of Layer
        Nothing for ordinary text. Several finds of one writing come as one text, a line each.

    Examples
    --------
    >>> undone("see RXJpa2EgTXVzdGVybWFubg==")
    (Layer(writing='Base64', text='Erika Mustermann'),)
    >>> undone(r"M\u00fcller")
    (Layer(writing='escapes', text='Müller'),)
    >>> undone("An ordinary sentence, 12 % of which is quoted.")
    ()
    """
    return _undone(text)


@lru_cache(maxsize=512)  # the cells of a report share most of their texts
def _undone(text: str, depth: int = 0) -> tuple[Layer, ...]:
    found: list[Layer] = []
    for writing, decode in _WRITINGS:
        for inner in decode(text):
            found.append(Layer(writing, inner))
            if inner is not None and depth + 1 < DEEPEST:
                found += [Layer(f"{writing}, {one.writing}", one.text) for one in _undone(inner, depth + 1)]
    return tuple(dict.fromkeys(found))


def _escapes(text: str) -> Iterator[str]:
    r"""Undo ``\u00fc``, ``\x4d``, ``\115`` as Python, JSON and JavaScript write them; UTF-8 by bytes as well."""
    if "\\" in text and _ESCAPED.search(text):
        plain = _ESCAPED.sub(_unescaped, text)
        yield plain
        if "\\x" in text or "\\3" in text:
            with_bytes = _as_utf8(plain)
            if with_bytes:
                yield with_bytes


def _unescaped(match: re.Match[str]) -> str:
    digits = match[0].lstrip("\\uUx{").rstrip("}")
    value = int(digits, 8 if match[0][1:].isdigit() else 16)
    return chr(value) if value < 0x110000 and not 0xD800 <= value < 0xE000 else " "


def _as_utf8(text: str) -> str | None:
    """Read letters that are single bytes of UTF-8 as what they mean."""
    try:
        return "".join(one if ord(one) < 256 else "?" for one in text).encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return None


def _entities(text: str) -> Iterator[str]:
    if "&" in text and (plain := unescape(text)) != text:
        yield plain


def _percent(text: str) -> Iterator[str]:
    if "%" in text and (plain := unquote(text)) != text:
        yield plain


def _quoted(text: str) -> Iterator[str]:
    """Undo the quoted-printable writing of mails."""
    if "=" in text and len(_QUOTED.findall(text)) >= 2:
        plain = codecs.decode(text.encode("utf-8", "replace"), "quopri_codec")
        yield _lenient(plain)


def _lenient(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _base64(text: str) -> Iterator[str | None]:
    wrapped = ["".join(one.split()) for one in _WRAPPED.findall(text)]
    runs = {part for one in set(_BASE64.findall(text)) for part in _parts(one)}
    yield from _decoded([*wrapped, *sorted(runs)], _from_base64, blob=_BLOB)


def _parts(run: str) -> Iterator[str]:
    """Give a run that may be Base64, and what stands in it between signs that are also used in paths."""
    if not _ORDINARY.fullmatch(run):
        yield run
    if _BETWEEN.search(run):
        yield from (part for part in _BETWEEN.split(run) if len(part) >= 7 and not _ORDINARY.fullmatch(part))


def _base32(text: str) -> Iterator[str | None]:
    yield from _decoded(sorted(set(_BASE32.findall(text))), _from_base32, blob=None)


def _hexadecimal(text: str) -> Iterator[str | None]:
    yield from _decoded(sorted(set(_HEX.findall(text))), _from_hex, blob=None)


def _decoded(
    runs: list[str], decode: Callable[[str], bytes | None], *, blob: int | None
) -> Iterator[str | None]:
    """Decode runs; keep what is text, or a file that holds text, and name a large one that is neither."""
    said: list[str] = []
    opaque = False
    for run in runs:
        data = decode(run)
        texts = [] if data is None else list(_texts(data))
        said += [one for one in texts if one is not None]
        if blob is not None and len(run) >= blob and _mixed(run) and (data is None or None in texts):
            opaque = True
    if said:
        yield "\n".join(said)
    if opaque:
        yield None


def _texts(data: bytes) -> Iterator[str | None]:
    """Give what decoded bytes say, if they say anything: most runs of letters are words, and decode to noise."""
    if contents.packed(data):
        yield from (part.text for part in contents.parts(data))
        return
    text = _text(data)
    yield text if text is not None and _LETTERS.search(text) else None


def _text(data: bytes) -> str | None:
    """Take bytes for text where they surely are: Unicode, or old German text without any odd sign."""
    try:
        return contents.unicode_of(data)
    except ValueError:
        odd = data.translate(None, _OLD)
        return None if odd or len(data) < 8 else data.decode("cp1252")


def _mixed(run: str) -> bool:
    """Tell data from words and paths: letters of both cases and digits, all through."""
    return all(any(test(one) for one in run[:_BLOB]) for test in (str.isupper, str.islower, str.isdigit))


def _from_base64(run: str) -> bytes | None:
    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _from_base32(run: str) -> bytes | None:
    body = run.rstrip("=")
    try:
        return base64.b32decode(body + "=" * (-len(body) % 8))
    except (binascii.Error, ValueError):
        return None


def _from_hex(run: str) -> bytes | None:
    try:
        return bytes.fromhex(re.sub(r"[ :,-]", "", run))
    except ValueError:
        return None


_WRITINGS: tuple[tuple[str, Callable[[str], Iterator[str | None]]], ...] = (
    ("escapes", _escapes),
    ("entities", _entities),
    ("percent", _percent),
    ("quoted-printable", _quoted),
    ("Base64", _base64),
    ("Base32", _base32),
    ("hexadecimal", _hexadecimal),
)


@lru_cache(maxsize=512)  # as for `_undone`
def literals(source: str) -> str:
    r"""
    Give the texts that code puts together out of written pieces: ``"Muster" + "mann"``, bytes, escapes.

    Parameters
    ----------
    source
        Code of a cell; magics and broken code give nothing.

    Examples
    --------
    >>> literals("name = 'Muster' + 'mann'; other = b'Er' b'ika'")
    'Mustermann\nErika'
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    inner = {
        id(side) for one in ast.walk(tree) if isinstance(one, ast.BinOp) for side in (one.left, one.right)
    }
    found = [said for one in ast.walk(tree) if id(one) not in inner and (said := _said(one)) is not None]
    return "\n".join(dict.fromkeys(found))


def _said(node: ast.AST) -> str | None:
    """Give the text of an expression that is written out: a literal, a sum or a join of such."""
    if isinstance(node, ast.Constant):
        return _written(node.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _said(node.left), _said(node.right)
        return None if left is None or right is None else left + right
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join":
        return _joined(node)
    return None


def _joined(node: ast.Call) -> str | None:
    between = _said(node.func.value) if isinstance(node.func, ast.Attribute) else None
    listed = node.args[0] if len(node.args) == 1 else None
    if between is None or not isinstance(listed, (ast.List, ast.Tuple)):
        return None
    parts = [_said(one) for one in listed.elts]
    return None if None in parts else between.join(one for one in parts if one is not None)


def _written(value: object) -> str | None:
    if isinstance(value, str):
        return value
    return _lenient(value) if isinstance(value, bytes) else None
