"""
What the command line itself says, in both languages: headings of the help, and mistakes in what was typed.

Typer speaks English only. Its help is printed plainly (no boxes): quick to start, easy for screen readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from typer.core import TyperGroup
from typer.exceptions import TyperException

from stadtbuch.errors import UsageError
from stadtbuch.texts import Text

_GERMAN = {
    "Usage: ": "Aufruf: ",
    "Arguments": "Angaben",
    "Options": "Optionen",
    "Commands": "Befehle",
    "[OPTIONS]": "[OPTIONEN]",
    "COMMAND [ARGS]...": "BEFEHL [ANGABEN]...",
    "[required]": "[Pflicht]",
    "[default: ": "[sonst: ",
    "Show this message and exit.": "Zeigt diese Hilfe.",
}


def _german(wording: str | None) -> str:
    wording = wording or ""
    for english, german in _GERMAN.items():
        wording = wording.replace(english, german)
    return wording


class _GermanFormatter(TyperGroup.context_class.formatter_class):  # type: ignore[name-defined,misc]
    """Writes the headings and remarks of the help in German."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, _german(args), _german(prefix or "Usage: "))

    def write_heading(self, heading: str) -> None:
        super().write_heading(_german(heading))

    def write_dl(self, rows: Sequence[tuple[str, str]], **widths: int) -> None:
        super().write_dl([(first, _german(second)) for first, second in rows], **widths)


class _GermanContext(TyperGroup.context_class):  # type: ignore[name-defined,misc,valid-type]
    formatter_class = _GermanFormatter


def speak(command: Any, *, language: str) -> None:
    """Let a command and all below it print their help in the language."""
    if language == "de":
        command.context_class = _GermanContext
        for one in getattr(command, "commands", {}).values():
            speak(one, language=language)


def mistake(error: TyperException) -> UsageError:
    """
    Say what was typed wrongly; the answer names options and commands, never the value that was given.

    Parameters
    ----------
    error
        What Typer found: an unknown option, a missing argument, a value of the wrong type.
    """
    context = getattr(error, "ctx", None)
    if hasattr(error, "possibilities"):
        return _unknown_option(error, context)
    if hasattr(error, "option_name"):
        return _usage("value-missing", _about("Zu {} fehlt die Angabe.", "{} needs a value.", error), context)
    if hasattr(error, "param"):
        return _wrong_value(error, context)
    if context is not None and hasattr(context.command, "list_commands"):
        return _unknown_command(context)
    extra = Text(
        de="Es steht mehr da, als der Befehl kennt.", en="There are more arguments than the command knows."
    )
    return _usage("extra-argument", extra, context)


def _about(de: str, en: str, error: Any) -> Text:
    return Text(de=de.format(error.option_name), en=en.format(error.option_name))


def _unknown_option(error: Any, context: Any) -> UsageError:
    what = _about("Die Option {} gibt es nicht.", "There is no option {}.", error)
    if not error.possibilities:
        return _usage("unknown-option", what, context)
    near = ", ".join(sorted(error.possibilities))
    return UsageError(
        "usage.unknown-option", what, remedy=Text(de=f"Meinten Sie {near}?", en=f"Did you mean {near}?")
    )


def _wrong_value(error: Any, context: Any) -> UsageError:
    name = _name(error.param)
    if hasattr(error, "param_type"):
        return _usage("missing", Text(de=f"Es fehlt {name}.", en=f"{name} is missing."), context)
    what = Text(de=f"Die Angabe zu {name} ist nicht gültig.", en=f"The value of {name} is not valid.")
    return _usage("invalid", what, context)


def _name(parameter: Any) -> str:
    """Call a parameter as people type it: ``--jobs``, or NOTEBOOK."""
    if parameter is None:
        return "?"
    options = [option for option in parameter.opts if option.startswith("--")]
    return options[0] if options else str(parameter.metavar or parameter.name.upper())


def _unknown_command(context: Any) -> UsageError:
    """Name the commands there are; Typer does not tell whether one was wrong or none was given."""
    known = ", ".join(_visible(context))
    return UsageError(
        "usage.unknown-command",
        Text(
            de=f"Nach „{context.command_path}“ fehlt ein Befehl, den es gibt.",
            en=f"“{context.command_path}” needs to be followed by a command that exists.",
        ),
        remedy=Text(de=f"Es gibt: {known}.", en=f"There are: {known}."),
    )


def _visible(context: Any) -> Iterable[str]:
    for name in context.command.list_commands(context):
        command = context.command.get_command(context, name)
        if command is not None and not command.hidden:
            yield name


def _usage(kind: str, what: Text, context: Any) -> UsageError:
    path = context.command_path if context is not None else "stadtbuch"
    return UsageError(
        f"usage.{kind}",
        what,
        remedy=Text(de=f"{path} --help erklärt den Befehl.", en=f"{path} --help explains the command."),
    )
