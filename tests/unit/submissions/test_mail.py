"""Mails: the one notebook and three lines come out, everything else gets its own answer."""

import base64
from email.message import EmailMessage

import pytest
from builders.submissions import ADDRESS, BODY, a_mail, a_submission
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.errors import Refused
from stadtbuch.submissions import mail

NOTEBOOK = a_submission()


def raw(head: str, body: bytes = b"") -> bytes:
    """Give a mail of one part."""
    return b"From: a@b.example\nMIME-Version: 1.0\n" + head.encode() + b"\n\n" + body


def forwarded() -> bytes:
    """Give a mail that holds a mail with a notebook."""
    inner = EmailMessage()
    inner["From"] = "x@y.example"
    inner.add_attachment(NOTEBOOK, maintype="application", subtype="json", filename="a.ipynb")
    outer = EmailMessage()
    outer["From"] = "a@b.example"
    outer.set_content("siehe unten")
    outer.add_attachment(inner)
    return outer.as_bytes()


def nested(levels: int) -> bytes:
    """Give a mail whose parts hold parts, some hundred levels deep."""
    lines = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(levels)
    )
    return b"From: a@b.example\n" + lines


MISTAKES = {
    "mail-too-large": b"From: a@b.example\n\n" + b"x" * mail.MAX_BYTES,
    "mail-not-a-mail": NOTEBOOK,
    "mail-too-many-parts": nested(500),
    "mail-broken": raw(
        'Content-Type: application/json; name="a.ipynb"\nContent-Transfer-Encoding: base64', b"%%%"
    ),
    "mail-encrypted": raw('Content-Type: application/pkcs7-mime; name="smime.p7m"', b"x"),
    "mail-packed": a_mail(("notebook.zip", b"PK")),
    "mail-forwarded": forwarded(),
    "mail-no-notebook": a_mail(("brief.pdf", b"%PDF")),
    "mail-two-notebooks": a_mail(("a.ipynb", NOTEBOOK), ("b.ipynb", NOTEBOOK)),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_every_mistake_has_its_own_answer(kind: str) -> None:
    """What cannot be accepted is said by a code of its own, with what to do."""
    with pytest.raises(Refused) as refusal:
        mail.read(MISTAKES[kind])
    assert refusal.value.code == f"submission.{kind}"
    assert refusal.value.remedy is not None


def test_the_notebook_comes_out_byte_for_byte() -> None:
    """What was attached is what is kept; credit, licence, consent and address are read beside it."""
    assert mail.read(a_mail(("bezirke größer.ipynb", NOTEBOOK))) == mail.Sent(
        notebook=NOTEBOOK,
        channel="mail",
        credit="Radgruppe Nord",
        licence="cc-by-4.0",
        consent=True,
        address=ADDRESS,
    )


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
def test_every_usual_encoding_is_understood(encoding: str) -> None:
    """Mail programs encode attachments in different ways; line ends are those of the mail."""
    import quopri

    body = {
        "base64": base64.encodebytes(NOTEBOOK),
        "quoted-printable": quopri.encodestring(NOTEBOOK),
        "8bit": NOTEBOOK,
    }
    data = raw(
        f'Content-Type: application/x-ipynb+json; name="a.ipynb"\nContent-Transfer-Encoding: {encoding}',
        body[encoding],
    )
    assert mail.read(data).notebook.strip() == NOTEBOOK


@pytest.mark.parametrize("encoding", ["x-uuencode", "base64, gzip", "evil"])
def test_an_unknown_encoding_is_not_guessed(encoding: str) -> None:
    """A part that cannot be decoded is damaged, not something else."""
    with pytest.raises(Refused) as refusal:
        mail.read(
            raw(
                f'Content-Type: application/json; name="a.ipynb"\nContent-Transfer-Encoding: {encoding}',
                NOTEBOOK,
            )
        )
    assert refusal.value.code == "submission.mail-broken"


def test_html_mails_are_read_as_text() -> None:
    """Programs that write HTML only are common; markup is taken off, nothing is rendered."""
    body = "<p>Credit: Group &amp; Co<br>Licence: CC0<br>Consent: yes</p><script>Einwilligung: nein</script>"
    said = mail.read(a_mail(body=body, html=True))
    assert (said.credit, said.licence, said.consent) == ("Group & Co", "cc0-1.0", True)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", ("", "", False)),
        ("Einwilligung: nein\nLizenz: alle Rechte vorbehalten", ("", "", False)),
        ("> Einwilligung: ja", ("", "", True)),
        ("Einwilligung: ja, aber nur intern", ("", "", False)),
        ("Consent: yes.\nConsent: no", ("", "", True)),
        (f"Credit: {'x' * 300}", ("x" * 80, "", False)),
        ("Credit: a\u202eb\x1b[31m", ("a b [31m", "", False)),
    ],
)
def test_only_clear_words_count(body: str, expected: tuple[str, str, bool]) -> None:
    """Consent is a plain yes; a credit is one line without signs that turn or colour; the first line of each counts."""
    said = mail.read(a_mail(body=body))
    assert (said.credit, said.licence, said.consent) == expected


