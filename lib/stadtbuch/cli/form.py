"""The form of ``stadtbuch run --form``: one question per parameter on stderr, answers from stdin."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from stadtbuch.cli.context import language, narrator, said
from stadtbuch.errors import ParameterError, UsageError
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from stadtbuch.runs.forms import Question
    from stadtbuch.runs.manifest import Analysis
    from stadtbuch.session import City

MOST_SHOWN = 20


def ask(city: City, analysis: Analysis, given: Mapping[str, Any], *, answers: TextIO) -> dict[str, Any]:
    """
    Ask for the parameters that were not given.

    Parameters
    ----------
    city
        Knows the choices.
    analysis
        The notebook.
    given
        What ``-p`` said; it is not asked again.
    answers
        Where a person types, one line per answer; an empty line takes the default.

    Raises
    ------
    UsageError
        ``usage.form-ended`` if the answers end before the questions.
    """
    from stadtbuch.runs import forms  # noqa: PLC0415 - start-up time

    told = analysis.manifest
    found = dict(given)
    for one in forms.questions(told, choices=city.choices, defaults=analysis.defaults):
        if one.name not in found:
            judged = partial(forms.answered, told, one.name, choices=city.choices)
            found[one.name] = _answer(one, answers, judged)
    _repeat(analysis.name, found)
    return found


def _answer(one: Question, answers: TextIO, judged: Callable[[str], Any]) -> Any:
    """Ask until an answer fits."""
    console = narrator()
    console.print(f"{one.label.pick(language())} ({one.name})", style="bold", soft_wrap=True)
    for line in _shown(one):
        console.print(f"  {line}", soft_wrap=True)
    while True:
        console.print("> ", end="")
        line = answers.readline()
        if not line:
            raise _ended(one)
        written = line.rstrip("\r\n")
        if not written and one.default is not None:
            return one.default
        try:
            return judged(written)
        except ParameterError as error:
            for problem in error.problems:
                hint = f" ({problem.remedy.pick(language())})" if problem.remedy else ""
                console.print(f"  {problem.what.pick(language())}{hint}", style="yellow", soft_wrap=True)


def _shown(one: Question) -> list[str]:
    """Say what is possible, and what an empty line means."""
    lines = [
        value if value == label.pick(language()) else f"{value}  {label.pick(language())}"
        for value, label in ((_written(value), label) for value, label in one.options[:MOST_SHOWN])
    ]
    if len(one.options) > MOST_SHOWN:
        more = len(one.options) - MOST_SHOWN
        lines.append(said(f"… und {more} weitere", f"… and {more} more"))
    if not lines:
        lines = [one.expected.pick(language())]
    if one.default is not None:
        lines.append(said(f"leer: {_written(one.default)}", f"empty: {_written(one.default)}"))
    return lines


def _written(value: Any) -> str:
    """Write a value as it can be typed."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _repeat(notebook: str, found: Mapping[str, Any]) -> None:
    """Say how to call the same without a form."""
    words = [word for name, value in found.items() for word in ("-p", f"{name}={_written(value)}")]
    line = shlex.join(["stadtbuch", "run", notebook, *words])
    narrator().print(said(f"Ohne Formular: {line}", f"Without a form: {line}"), soft_wrap=True)


def _ended(one: Question) -> UsageError:
    return UsageError(
        "usage.form-ended",
        Text(
            de=f"Auf die Frage nach {one.name} kam keine Antwort.",
            en=f"There was no answer to the question for {one.name}.",
        ),
        why=Text(de="Die Eingabe ist zu Ende.", en="The input has ended."),
        remedy=Text(
            de="Rufen Sie den Befehl in einem Terminal auf, oder geben Sie die Werte mit -p an.",
            en="Call the command in a terminal, or give the values with -p.",
        ),
    )
