"""
A mail becomes what was sent: one notebook, and what the sender says about it (pure).

Mails are hostile until shown otherwise: size, lines that could open a part, and headers are limited before the parser
sees them; what is inside a forwarded mail is not looked at; nothing but the one notebook and a few lines of text
comes out. Lines of the text that count, in German or English, one each::

    Nennung: Radgruppe Nord          Credit: Cycling Group North
    Lizenz: CC BY 4.0                Licence: CC BY 4.0
    Einwilligung: ja                 Consent: yes
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.utils import parseaddr
from typing import Literal

import nh3

from stadtbuch.errors import Refused
from stadtbuch.texts import Text

MAX_BYTES = 12_000_000
MAX_PARTS = 40
MAX_BOUNDARIES = 2_000
MAX_HEADERS = 100_000
MAX_WORDS = 100_000

_TYPE_LINE = re.compile(rb"^content-type[ \t]*:", re.IGNORECASE | re.MULTILINE)
_BOUNDARY_LINE = re.compile(rb"^--", re.MULTILINE)
_HEADER_LINE = re.compile(rb"[A-Za-z][A-Za-z0-9-]{0,60}[ \t]*:")
_BREAK = re.compile(r"<\s*(?:br|/p|/div|/li|/tr)\b[^<>]{0,200}>", re.IGNORECASE)
_SAID = re.compile(
    r"^[\s>*]{0,10}(nennung|credit|lizenz|licen[cs]e|einwilligung|consent)\s{0,5}:\s{0,20}(.*)$",
    re.IGNORECASE,
)
_PACKED = (".zip", ".gz", ".7z", ".rar", ".tar", ".tgz", ".xz", ".bz2")
_ENCODINGS = ("", "7bit", "8bit", "binary", "quoted-printable", "base64")
_YES = frozenset({"ja", "yes", "j", "y"})

LICENCE_NAMES = {
    "cc by 4.0": "cc-by-4.0", "cc-by-4.0": "cc-by-4.0", "cc by-sa 4.0": "cc-by-sa-4.0", "cc-by-sa-4.0": "cc-by-sa-4.0",
    "cc0": "cc0-1.0", "cc0 1.0": "cc0-1.0", "cc0-1.0": "cc0-1.0", "mit": "mit",
    "dl-de/by-2-0": "dl-de/by-2-0", "dl-de/zero-2-0": "dl-de/zero-2-0",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sent:
    """What somebody sent: the notebook's bytes, untouched, and what they say about it."""

    notebook: bytes
    channel: Literal["file", "mail"] = "file"
    credit: str = ""
    licence: str = ""
    consent: bool = False
    address: str = ""


def read(data: bytes) -> Sent:
    r"""
    Take the one notebook out of a mail.

    Parameters
    ----------
    data
        The mail as stored (RFC 5322, ``.eml``).

    Raises
    ------
    Refused
        ``submission.mail-too-large``, ``submission.mail-not-a-mail``, ``submission.mail-too-many-parts``,
        ``submission.mail-broken``, ``submission.mail-encrypted``, ``submission.mail-packed``,
        ``submission.mail-forwarded``, ``submission.mail-no-notebook``, ``submission.mail-two-notebooks``.

    Examples
    --------
    >>> mail = (b'From: a@b.example\nMIME-Version: 1.0\nContent-Type: application/x-ipynb+json; name="x.ipynb"\n'
    ...         b'Content-Transfer-Encoding: base64\n\ne30=\n')
    >>> read(mail).notebook
    b'{}'
    """
    _require_mail(data)
    parts = list(_parts(_parsed(data)))
    said = _said(_words(parts))
    return Sent(
        notebook=_notebook(parts),
        channel="mail",
        address=_address(parts[0]),
        credit=credit(said.get("credit", "")),
        licence=licence(said.get("licence", "")),
        consent=said.get("consent", "").lower().rstrip(".!") in _YES,
    )


def _require_mail(data: bytes) -> None:
    """Look at the bytes before any parser does."""
    if len(data) > MAX_BYTES:
        raise _too_large()
    head = data.lstrip(b"\r\n\t ").partition(b"\n")[0]
    if not _HEADER_LINE.match(head) and not head.startswith(b"From "):
        raise _not_a_mail()
    if len(_TYPE_LINE.findall(data)) > MAX_PARTS or len(_BOUNDARY_LINE.findall(data)) > MAX_BOUNDARIES:
        raise _too_many_parts()
    if len(re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0]) > MAX_HEADERS:
        raise _broken()


def _parsed(data: bytes) -> Message:
    try:
        # compat32 keeps headers as they came; the newer policies parse every header, and hostile ones stop them
        return BytesParser(policy=policy.compat32).parsebytes(data.lstrip(b"\r\n\t "))
    except (MessageError, ValueError, RecursionError, LookupError, AttributeError, TypeError):
        raise _broken() from None