def test_names_of_senders_are_not_taken() -> None:
    """Only the address is read from the headers; a name is said in the text or not at all."""
    assert mail.read(a_mail(body="", sender="Erika Muster <erika@muster.example>")).credit == ""


@pytest.mark.parametrize("sender", ["", "kein@@adresse", "a b@c", "=?utf-8?b?!!!?="])
def test_a_sender_that_is_no_address_is_left_out(sender: str) -> None:
    """A broken header is no reason to refuse, and not kept."""
    data = a_mail().replace(b"From: Erika Muster <erika@muster.example>", b"From: " + sender.encode())
    assert mail.read(data).address == ""


@pytest.mark.parametrize(
    "charset", ["=?utf-8?q?", "hex", "idna", "undefined", "utf\x00-8", "unicode_escape", "x" * 500]
)
def test_an_encoding_that_is_none_stops_nothing(charset: str) -> None:
    """The text is read as far as it goes, or the mail is damaged; found by fuzzing."""
    data = a_mail().replace(b'charset="utf-8"', f'charset="{charset}"'.encode())
    try:
        assert mail.read(data).notebook == NOTEBOOK
    except Refused as refusal:
        assert refusal.code == "submission.mail-broken"


def test_a_mail_of_a_mailbox_file_is_understood() -> None:
    """Some programs put the line of an mbox in front."""
    assert mail.read(b"From - Mon Jan  5 10:00:00 2026\n" + a_mail()).notebook == NOTEBOOK


@given(st.data())
def test_a_damaged_mail_gives_a_notebook_or_a_refusal(data: st.DataObject) -> None:
    """Any cut, flip or insertion gives no other error."""
    good = a_mail()
    place = data.draw(st.integers(0, len(good) - 1))
    pieces = [
        b"",
        b"\n\n",
        b"--",
        b'"',
        b"=?utf-8?q?",
        b"\x00",
        b"\xff",
        b";",
        b"Content-Type: message/rfc822\n",
        b"charset=utf-7",
    ]
    piece = data.draw(st.sampled_from(pieces))
    width = data.draw(st.integers(0, 40))
    try:
        mail.read(good[:place] + piece + good[place + width :])
    except Refused as refusal:
        assert refusal.code.startswith("submission.mail-")


HEADERS = [
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Disposition",
    "From",
    "Reply-To",
    "MIME-Version",
]
VALUES = st.text("multipart/mixed; boundary=\"b'*=0%?utf8name.ipynb<>@é\n ", max_size=60)


@given(st.lists(st.tuples(st.sampled_from(HEADERS), VALUES), max_size=6), st.binary(max_size=80))
def test_any_headers_give_a_notebook_or_a_refusal(headers: list[tuple[str, str]], body: bytes) -> None:
    """Headers are what attackers write: none of them stops the program."""
    lines = "".join(f"{name}: {value}\n" for name, value in headers).encode()
    try:
        mail.read(b"From: a@b.example\n" + lines + b"\n" + body)
    except Refused as refusal:
        assert refusal.code.startswith("submission.mail-")


def test_the_three_lines_of_the_send_in_page_are_understood() -> None:
    """What the public page asks for is what is read."""
    assert "Einwilligung: ja" in BODY
    assert mail.read(a_mail(body="Credit: X\nLicence: CC BY-SA 4.0\nConsent: yes")).licence == "cc-by-sa-4.0"
