"""Actors: the login of the system, the roles of the city, one of them chosen."""

import os
import pwd
from pathlib import Path

import pytest

from stadtbuch import actors
from stadtbuch.actors import who
from stadtbuch.errors import AccessDenied, SettingsError

ROLES = """
m.muster: [analyst, operator]
e.beispiel: [head-of-statistics]
"*": [visitor]
"""


def a_city(folder: Path, content: str = ROLES) -> Path:
    """Write the roles of a city."""
    (folder / "roles.yaml").write_bytes(content.encode(errors="surrogateescape"))
    return folder


def test_without_a_wish_the_first_role_acts(tmp_path):
    """The order in the file says which role is the usual one."""
    actor = who(a_city(tmp_path), as_role=None, login="m.muster")
    assert (actor.login, actor.role, actor.roles) == (
        "m.muster",
        "analyst",
        ("analyst", "operator", "visitor"),
    )


def test_one_of_the_own_roles_can_be_chosen(tmp_path):
    """--as picks among one's own, those of everybody included."""
    city = a_city(tmp_path)
    assert who(city, as_role="operator", login="m.muster").role == "operator"
    assert who(city, as_role="visitor", login="m.muster").role == "visitor"


def test_a_role_of_others_is_denied(tmp_path):
    """The refusal names one's own roles and neither login."""
    with pytest.raises(AccessDenied) as caught:
        who(a_city(tmp_path), as_role="head-of-statistics", login="m.muster")
    said = caught.value.render("de")
    assert (caught.value.code, caught.value.exit_code) == ("actor.role-not-yours", 4)
    assert "analyst, operator, visitor" in said
    assert "m.muster" not in said
    assert "e.beispiel" not in said


def test_somebody_who_is_not_listed_gets_what_everybody_gets(tmp_path):
    """The key * stands for everybody."""
    assert who(a_city(tmp_path), as_role=None, login="unknown").roles == ("visitor",)


@pytest.mark.parametrize("content", [None, "", "# nobody yet", "m.muster: []"])
def test_without_roles_everybody_is_a_visitor(tmp_path, content):
    """No file, an empty file or an empty list gives no rights."""
    if content is not None:
        a_city(tmp_path, content)
    assert who(tmp_path, as_role=None, login="m.muster").roles == ("visitor",)


def test_the_login_is_that_of_the_process_not_of_a_variable(monkeypatch, tmp_path):
    """A variable would be a claim; the system knows."""
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.setenv("USER", "somebody-else")
    assert who(tmp_path, as_role=None).login == pwd.getpwuid(os.getuid()).pw_name


def test_an_account_without_a_name_is_its_number(monkeypatch, tmp_path):
    """As in some containers."""
    monkeypatch.setattr(actors.pwd, "getpwuid", lambda number: {}[number])
    assert who(tmp_path, as_role=None).login == str(os.getuid())


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("- analyst", 1),
        ("analyst", 1),
        ("a: analyst", 1),
        ("a: [analyst]\nb: {role: analyst}", 2),
        ("a: [Analyst]", 1),
        ("a: [[analyst]]", 1),
        ("a: [analyst]\n\na: [operator]", 3),
        ("a: [analyst", 1),
        ("a:\tb: c", 1),
        ("a: \udcff", None),
    ],
)
def test_a_wrong_file_gives_nobody_a_role(tmp_path, content, line):
    """A list in the wrong shape, a login twice, no YAML: an error with its line, for everybody."""
    with pytest.raises(SettingsError) as caught:
        who(a_city(tmp_path, content), as_role=None, login="m.muster")
    assert caught.value.code == "roles.invalid"
    assert caught.value.problems[0].file == "roles.yaml"
    assert caught.value.problems[0].line == line


def test_all_mistakes_are_named_at_once_without_naming_anybody(tmp_path):
    """The file holds names of people; the error does not."""
    with pytest.raises(SettingsError) as caught:
        who(a_city(tmp_path, "m.muster: x\ne.beispiel: 7\nm.muster: [analyst]"), as_role=None, login="a")
    assert [problem.line for problem in caught.value.problems] == [1, 2]
    assert "muster" not in caught.value.render("de").replace('"m.muster: [analyst]"', "")


def test_everybody_in_the_synthetic_city_may_try_every_role(root):
    """Lindenstadt is invented: whoever tries the demo can also approve in it."""
    heads = ("head-of-statistics", "head-of-social-affairs")
    roles = ("analyst", "operator", "data-owner", "steward-statistics", *heads)
    for role in heads:
        assert who(root, as_role=role, login="anybody").roles == roles
