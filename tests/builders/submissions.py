"""
What citizens send: a notebook as bytes, a mail around it, and what the sandbox gives back. Valid by default.

>>> from stadtbuch.submissions import notebooks
>>> [cell.kind for cell in notebooks.read(a_submission()).cells]
['markdown', 'code']
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from hashlib import sha256
from itertools import count
from typing import Any

from stadtbuch.model.submission import Rerun, Verdict
from stadtbuch.session import City
from stadtbuch.submissions import inbox, mail, notebooks, review
from stadtbuch.submissions.inbox import Held, Receipt
from stadtbuch.texts import Text

HEADING = "# Wie groß sind die Bezirke?\n\nWir haben nachgesehen."
CODE = 'import stadtbuch as sb\n\ncity = sb.city()\nboroughs = city.load("geography.boroughs")\nboroughs'
REASON = Text(de="Gut erklärt und leicht nachzurechnen.", en="Well explained and easy to re-run.")
ROLES = {"*": ["editor", "analyst"]}
BODY = "Guten Tag,\n\nNennung: Radgruppe Nord\nLizenz: CC BY 4.0\nEinwilligung: ja\n\nViele Grüße"
ADDRESS = "erika@muster.example"
CANARY = "KANARI-4410-Bachstelze"
"""Stands in what a citizen wrote; may stand on their page, never in the book, the log or a receipt."""


def code(source: str, *, outputs: Sequence[Mapping[str, Any]] = (), **more: Any) -> dict[str, Any]:
    """Give a code cell."""
    return {
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "source": source,
        "outputs": list(outputs),
    } | more


def text(source: str, **more: Any) -> dict[str, Any]:
    """Give a Markdown cell."""
    return {"cell_type": "markdown", "metadata": {}, "source": source} | more


def shown(**data: str) -> dict[str, Any]:
    """Give an output that displays something: ``shown(html="<b>x</b>", plain="x")``."""
    kinds = {
        "html": "text/html",
        "plain": "text/plain",
        "md": "text/markdown",
        "svg": "image/svg+xml",
        "png": "image/png",
    }
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {kinds[name]: value for name, value in data.items()},
    }


def a_submission(*cells: Mapping[str, Any], **changes: Any) -> bytes:
    """
    Give the bytes of a notebook.

    Parameters
    ----------
    cells
        Without them, a heading and a cell that loads the open boroughs.
    changes
        Replace keys of the notebook.
    """
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"language_info": {"name": "python"}},
        "cells": list(cells) or [text(HEADING), code(CODE)],
    }
    return json.dumps(content | changes, ensure_ascii=False).encode()


def a_mail(
    *attachments: tuple[str, bytes],
    body: str = BODY,
    sender: str = f"Erika Muster <{ADDRESS}>",
    html: bool = False,
) -> bytes:
    """Give a mail with attachments (name, content); without any, one good notebook."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        sender,
        "stadt@kleinstadt.example",
        "Einsendung: Bezirke",
    )
    message.set_content(body, subtype="html" if html else "plain")
    for name, content in attachments or (("bezirke.ipynb", a_submission()),):
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def a_random() -> Any:
    """Give a source of bytes that are all different and always the same."""
    numbers = count()
    return lambda size: bytes(next(numbers) * 37 % 248 for _ in range(size))


def received(city: City, data: bytes | None = None, **changes: Any) -> Receipt:
    """Receive a good submission."""
    told: dict[str, Any] = {
        "credit": "Radgruppe Nord",
        "licence": "cc-by-4.0",
        "consent": True,
        "address": ADDRESS,
    }
    sent = mail.Sent(notebook=data or a_submission(), channel="mail", **told | changes)
    return inbox.receive(city, sent, random=changes.pop("random", None) or _RANDOM)


_RANDOM = a_random()


def executed(data: bytes, outputs: Mapping[int, Sequence[Mapping[str, Any]]] | None = None) -> bytes:
    """Give what the sandbox would: the rebuilt notebook with outputs by the number of the cell."""
    rebuilt = notebooks.read(data).rebuilt()
    for cell in rebuilt["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = list((outputs or {}).get(int(cell["id"].removeprefix("cell-")), ()))
    return json.dumps(rebuilt, ensure_ascii=False).encode()


def reran(
    city: City,
    number: str,
    outputs: Mapping[int, Sequence[Mapping[str, Any]]] | None = None,
    *,
    verdict: Verdict = Verdict.reproduced,
) -> Held:
    """Record a re-run as the sandbox would, without one."""
    data = inbox.original(inbox.get(city.state, number))
    result = executed(data, outputs)
    said = Text(de="Zweimal dasselbe Ergebnis.", en="The same result twice.")
    made = Rerun(
        digest=sha256(data).hexdigest(),
        notebook=sha256(result).hexdigest(),
        at=city.now,
        verdict=verdict,
        text=said,
    )
    return inbox.record_rerun(city, number, made, result)


def accepted(
    city: City,
    data: bytes | None = None,
    outputs: Mapping[int, Sequence[Mapping[str, Any]]] | None = None,
    **changes: Any,
) -> Receipt:
    """Bring a submission from receipt to acceptance."""
    got = received(city, data, **changes)
    number = got.submission.number
    review.inspect(city, number)
    reran(city, number, outputs)
    review.accept(city, number, reason=REASON)
    return got