def _parts(message: Message) -> Iterator[Message]:
    """Give the message and all its parts, not those of a mail inside."""
    waiting, seen = [message], 0
    while waiting:
        part = waiting.pop(0)
        seen += 1
        if seen > MAX_PARTS:
            raise _too_many_parts()
        if sum(len(name) + len(str(value)) for name, value in part.items()) > MAX_HEADERS:
            raise _broken()
        yield part
        if part.is_multipart() and _kind(part).startswith("multipart/"):
            waiting += [one for one in part.get_payload() if isinstance(one, Message)]


def _kind(part: Message) -> str:
    return str(part.get_content_type()).lower()


def _name(part: Message) -> str:
    """Give a part's file name, small and without its folder; nothing where it cannot be read."""
    try:
        name = part.get_filename() or ""
    except (ValueError, LookupError, TypeError, AttributeError, IndexError):
        return ""
    return _plain(_decoded(str(name)))[-200:].lower()


def _decoded(header: str) -> str:
    """Decode what RFC 2047 hides in a header."""
    try:
        pieces = decode_header(header[:2_000])
        return "".join(
            piece if isinstance(piece, str) else piece.decode(charset or "utf-8", errors="replace")
            for piece, charset in pieces
        )
    except (HeaderParseError, ValueError, LookupError, TypeError):
        return header[:2_000]


def _plain(words: str) -> str:
    """Give one line of visible signs: nothing that moves a cursor, turns the direction or hides."""
    return " ".join("".join(one if unicodedata.category(one)[0] != "C" else " " for one in words).split())


def _notebook(parts: list[Message]) -> bytes:
    """Find the one notebook, or say what is there instead."""
    leaves = [part for part in parts if not _kind(part).startswith("multipart/")]
    found = [part for part in leaves if _is_notebook(part)]
    if len(found) == 1:
        return _content(found[0])
    if found:
        raise _two_notebooks()
    kinds, names = {_kind(part) for part in parts}, [_name(part) for part in leaves]
    if kinds & {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}:
        raise _encrypted()
    if any(kind.startswith("message/") for kind in kinds):
        raise _forwarded()
    if any(name.endswith(_PACKED) for name in names):
        raise _packed()
    raise _no_notebook()


def _is_notebook(part: Message) -> bool:
    return _name(part).endswith(".ipynb") or _kind(part) == "application/x-ipynb+json"


def _content(part: Message) -> bytes:
    """Decode a part strictly: what is broken on the way is not guessed."""
    encoding = str(part.get("Content-Transfer-Encoding", "7bit")).strip().lower()
    if part.is_multipart() or encoding not in _ENCODINGS:
        raise _broken()
    try:
        written = str(part.get_payload())
        if encoding == "base64":  # the parser's own decoder lets pieces that are none pass
            return base64.b64decode(re.sub(r"\s", "", written), validate=True)
        data = part.get_payload(decode=True)
    except (
        binascii.Error,
        ValueError,
        TypeError,
        LookupError,
    ):  # a charset that is none stops the parser itself
        raise _broken() from None
    return data if isinstance(data, bytes) else b""


def _address(message: Message) -> str:
    """Give the address for the answer, nothing else of the sender: names are said in the text or not at all."""
    for name in ("Reply-To", "From"):
        address = _plain(parseaddr(str(message.get(name, ""))[:1_000])[1])
        if re.fullmatch(r"[^\s@<>]{1,64}@[^\s@<>]{1,190}", address):
            return address
    return ""


def _words(parts: list[Message]) -> list[str]:
    """Give the lines of the mail's text: the plain one, else what its HTML says."""
    texts = [part for part in parts if _kind(part) in ("text/plain", "text/html") and not _is_notebook(part)]
    for part in sorted(texts, key=lambda one: _kind(one) != "text/plain"):
        try:
            words = _content(part)[:MAX_WORDS].decode(_charset(part), errors="replace")
        except Refused:
            continue
        if _kind(part) == "text/html":
            words = html.unescape(nh3.clean(_BREAK.sub("\n", words), tags=set()))
        return words.splitlines()
    return []


def _charset(part: Message) -> str:
    """Give a text encoding that exists."""
    try:
        charset = str(part.get_content_charset() or "utf-8")
        return charset if isinstance(b"x".decode(charset, errors="replace"), str) else "utf-8"
    except (LookupError, ValueError, TypeError):
        return "utf-8"


def _said(lines: list[str]) -> dict[str, str]:
    """Read credit, licence and consent; the first line of each counts, quoted replies below do not."""
    found: dict[str, str] = {}
    for line in lines[:500]:
        match = _SAID.match(_plain(line[:500]))
        if match:
            word = match[1].lower()
            key = (
                "credit"
                if word in ("nennung", "credit")
                else "licence"
                if word.startswith("li")
                else "consent"
            )
            found.setdefault(key, _plain(match[2]))
    return found


