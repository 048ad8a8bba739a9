"""
The magics of the lab: ``%sb_data``, ``%sb_peek``, ``%sb_check``, ``%sb_preview``, ``%sb_new``, ``%sb_form``.

Each is one function from what was typed to what is shown.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from IPython.display import display

from stadtbuch.errors import UsageError
from stadtbuch.lab import cards
from stadtbuch.lab.cards import HTML, PLAIN
from stadtbuch.lab.extension import MAGICS
from stadtbuch.lab.watching import MARK
from stadtbuch.reports import previews, trial
from stadtbuch.runs import drafts, here, manifest
from stadtbuch.session.city import City
from stadtbuch.settings import environment
from stadtbuch.texts import LANGUAGES, Text

if TYPE_CHECKING:
    from stadtbuch.lab.companion import Companion

ROWS = 5


def register(shell: Any, lab: Companion) -> None:
    """Give a shell the magics."""
    for name, react in zip(MAGICS, (data, peek, check, preview, new, form), strict=True):
        shell.register_magic_function(_bound(lab, react), magic_kind="line", magic_name=name)


def _bound(lab: Companion, react: Callable[[Companion, str], None]) -> Callable[[str], None]:
    def magic(line: str = "") -> None:
        react(lab, line)

    magic.__doc__ = react.__doc__
    return magic


def data(lab: Companion, line: str) -> None:
    """List the datasets of the city, or those in which all words of the line occur: ``%sb_data Einwohner``."""
    catalog = (lab.session() or _city()).catalog
    found = catalog.search(line, lab.language) if line.strip() else list(catalog.datasets.values())
    lab.show(cards.datasets(found, lab.language), kind="data")


def peek(lab: Companion, line: str) -> None:
    """Show the first rows of a frame without keeping them: ``%sb_peek people 10``."""
    name, _, number = line.strip().partition(" ")
    if name not in lab.shell.user_ns:
        raise _no_variable()
    found = lab.shell.user_ns[name]
    rows = found.head(int(number) if number.strip().isdigit() else ROWS) if hasattr(found, "head") else found
    bundle, _metadata = lab.shell.display_formatter.format(rows)
    note = Text(de="Nur zum Ansehen: wird nicht gespeichert.", en="Only to look at: not saved.").pick(
        lab.language
    )
    shown = bundle.get(HTML) or f"<pre>{escape(bundle.get(PLAIN, ''))}</pre>"
    html = cards.box(f"<p>{escape(note)}</p>{shown}", label=note)
    lab.show({HTML: html, PLAIN: f"{note}\n{bundle.get(PLAIN, '')}"}, kind="peek")


def check(lab: Companion, line: str) -> None:
    """Say what the gate would say about this notebook, as ``stadtbuch check`` does: ``%sb_check year=2025``."""
    with _working(lab, Text(de="Das Notebook läuft zur Probe …", en="The notebook runs on trial …")):
        city, path, given = _asked(line)
        decision = trial.of_notebook(city, path, given)
    _remind_to_save(lab, path)
    lab.show(cards.decision(decision, lab.language), kind="decision")


def preview(lab: Companion, line: str) -> None:
    """Show the public page that this notebook would become: ``%sb_preview``, ``%sb_preview en``."""
    words = shlex.split(line)
    language = next((word for word in words if word in LANGUAGES), lab.language)
    with _working(lab, Text(de="Die Seite entsteht …", en="The page is being made …")):
        city, path, given = _asked(shlex.join(word for word in words if word not in LANGUAGES))
        tried = trial.tried(city, path, given)
        page = previews.page(city, tried, language=language)
    _remind_to_save(lab, path)
    label = Text(de="Vorschau der öffentlichen Seite", en="Preview of the public page").pick(lab.language)
    said = cards.decision(tried.decision, lab.language)
    lab.show(
        {HTML: said[HTML] + previews.frame(page, label=label), PLAIN: f"{said[PLAIN]}\n({label})"},
        kind="preview",
    )


def new(lab: Companion, line: str) -> None:
    """Begin a new analysis from a template: ``%sb_new how-old-are-the-trees``, ``%sb_new NAME closed-data``."""
    words = shlex.split(line)
    name, template = [*words, "", ""][:2]
    settings = (lab.session() or _city()).settings
    made = drafts.draft(settings, name, template=template or drafts.DEFAULT)
    listed = "".join(f"<li><code>{escape(path)}</code></li>" for path in made)
    said = Text(de="Angelegt, öffnen Sie es links im Dateibrowser:", en="Made; open it in the file browser:")
    words_said = said.pick(lab.language)
    html = cards.box(f"<p>{escape(words_said)}</p><ul>{listed}</ul>", label=words_said, tone="good")
    lab.show({HTML: html, PLAIN: "\n".join([words_said, *made])}, kind="new")


def form(lab: Companion, line: str) -> None:
    """Show the notebook's parameters as a form that sets its variables: ``%sb_form``, ``%sb_form en``."""
    from stadtbuch.lab import forms  # noqa: PLC0415 - widgets, for this magic only

    language = next((word for word in shlex.split(line) if word in LANGUAGES), lab.language)
    _, path, _ = _asked("")
    city = lab.session() or _city()
    analysis = manifest.read(path, root=city.settings.root)
    own = {
        name: lab.shell.user_ns[name] for name in analysis.manifest.parameters if name in lab.shell.user_ns
    }
    made = forms.Form(
        analysis.manifest,
        choices=city.choices,
        start={**analysis.defaults, **own},
        language=language,
        take=lab.shell.user_ns.update,
    )
    display(made.widget, metadata={MARK: {"kind": "form"}})  # type: ignore[no-untyped-call]


