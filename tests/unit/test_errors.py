"""Errors: a drawn tree, sentences in both languages, stable codes and exit codes, no traceback."""

import inspect
import re

import pytest

from stadtbuch import errors
from stadtbuch.errors import Problem, Refused, StadtbuchError, UsageError
from stadtbuch.texts import Text, same

TREE = [
    one
    for _, one in inspect.getmembers(errors, inspect.isclass)
    if issubclass(one, StadtbuchError) and one.__module__ == errors.__name__
]


def an_error(**parts: object) -> UsageError:
    """Make an error that says what happened, and whatever else is asked for."""
    return UsageError("demo.code", Text(de="Es gibt x nicht.", en="There is no x."), **parts)


def test_the_drawing_in_the_docstring_is_the_tree():
    """Every class is drawn below its parent, with its exit code."""
    stack: list[str] = []
    drawn = {}
    for line in errors.__doc__.splitlines():
        found = re.match(r"^ {4}((?:[│ ]   )*(?:[├└]── )?)(\w+) +(?:exit code )?(\d)", line)
        if found:
            depth = len(found[1]) // 4
            stack[depth:] = [found[2]]
            drawn[found[2]] = (stack[depth - 1] if depth else "Exception", int(found[3]))
    assert drawn == {one.__name__: (one.__base__.__name__, one.exit_code) for one in TREE}


def test_every_exit_code_is_one_of_the_contract():
    """1 failed, 2 usage, 3 refused, 4 access denied; 0 is never an error."""
    assert {one.exit_code for one in TREE} == {1, 2, 3, 4}


def test_an_error_says_what_why_and_what_to_do():
    """In this order, each on its own line, in the reader's language."""
    error = an_error(
        why=Text(de="Gelöscht.", en="Deleted."), remedy=Text(de="Neu anlegen.", en="Make a new one.")
    )
    assert error.render("de") == "Es gibt x nicht.\nWarum: Gelöscht.\nWas tun? Neu anlegen."
    assert error.render("en") == "There is no x.\nWhy: Deleted.\nWhat to do? Make a new one."
    assert str(error) == error.render("de")


def test_an_error_lists_the_mistakes_of_a_file():
    """All at once, with place and remedy, before the advice."""
    problem = Problem("a.yaml", 7, "access", same("fehlt"), same("meinten Sie access?"))
    bare = Problem("a.yaml", None, "", same("leer"))
    error = an_error(problems=[problem, bare], remedy=same("Lesen."))
    assert error.render("de").splitlines() == [
        "Es gibt x nicht.",
        "  a.yaml:7 access: fehlt (meinten Sie access?)",
        "  a.yaml: leer",
        "Was tun? Lesen.",
    ]


def test_an_error_is_one_json_object():
    """Machines get the code, the exit code and every part in one language."""
    problem = Problem("a.yaml", 7, "access", Text(de="fehlt", en="is missing"))
    shown = Refused("demo.no", Text(de="Nein.", en="No."), problems=[problem]).as_dict("en")
    (inner,) = shown.pop("problems")
    assert shown == {"code": "demo.no", "exit_code": 3, "text": "No.", "why": "", "remedy": ""}
    assert (inner["file"], inner["line"], inner["path"], inner["text"], inner["remedy"]) == (
        "a.yaml", 7, "access", "is missing", "",
    )  # fmt: skip


def test_in_a_notebook_the_sentences_replace_the_traceback():
    """IPython asks the exception itself; frames could show data."""
    assert an_error()._render_traceback_() == ["Es gibt x nicht."]


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_kind_can_be_raised_and_caught_as_one(kind):
    """One except clause at the door of a command catches them all."""
    with pytest.raises(StadtbuchError) as caught:
        raise kind("demo.code", same("x"))
    assert caught.value.code == "demo.code"