def credit(given: str) -> str:
    r"""
    Clean the name under which somebody wants to be named: one line, at most 80 signs, no markup needed.

    Examples
    --------
    >>> credit("  Radgruppe\tNord ")
    'Radgruppe Nord'
    """
    return _plain(given)[:80].strip()


def licence(given: str) -> str:
    """
    Find the licence id that is meant; nothing where it is none of those that may be chosen.

    Examples
    --------
    >>> licence("CC BY 4.0"), licence("alle Rechte vorbehalten")
    ('cc-by-4.0', '')
    """
    return LICENCE_NAMES.get(_plain(given).lower().rstrip("."), "")


# ---- refusals ---------------------------------------------------------------------------------------

_ATTACH = Text(
    de="Hängen Sie das eine Notebook (.ipynb) unverpackt an eine neue Mail.",
    en="Attach the one notebook (.ipynb), not packed, to a new mail.",
)


def _too_large() -> Refused:
    return Refused(
        "submission.mail-too-large",
        Text(
            de=f"Die Mail ist größer als {MAX_BYTES // 1_000_000} MB.",
            en=f"The mail is larger than {MAX_BYTES // 1_000_000} MB.",
        ),
        remedy=Text(
            de="Senden Sie nur das Notebook, ohne gespeicherte Ausgaben und ohne weitere Anhänge.",
            en="Send the notebook alone, without stored outputs and without other attachments.",
        ),
    )


def _not_a_mail() -> Refused:
    return Refused(
        "submission.mail-not-a-mail",
        Text(de="Die Datei ist keine gespeicherte Mail.", en="The file is not a stored mail."),
        why=Text(de="Sie beginnt nicht mit Kopfzeilen.", en="It does not begin with headers."),
        remedy=Text(
            de="Speichern Sie die Mail im Mailprogramm als .eml oder reichen Sie das Notebook allein ein.",
            en="Save the mail as .eml in your mail program, or submit the notebook alone.",
        ),
    )


def _too_many_parts() -> Refused:
    return Refused(
        "submission.mail-too-many-parts",
        Text(
            de=f"Die Mail hat mehr als {MAX_PARTS} Teile.",
            en=f"The mail has more than {MAX_PARTS} parts.",
        ),
        why=Text(
            de="So zerlegte Mails werden nicht geöffnet.", en="Mails that are split like this are not opened."
        ),
        remedy=_ATTACH,
    )


def _broken() -> Refused:
    return Refused(
        "submission.mail-broken",
        Text(
            de="Die Mail oder ihr Anhang ist beschädigt und lässt sich nicht entschlüsseln.",
            en="The mail or its attachment is damaged and cannot be decoded.",
        ),
        remedy=Text(
            de="Senden Sie sie noch einmal; hilft das nicht, aus einem anderen Mailprogramm.",
            en="Send it again; if that does not help, from another mail program.",
        ),
    )


def _encrypted() -> Refused:
    return Refused(
        "submission.mail-encrypted",
        Text(de="Die Mail ist verschlüsselt.", en="The mail is encrypted."),
        remedy=Text(
            de="Senden Sie sie unverschlüsselt; ein Notebook über offene Daten braucht keine Verschlüsselung.",
            en="Send it without encryption; a notebook on open data needs none.",
        ),
    )


def _packed() -> Refused:
    return Refused(
        "submission.mail-packed",
        Text(
            de="Der Anhang ist ein Archiv (zip oder ähnlich).",
            en="The attachment is an archive (zip or the like).",
        ),
        why=Text(de="Archive werden hier nicht entpackt.", en="Archives are not unpacked here."),
        remedy=_ATTACH,
    )


def _forwarded() -> Refused:
    return Refused(
        "submission.mail-forwarded",
        Text(
            de="Das Notebook steckt in einer weitergeleiteten Mail.",
            en="The notebook is inside a forwarded mail.",
        ),
        why=Text(
            de="Die Einwilligung muss von der Person kommen, die das Notebook geschrieben hat.",
            en="The consent has to come from the person who wrote the notebook.",
        ),
        remedy=_ATTACH,
    )


def _no_notebook() -> Refused:
    return Refused(
        "submission.mail-no-notebook",
        Text(de="An der Mail hängt kein Notebook.", en="There is no notebook attached to the mail."),
        why=Text(
            de="Gesucht wurde ein Anhang, dessen Name auf .ipynb endet.",
            en="Looked for was an attachment whose name ends in .ipynb.",
        ),
        remedy=_ATTACH,
    )


def _two_notebooks() -> Refused:
    return Refused(
        "submission.mail-two-notebooks",
        Text(
            de="An der Mail hängt mehr als ein Notebook.",
            en="There is more than one notebook attached to the mail.",
        ),
        why=Text(
            de="Jedes Notebook bekommt eine eigene Nummer, Prüfung und Entscheidung.",
            en="Each notebook gets its own number, check and decision.",
        ),
        remedy=Text(de="Senden Sie jedes in einer eigenen Mail.", en="Send each in a mail of its own."),
    )
