"""
How datasets, findings and decisions look in a notebook: small HTML with real tables, and the same as plain text.

Everything that comes from outside is escaped. Colours are those of JupyterLab's theme, so that light and dark
both work, and no colour says anything that no word says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from stadtbuch.access.policy import CLASS_WORDS
from stadtbuch.model.dataset import Dataset, PrivacyRole
from stadtbuch.model.verdict import Decision, Finding, Severity
from stadtbuch.texts import Text, count

HTML, PLAIN = "text/html", "text/plain"
Bundle = dict[str, str]
"""MIME type -> content, as IPython displays it."""

SEVERITIES = {
    Severity.refuse: Text(de="Käme nicht hinaus", en="Would not leave"),
    Severity.warn: Text(de="Warnung", en="Warning"),
    Severity.note: Text(de="Hinweis", en="Note"),
}
_WHAT_TO_DO = Text(de="Was tun?", en="What to do?")
_BOX = (
    "border-inline-start:4px solid var({colour},{fallback});padding:.25em .9em;margin:.4em 0;"
    "max-width:60em;color:var(--jp-content-font-color1,inherit)"
)
_TONES = {
    "quiet": ("--jp-border-color1", "#767676"),
    "good": ("--jp-success-color1", "#2e7d32"),
    "loud": ("--jp-warn-color1", "#b25b00"),
}
_SMALL = "color:var(--jp-content-font-color2,inherit);font-size:.92em"
_WORD = "border:1px solid currentColor;border-radius:.6em;padding:0 .5em;font-size:.85em"
_ROLES = {
    PrivacyRole.identifier: Text(de="Kennzeichen", en="identifier"),
    PrivacyRole.quasi_identifier: Text(de="wiedererkennbar", en="recognisable"),
    PrivacyRole.sensitive: Text(de="empfindlich", en="sensitive"),
    PrivacyRole.free_text: Text(de="freier Text", en="free text"),
    PrivacyRole.harmless: Text(de="unbedenklich", en="harmless"),
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """
    What a cell loaded, as it is told below it.

    Parameters
    ----------
    purpose
        In words; nothing for open data.
    condition
        Why this session may read it: role, purpose and until when.
    columns
        Those that came.
    min_count
        The minimum count that holds for tables made from it.
    licence
        Of open data.
    """

    dataset: Dataset
    purpose: Text | None
    condition: Text
    columns: tuple[str, ...]
    pseudonyms: tuple[str, ...] = ()
    rows: Mapping[str, object] | None = None
    min_count: int | None = None
    licence: Text | None = None


def box(inner: str, *, label: str, tone: str = "quiet") -> str:
    """
    Put HTML into a labelled box.

    Examples
    --------
    >>> box("<p>A</p>", label="Hinweis").startswith('<section aria-label="Hinweis"')
    True
    """
    colour, fallback = _TONES[tone]
    style = _BOX.format(colour=colour, fallback=fallback)
    return f'<section aria-label="{escape(label)}" style="{style}">{inner}</section>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str) -> str:
    """
    Write a table with a caption and headings that screen readers announce; every cell is escaped.

    Examples
    --------
    >>> "&lt;b&gt;" in table(["Name"], [["<b>"]], caption="Liste")
    True
    """
    heads = "".join(f'<th scope="col" style="text-align:start">{escape(one)}</th>' for one in head)
    body = "".join(f"<tr>{_row(one)}</tr>" for one in rows)
    top = f'<caption style="text-align:start;caption-side:top;{_SMALL}">{escape(caption)}</caption>'
    return f"<table>{top}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _row(cells: Sequence[str]) -> str:
    first, *others = cells
    rest = "".join(f'<td style="text-align:start">{escape(one)}</td>' for one in others)
    return f'<th scope="row" style="text-align:start;font-weight:normal">{escape(first)}</th>{rest}'


def _line(label: str, words: str) -> str:
    return f'<p style="margin:.2em 0"><strong>{escape(label)}</strong> {escape(words)}</p>'


# ---- what was loaded ----------------------------------------------------------------------------------


def loaded(one: Loaded, language: str) -> Bundle:
    """Tell about a dataset that a cell loaded: class, purpose, condition, columns, what may leave."""
    dataset = one.dataset
    title, word = dataset.title.pick(language), CLASS_WORDS[dataset.access_class.value].pick(language)
    facts = [(label.pick(language), words.pick(language)) for label, words in _facts(one)]
    head = (
        f'<p style="margin:.2em 0"><strong>{escape(title)}</strong> <code>{escape(dataset.id)}</code> '
        f'<span style="{_WORD}">{escape(word)}</span></p>'
    )
    label = Text(de=f"Geladen: {title}", en=f"Loaded: {title}").pick(language)
    plain = [f"{label} ({dataset.id}, {word})", *(f"  {name} {said}" for name, said in facts)]
    html = box(head + "".join(_line(name, said) for name, said in facts), label=label)
    return {HTML: html, PLAIN: "\n".join(plain)}


def _facts(one: Loaded) -> list[tuple[Text, Text]]:
    """Give the lines of a note: a label and what it says."""
    dataset = one.dataset
    columns = ", ".join(f"{name} (Pseudonym)" if name in one.pseudonyms else name for name in one.columns)
    lines = [(Text(de="Spalten:", en="Columns:"), Text(de=columns, en=columns))]
    if one.purpose is not None:
        lines.insert(0, (Text(de="Zweck:", en="Purpose:"), one.purpose))
        lines.insert(1, (Text(de="Bedingung:", en="Condition:"), one.condition))
    if one.rows:
        chosen = ", ".join(one.rows)
        lines.append((Text(de="Zeilen gewählt nach:", en="Rows chosen by:"), Text(de=chosen, en=chosen)))
    lines += _leaves(one)
    lines += [(Text(de="Auflage:", en="Restriction:"), said) for said in dataset.access.use_restrictions]
    return [*lines, (Text(de="Nicht geeignet:", en="Not suited:"), dataset.misuse)]


def _leaves(one: Loaded) -> list[tuple[Text, Text]]:
    """Say what of the data may become public."""
    may = Text(de="Hinaus darf:", en="May leave:")
    if one.dataset.is_open:
        named = one.dataset.attribution or Text(de=one.dataset.publisher, en=one.dataset.publisher)
        licence = one.licence or Text(de="–", en="–")
        return [
            (may, Text(de=f"alles, mit Namensnennung: {named.de} ({licence.de}).",
                       en=f"everything, with attribution: {named.en} ({licence.en})."))
        ]  # fmt: skip
    least = count(one.min_count or 0, "de")
    tables = Text(
        de=f"Tabellen aus sb.protect(...), Mindestfallzahl {least}.",
        en=f"tables made by sb.protect(...), minimum count {least}.",
    )
    stays = Text(
        de="einzelne Zeilen, Pseudonyme, Namen, freie Texte, seltene Werte. Ausgaben dieses Notebooks werden "
        "nicht gespeichert.",
        en="single rows, pseudonyms, names, free text, rare values. Outputs of this notebook are not saved.",
    )
    return [(may, tables), (Text(de="Nicht hinaus darf:", en="May not leave:"), stays)]


# ---- findings and decisions ---------------------------------------------------------------------------


def findings(
    some: Sequence[Finding], language: str, *, heading: Text | None = None, more: Text | None = None
) -> Bundle:
    """
    Write findings as warnings: what was seen, where, by which rule, and what to do.

    Parameters
    ----------
    heading
        Stands above them; without it, how many there are.
    more
        A last sentence below them.
    """
    head = (heading or _number(some)).pick(language)
    below = f'<p style="margin:.2em 0;{_SMALL}">{escape(more.pick(language))}</p>' if more else ""
    html = f'<p style="margin:.2em 0"><strong>{escape(head)}</strong></p>' + _list(some, language) + below
    plain = [head, *(_plain(one, language) for one in some), *([more.pick(language)] if more else [])]
    return {HTML: box(html, label=head, tone=_tone(some)), PLAIN: "\n".join(plain)}


def _tone(some: Sequence[Finding]) -> str:
    """Speak up only where something is not all right."""
    return "quiet" if all(one.severity is Severity.note for one in some) else "loud"


def _number(some: Sequence[Finding]) -> Text:
    number = len(some)
    if number == 1:
        return Text(de="Ein Befund", en="One finding")
    return Text(de=f"{number} Befunde", en=f"{number} findings")


def _list(some: Sequence[Finding], language: str) -> str:
    items = "".join(f'<li style="margin:.3em 0">{_item(one, language)}</li>' for one in some)
    return f'<ul style="margin:.2em 0;padding-inline-start:1.2em">{items}</ul>' if some else ""


def _item(one: Finding, language: str) -> str:
    severity = SEVERITIES[one.severity].pick(language)
    return (
        f'<span style="{_WORD}">{escape(severity)}</span> {escape(one.text.pick(language))} '
        f'<code style="{_SMALL}">{escape(one.rule)}</code><br>'
        f"<strong>{escape(_WHAT_TO_DO.pick(language))}</strong> {escape(one.remedy.pick(language))}"
    )


def _plain(one: Finding, language: str) -> str:
    said = f"{SEVERITIES[one.severity].pick(language)}: {one.text.pick(language)} [{one.rule}]"
    return f"{said}\n  {_WHAT_TO_DO.pick(language)} {one.remedy.pick(language)}"


def finding(one: Finding, language: str) -> Bundle:
    """Write one finding."""
    return {HTML: box(_item(one, language), label=one.rule, tone=_tone([one])), PLAIN: _plain(one, language)}


def decision(one: Decision, language: str) -> Bundle:
    """Write a decision with its reasons and findings."""
    words = (
        Text(de="Würde zugelassen", en="Would be allowed")
        if one.allowed
        else Text(de="Würde abgelehnt", en="Would be refused")
    ).pick(language)
    reasons = [reason.pick(language) for reason in one.reasons] if one.allowed or not one.findings else []
    html = f'<p style="margin:.2em 0"><strong>{escape(words)}</strong></p>'
    html += "".join(f'<p style="margin:.2em 0">{escape(reason)}</p>' for reason in reasons)
    tone = "good" if one.allowed else "loud"
    plain = [words, *reasons, *(_plain(seen, language) for seen in one.findings)]
    return {
        HTML: box(html + _list(one.findings, language), label=words, tone=tone),
        PLAIN: "\n".join(plain),
    }


# ---- datasets -----------------------------------------------------------------------------------------


def datasets(some: Sequence[Dataset], language: str) -> Bundle:
    """List datasets: id, title, class, purposes, columns."""
    number = len(some)
    caption = Text(
        de=f"{number} Datensätze" if number != 1 else "1 Datensatz",
        en=f"{number} datasets" if number != 1 else "1 dataset",
    ).pick(language)
    head = [
        Text(de="Kennung", en="Id"),
        Text(de="Titel", en="Title"),
        Text(de="Klasse", en="Class"),
        Text(de="Zwecke", en="Purposes"),
        Text(de="Spalten", en="Columns"),
    ]
    rows = [_listed(one, language) for one in some]
    html = table([one.pick(language) for one in head], rows, caption=caption)
    plain = [caption, *("  ".join(row[:3]) for row in rows)]
    return {HTML: html, PLAIN: "\n".join(plain)}


def _listed(one: Dataset, language: str) -> list[str]:
    word = CLASS_WORDS[one.access_class.value].pick(language)
    columns = ", ".join(one.table.names)
    return [one.id, one.title.pick(language), word, ", ".join(one.privacy.purposes) or "–", columns]


def dataset(one: Dataset, language: str) -> Bundle:
    """Show one dataset: what it is, who may read it for what, its columns, and the line that loads it."""
    word = CLASS_WORDS[one.access_class.value].pick(language)
    lines = [
        (Text(de="Klasse:", en="Class:"), Text(de=word, en=word)),
        *((Text(de="Warum:", en="Why:"), one.access.reason.text) for _ in "x" if one.access.reason),
        *(
            (Text(de="Freigabe:", en="Grant:"), _granted(grant.role, grant.purposes, grant.until))
            for grant in one.access.grants
        ),
        (Text(de="Nicht geeignet:", en="Not suited:"), one.misuse),
        (Text(de="Laden:", en="Load:"), Text(de=example(one), en=example(one))),
    ]
    said = [(label.pick(language), words.pick(language)) for label, words in lines]
    title = f"{one.title.pick(language)} ({one.id})"
    html = f'<p style="margin:.2em 0"><strong>{escape(title)}</strong></p>'
    html += f"<p>{escape(one.description.pick(language))}</p>"
    html += "".join(_line(label, words) for label, words in said) + _columns(one, language)
    plain = [title, *(f"  {label} {words}" for label, words in said), "  " + ", ".join(one.table.names)]
    return {HTML: box(html, label=title), PLAIN: "\n".join(plain)}


def _granted(role: str, purposes: Sequence[str], until: object) -> Text:
    listed = ", ".join(purposes)
    return Text(de=f"{role} für {listed} bis {until}", en=f"{role} for {listed} until {until}")


def _columns(one: Dataset, language: str) -> str:
    head = [
        Text(de="Spalte", en="Column"),
        Text(de="Bedeutung", en="Meaning"),
        Text(de="Art", en="Type"),
        Text(de="Schutz", en="Privacy"),
    ]
    rows = [
        [each.name, each.title.pick(language), str(each.type), _ROLES[each.privacy].pick(language)]
        for each in one.table.fields
    ]
    caption = Text(de="Spalten", en="Columns").pick(language)
    return table([each.pick(language) for each in head], rows, caption=caption)


def example(one: Dataset) -> str:
    """Give the line that loads a dataset, with the first purpose that it knows."""
    purpose = next(iter(one.privacy.purposes), None)
    if one.is_open or purpose is None:
        return f'city.load("{one.id}")'
    columns = ", ".join(f'"{name}"' for name in one.privacy.purposes[purpose])
    return f'city.load("{one.id}", purpose="{purpose}", columns=[{columns}])'