# ---- what they share ----------------------------------------------------------------------------------


def _city() -> City:
    """Open the city around this notebook."""
    found = here.city()
    assert isinstance(found, City)  # in a run the magics do nothing
    return found


def _asked(line: str) -> tuple[City, Path, list[str]]:
    """Give a fresh session, this notebook's file, and the parameters that were typed."""
    path = environment().notebook
    if path is None or not path.is_file():
        raise _no_file()
    return _city(), path, shlex.split(line)


@contextmanager
def _working(lab: Companion, words: Text) -> Iterator[None]:
    """Say that something is going on, and take the words away when it is done."""
    said = words.pick(lab.language)
    shown = {PLAIN: said}
    mark = {MARK: {"kind": "progress"}}
    handle = display(shown, raw=True, metadata=mark, display_id=True)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        handle.update({PLAIN: ""}, raw=True, metadata=mark)


def _remind_to_save(lab: Companion, path: Path) -> None:
    """Say so where the file on disk does not know the cell that is running."""
    running = str((lab.shell.get_parent() or {}).get("content", {}).get("code", "")).strip()
    stored = {str(cell.source).strip() for cell in nbformat.read(path, as_version=4).cells}
    if running and running not in stored:
        said = Text(
            de="Geprüft ist die gespeicherte Datei. Sie ist älter als das, was Sie sehen: Speichern Sie (Strg+S).",
            en="What was checked is the saved file. It is older than what you see: save it (Ctrl+S).",
        ).pick(lab.language)
        lab.show(
            {HTML: cards.box(f"<p>{escape(said)}</p>", label=said, tone="loud"), PLAIN: said}, kind="note"
        )


def _no_variable() -> UsageError:
    return UsageError(
        "lab.no-variable",
        Text(
            de="Diesen Namen gibt es in diesem Notebook nicht.", en="There is no such name in this notebook."
        ),
        remedy=Text(
            de="Schreiben Sie %sb_peek und den Namen einer Tabelle, etwa %sb_peek people.",
            en="Write %sb_peek and the name of a frame, such as %sb_peek people.",
        ),
    )


def _no_file() -> UsageError:
    return UsageError(
        "lab.no-file",
        Text(de="Zu diesem Notebook ist keine Datei bekannt.", en="The file of this notebook is not known."),
        why=Text(
            de="JupyterLab sagt dem Notebook beim Start, welche Datei es ist; hier fehlt das.",
            en="JupyterLab tells a notebook its file when it starts; that is missing here.",
        ),
        remedy=Text(
            de="Speichern Sie das Notebook und starten Sie den Kernel neu, oder rufen Sie im Terminal "
            "„stadtbuch check DATEI“ auf.",
            en='Save the notebook and restart the kernel, or call "stadtbuch check FILE" in a terminal.',
        ),
    )
