"""
Who asks: the login of the operating system, and the roles that ``roles.yaml`` gives it (CONTRACTS: actor).

Attribution, not authentication: whoever may use the account is this actor.
"""

from __future__ import annotations

import os
import pwd
import re
from pathlib import Path
from typing import Any

import yaml

from stadtbuch.errors import AccessDenied, Problem, SettingsError
from stadtbuch.model.actor import Actor
from stadtbuch.texts import Text

FILE = "roles.yaml"
EVERYBODY = "*"
VISITOR = "visitor"

_ROLE = re.compile(r"[a-z][a-z0-9-]{0,62}")


def who(root: Path, *, as_role: str | None, login: str | None = None) -> Actor:
    """
    Give the actor of this process in one of its roles.

    Parameters
    ----------
    root
        The city's folder; its ``roles.yaml`` maps logins to roles, the key ``"*"`` stands for everybody.
    as_role
        The role to act in; without it the first one.
    login
        The login, where it is not that of the process.

    Raises
    ------
    SettingsError
        If ``roles.yaml`` is no mapping of logins to lists of roles.
    AccessDenied
        If the role is not one of the login's own.

    Examples
    --------
    >>> who(Path("/nowhere"), as_role=None, login="somebody").role
    'visitor'
    """
    login = login or _login()
    table = _read(root / FILE)
    roles = tuple(dict.fromkeys((*table.get(login, ()), *table.get(EVERYBODY, ())))) or (VISITOR,)
    if as_role is not None and as_role not in roles:
        raise _not_yours(as_role, roles)
    return Actor(login=login, role=as_role or roles[0], roles=roles)


def roles_of(root: Path) -> dict[str, tuple[str, ...]]:
    """
    Give the roles of all logins as ``roles.yaml`` states them; nothing where there is no file.

    Raises
    ------
    SettingsError
        As `who`.
    """
    return _read(root / FILE)


def _login() -> str:
    """Ask the system, not the environment: a variable would be a claim."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # an account without a name, as in some containers
        return str(os.getuid())


def _read(path: Path) -> dict[str, tuple[str, ...]]:
    """Read the roles of all logins; nobody has one where there is no file."""
    if not path.exists():
        return {}
    try:
        tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError):
        raise _wrong(
            [_problem(None, "lässt sich nicht als UTF-8 lesen", "cannot be read as UTF-8")]
        ) from None
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        raise _wrong([_problem(line or None, "ist kein gültiges YAML", "is not valid YAML")]) from None
    return {} if tree is None else _table(tree)


def _table(tree: Any) -> dict[str, tuple[str, ...]]:
    """Turn the parsed file into a mapping; all its mistakes at once, none of them naming a login."""
    if not isinstance(tree, yaml.MappingNode):
        raise _wrong([_problem(_line(tree), "ordnet keine Rollen zu", "does not map logins to roles")])
    table: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    for key, value in tree.value:
        if str(key.value) in table:
            problems.append(
                _problem(_line(key), "diese Kennung steht schon weiter oben", "this login stands above")
            )
        if not _is_list_of_roles(value):
            problems.append(
                _problem(
                    _line(value),
                    "erwartet wird eine Liste wie [analyst]",
                    "expected is a list such as [analyst]",
                )
            )
            continue
        table[str(key.value)] = tuple(one.value for one in value.value)
    if problems:
        raise _wrong(problems)
    return table


def _is_list_of_roles(node: Any) -> bool:
    return isinstance(node, yaml.SequenceNode) and all(
        isinstance(one, yaml.ScalarNode) and _ROLE.fullmatch(one.value) for one in node.value
    )


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


def _problem(line: int | None, de: str, en: str) -> Problem:
    return Problem(FILE, line, "", Text(de=de, en=en))


def _wrong(problems: list[Problem]) -> SettingsError:
    return SettingsError(
        "roles.invalid",
        Text(de=f"{FILE} ist nicht gültig.", en=f"{FILE} is not valid."),
        problems=problems,
        remedy=Text(
            de='Je Zeile eine Kennung mit ihren Rollen: "m.muster: [analyst]".',
            en='One login with its roles per line: "j.doe: [analyst]".',
        ),
    )


def _not_yours(role: str, roles: tuple[str, ...]) -> AccessDenied:
    own = ", ".join(roles)
    return AccessDenied(
        "actor.role-not-yours",
        Text(
            de=f"Die Rolle {role} gehört nicht zu Ihrer Kennung.",
            en=f"The role {role} does not belong to your login.",
        ),
        why=Text(de=f"Ihre Rollen sind: {own}.", en=f"Your roles are: {own}."),
        remedy=Text(
            de=f"Wählen Sie mit --as eine davon oder lassen Sie {FILE} ergänzen.",
            en=f"Choose one of them with --as or have {FILE} extended.",
        ),
    )
